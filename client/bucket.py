"""Bytes to and from the bucket, by URLs that carry their own permission.

The API key never goes there: this is another HTTP client, and it sends what was signed.
"""

import hashlib
import logging
import os
import re
import secrets
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import BinaryIO

import httpx

from client.api_calls import NO_PROXY, PAUSES_S, Sleep
from client.errors import TransferFailed
from client.models import Output, UploadPromise

OnProgress = Callable[[int, int], object]  # bytes so far, bytes in all

TIMEOUT = httpx.Timeout(30.0, read=120.0)
CHUNK_BYTES = 2**18
TRIES = 4
_CODE = re.compile(rb"<Code>([A-Za-z]{1,64})</Code>")


class Dropped(Exception):
    """The connection broke: whether the bytes arrived is not known."""


class Bucket:
    """Streams files to and from presigned URLs."""

    def __init__(self, sleep: Sleep) -> None:
        logging.getLogger("httpx").addFilter(_is_no_presigned_request)
        self.http = httpx.Client(timeout=TIMEOUT, mounts=NO_PROXY)
        self._sleep = sleep

    def put(
        self, promise: UploadPromise, path: Path, size_bytes: int, tell: OnProgress
    ) -> None:
        """Send a file under its promise; one that is there already is left alone.

        Raises `TransferFailed` where the bucket refuses, `Dropped` where it is unknown.
        """
        with path.open("rb") as file:
            try:
                answer = self.http.request(
                    promise.method,
                    promise.url,
                    headers=promise.headers | {"Content-Length": str(size_bytes)},
                    content=_told(file, size_bytes, tell),
                )
            except httpx.LocalProtocolError as error:
                raise TransferFailed(f"{path.name} changed while it was sent") from error
            except httpx.TransportError as error:
                raise Dropped from error
        is_there = answer.status_code == httpx.codes.PRECONDITION_FAILED
        if not (answer.is_success or is_there):
            raise TransferFailed(f"the bucket refused {path.name}: {_why(answer)}")

    def get(self, output: Output, path: Path, tell: OnProgress) -> Path:
        """Write an output to `path`, which appears whole and checked or not at all.

        Raises `TransferFailed`.
        """
        if output.url is None:
            raise TransferFailed(f"{output.name} has no URL; read the job itself")
        path.parent.mkdir(parents=True, exist_ok=True)
        partial = path.with_name(f".{path.name}.{secrets.token_hex(4)}.part")
        try:
            self._get(output, output.url, partial, tell)
            partial.replace(path)
        finally:
            partial.unlink(missing_ok=True)
        return path

    def _get(self, output: Output, url: str, partial: Path, tell: OnProgress) -> None:
        for pause_s in PAUSES_S[: TRIES - 1]:
            try:
                self._fetch(output, url, partial, tell)
            except httpx.TransportError:
                self._sleep(pause_s)
            else:
                return
        try:
            self._fetch(output, url, partial, tell)
        except httpx.TransportError as error:
            raise TransferFailed(f"the download of {output.name} broke off") from error

    def _fetch(self, output: Output, url: str, partial: Path, tell: OnProgress) -> None:
        seen, digest = 0, hashlib.sha256()
        with self.http.stream("GET", url) as answer, partial.open("wb") as file:
            if answer.status_code != httpx.codes.OK:
                answer.read()
                raise TransferFailed(f"the bucket refused {output.name}: {_why(answer)}")
            for chunk in answer.iter_raw(CHUNK_BYTES):
                seen += len(chunk)
                if seen > output.size_bytes:
                    break
                digest.update(chunk)
                file.write(chunk)
                tell(seen, output.size_bytes)
            file.flush()
            os.fsync(file.fileno())
        if seen != output.size_bytes:
            raise TransferFailed(f"{output.name} is not {output.size_bytes} bytes long")
        if digest.hexdigest() != output.sha256:
            raise TransferFailed(f"{output.name} does not have the hash it was announced with")


def _is_no_presigned_request(line: logging.LogRecord) -> bool:
    """Keep httpx, which logs each request's whole URL at INFO, from telling secrets."""
    return "X-Amz-" not in line.getMessage()


def sha256_of(path: Path) -> tuple[int, str]:
    """Return a file's length in bytes and its SHA-256."""
    with path.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256")
        return file.tell(), digest.hexdigest()


def _told(file: BinaryIO, size_bytes: int, tell: OnProgress) -> Iterator[bytes]:
    sent = 0
    tell(0, size_bytes)
    while chunk := file.read(CHUNK_BYTES):
        yield chunk
        sent += len(chunk)
        tell(sent, size_bytes)


def _why(answer: httpx.Response) -> str:
    """The store's one-word code, or the status; its text can quote what was signed."""
    code = _CODE.search(answer.content[:4096])
    return code.group(1).decode() if code else str(answer.status_code)
