"""Input files, from presigned URLs into scratch: complete, unchanged, and hashed on the way."""

import asyncio
import hashlib
import logging
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, BinaryIO

import httpx

from gpu_worker.waiting.pace import Pace
from gpu_worker.waiting.together import together
from shared.errors import JobFailed, TryAgainLater
from shared.work import InputFile

log = logging.getLogger(__name__)

CHUNK_BYTES = 1024 * 1024
_TIMEOUT = httpx.Timeout(connect=5, read=20, write=10, pool=30)


class NotAsOrdered(TryAgainLater):
    """What arrived is not the file of the work order; the next try may bring it."""


@dataclass(frozen=True, slots=True)
class Fetched:
    """A file as ordered, and what it hashes to."""

    path: Path
    sha256: str


@dataclass(frozen=True, slots=True)
class FetchFiles:
    """Fetches an order's files, a few at once; each is tried a bounded number of times."""

    client: httpx.AsyncClient
    pace: Pace
    tries: int = 5
    at_once: int = 4

    async def __call__(
        self, files: Sequence[InputFile], into: Path, arrived: Callable[[float], None]
    ) -> Mapping[str, Fetched]:
        """Return the files by name; `arrived` hears the share of all bytes, 0 to 1.

        Raises `JobFailed`: `input_missing` where the store has no such object,
        `storage_error` where it could not be fetched whole and unchanged.
        """
        tally = _Tally(files, arrived)
        works = [
            partial(self._fetch, each, into / str(index), tally)
            for index, each in enumerate(files)
        ]
        fetched = await together(works, at_once=self.at_once)
        return {each.name: one for each, one in zip(files, fetched, strict=True)}

    async def _fetch(self, file: InputFile, path: Path, tally: "_Tally") -> Fetched:
        try:
            sha256 = await self.pace.keep_trying(
                lambda: self._stream(file, path, tally),
                what=f"fetch of {file.name}",
                tries=self.tries,
            )
        except TryAgainLater as error:
            raise JobFailed("storage_error", detail=f"{file.name}: {error}") from error
        except OSError as error:
            raise JobFailed("storage_error", detail=f"{file.name}: {error!r}") from error
        log.info("input.fetched", extra={"input": file.name, "size_bytes": file.size_bytes})
        return Fetched(path, sha256)

    async def _stream(self, file: InputFile, path: Path, tally: "_Tally") -> str:
        digest = hashlib.sha256()
        size_bytes = 0
        async with self._answer_to(file) as answer:
            _check(file, answer)
            with await asyncio.to_thread(path.open, "wb") as kept:
                async for chunk in answer.aiter_raw(CHUNK_BYTES):
                    size_bytes += len(chunk)
                    if size_bytes > file.size_bytes:
                        raise _not_as_ordered(file, "more bytes than stated")
                    await asyncio.to_thread(_keep, kept, digest, chunk)
                    tally.has(file, size_bytes)
        if size_bytes != file.size_bytes:
            raise _not_as_ordered(file, f"{size_bytes} of {file.size_bytes} bytes")
        return digest.hexdigest()

    @asynccontextmanager
    async def _answer_to(self, file: InputFile) -> AsyncIterator[httpx.Response]:
        headers = {"accept-encoding": "identity"} | file.headers
        if file.etag:
            headers |= {"if-match": f'"{_bare(file.etag)}"'}
        try:
            async with self.client.stream(
                "GET", file.url, headers=headers, timeout=_TIMEOUT
            ) as answer:
                yield answer
        except httpx.RequestError as error:
            raise _not_as_ordered(file, type(error).__name__) from error
        except httpx.InvalidURL as error:
            raise JobFailed("internal", detail=f"{file.name}: no usable URL") from error


class _Tally:
    """How much of everything has arrived; a file begun anew counts from its start."""

    def __init__(self, files: Sequence[InputFile], arrived: Callable[[float], None]) -> None:
        self._total_bytes = sum(each.size_bytes for each in files)
        self._got: dict[str, int] = {}
        self._arrived = arrived

    def has(self, file: InputFile, size_bytes: int) -> None:
        self._got[file.name] = size_bytes
        self._arrived(sum(self._got.values()) / max(1, self._total_bytes))


def _keep(kept: BinaryIO, digest: Any, chunk: bytes) -> None:
    kept.write(chunk)
    digest.update(chunk)


def _check(file: InputFile, answer: httpx.Response) -> None:
    if answer.status_code in (httpx.codes.NOT_FOUND, httpx.codes.GONE):
        raise JobFailed("input_missing", detail=f"{file.name}: HTTP {answer.status_code}")
    if answer.status_code != httpx.codes.OK:
        raise _not_as_ordered(file, f"HTTP {answer.status_code}")
    length = answer.headers.get("content-length")
    if length is not None and length != str(file.size_bytes):
        raise _not_as_ordered(file, f"announced as {length} of {file.size_bytes} bytes")
    etag = answer.headers.get("etag", "")
    if file.etag and _bare(etag) != _bare(file.etag):
        raise _not_as_ordered(file, "another ETag")


def _bare(etag: str) -> str:
    return etag.removeprefix("W/").strip('"')


def _not_as_ordered(file: InputFile, why: str) -> NotAsOrdered:
    return NotAsOrdered(f"{file.name}: {why}", public="An input file could not be fetched.")
