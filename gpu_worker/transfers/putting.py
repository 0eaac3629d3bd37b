"""What an attempt made, into the bucket: hashed, granted a URL each, and put as signed."""

import asyncio
import hashlib
import logging
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import httpx

from gpu_worker.kind_work import MadeFile
from gpu_worker.protocol.gateway_calls import GatewayCalls, Refused, Unreachable
from gpu_worker.waiting.pace import Pace
from gpu_worker.waiting.together import together
from shared.artifacts import Output
from shared.errors import JobFailed, TryAgainLater
from shared.work import MANIFEST, Final, OutputsRequest, Put, Puts, WorkOrder

log = logging.getLogger(__name__)

CHUNK_BYTES = 1024 * 1024
_TIMEOUT = httpx.Timeout(connect=5, read=60, write=20, pool=30)
_MANIFEST_TYPE = "application/json"

Body = Callable[[], AsyncIterator[bytes]]


class NotStored(TryAgainLater):
    """The store did not take an object; the same URL may be used again."""


@dataclass(frozen=True, slots=True)
class PutOutputs:
    """Puts one attempt's objects. Asking the gateway for URLs is repeated for `for_s`."""

    client: httpx.AsyncClient
    calls: GatewayCalls
    order: WorkOrder
    pace: Pace
    for_s: float
    tries: int = 5
    at_once: int = 2

    async def __call__(
        self, files: Sequence[MadeFile], stored: Callable[[float], None]
    ) -> list[Output]:
        """Return what is now in the bucket; `stored` hears the share of all bytes, 0 to 1.

        Raises `JobFailed`: `storage_error` where the store would not take an object,
        `persist_error` where the gateway could not be asked; or `Superseded`.
        """
        if not files:
            return []
        outputs = [await asyncio.to_thread(_describe, file) for file in files]
        puts = await self._granted(outputs)
        total_bytes = sum(output.size_bytes for output in outputs)
        done: dict[str, int] = {}

        def sent(name: str, size_bytes: int) -> None:
            done[name] = size_bytes
            stored(sum(done.values()) / total_bytes)

        await together(
            [
                partial(self._put, put, _FileBody(file.path, put.name, sent), output.size_bytes)
                for put, file, output in zip(puts, files, outputs, strict=True)
            ],
            at_once=self.at_once,
        )
        return outputs

    async def manifest(self, final: Final) -> None:
        """Put the attempt's last word beside what it made; raises as a call does."""
        said = final.model_dump_json().encode()
        output = Output(
            name=MANIFEST,
            content_type=_MANIFEST_TYPE,
            size_bytes=len(said),
            sha256=hashlib.sha256(said).hexdigest(),
        )
        (put,) = await self._granted([output])
        await self._put(put, _TextBody(said), len(said))

    async def _granted(self, outputs: list[Output]) -> list[Put]:
        asked = OutputsRequest(fence=self.order.fence, items=outputs)
        try:
            puts, _ = await self.pace.keep_trying(
                lambda: self.calls.ask("outputs", self.order.token, asked, Puts),
                what="outputs",
                for_s=self.for_s,
            )
        except Unreachable as error:
            raise JobFailed("persist_error", detail=str(error)) from error
        except Refused as error:
            raise JobFailed("internal", detail=str(error)) from error
        if [put.name for put in puts.puts] != [output.name for output in outputs]:
            raise JobFailed("internal", detail="outputs: URLs of other names than asked for")
        return puts.puts

    async def _put(self, put: Put, body: Body, size_bytes: int) -> None:
        try:
            await self.pace.keep_trying(
                lambda: self._send(put, body, size_bytes),
                what=f"put of {put.name}",
                tries=self.tries,
            )
        except TryAgainLater as error:
            raise JobFailed("storage_error", detail=str(error)) from error
        log.info("output.put", extra={"key": put.key, "size_bytes": size_bytes})

    async def _send(self, put: Put, body: Body, size_bytes: int) -> None:
        try:
            answer = await self.client.put(
                put.url,
                content=body(),
                headers=_with_length(put.headers, size_bytes),
                timeout=_TIMEOUT,
            )
        except httpx.RequestError as error:
            raise _not_stored(put, type(error).__name__) from error
        except httpx.InvalidURL as error:
            raise JobFailed("internal", detail=f"{put.key}: no usable URL") from error
        if not answer.is_success:
            raise _not_stored(put, f"HTTP {answer.status_code}")


@dataclass(frozen=True, slots=True)
class _FileBody:
    """A file read anew for each try, off the loop."""

    path: Path
    name: str
    sent: Callable[[str, int], None]

    async def __call__(self) -> AsyncIterator[bytes]:
        sent_bytes = 0
        with await asyncio.to_thread(self.path.open, "rb") as source:
            while chunk := await asyncio.to_thread(source.read, CHUNK_BYTES):
                yield chunk
                sent_bytes += len(chunk)
                self.sent(self.name, sent_bytes)


@dataclass(frozen=True, slots=True)
class _TextBody:
    said: bytes

    async def __call__(self) -> AsyncIterator[bytes]:
        yield self.said


def _describe(file: MadeFile) -> Output:
    """Read a made file once: its size and hash are what its URL will be signed for."""
    with file.path.open("rb") as source:
        digest = hashlib.file_digest(source, "sha256")
        size_bytes = source.tell()
    return Output(
        name=file.name,
        content_type=file.content_type,
        size_bytes=size_bytes,
        sha256=digest.hexdigest(),
    )


def _with_length(headers: Mapping[str, str], size_bytes: int) -> dict[str, str]:
    # Without a length httpx sends chunks, which a presigned PUT does not take.
    stated = any(name.lower() == "content-length" for name in headers)
    return dict(headers) if stated else {**headers, "content-length": str(size_bytes)}


def _not_stored(put: Put, why: str) -> NotStored:
    return NotStored(f"{put.key}: {why}", public="A result could not be stored.")
