"""Bytes to and from the bucket, by URLs that carry their own permission.

The API key never goes there: this is another HTTP client, and it sends what was signed.
"""

import hashlib
import logging
import os
import re
import secrets
import ssl
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import httpx

from client.api_calls import NO_PROXY, TOO_MANY
from client.errors import TransferFailed
from client.patience import Patience

OnProgress = Callable[[int, int], object]  # bytes so far, bytes in all

TIMEOUT = httpx.Timeout(30.0, read=120.0)
CHUNK_BYTES = 2**18
_CODE = re.compile(rb"<Code>([A-Za-z]{1,64})</Code>")


class Passing(Exception):
    """The connection broke or the store is busy: whether the bytes arrived is not known."""


class NotPermitted(Exception):
    """The URL has expired, or never permitted this; the text is the store's own word."""


@dataclass(frozen=True, slots=True)
class SignedPut:
    """Where bytes go, and the headers that must be sent exactly; both are secrets."""

    url: str = field(repr=False)
    headers: Mapping[str, str] = field(repr=False)
    size_bytes: int
    name: str


@dataclass(frozen=True, slots=True)
class SignedGet:
    """Where bytes come from, and what they must be. `sha256` None: nobody knows it."""

    url: str = field(repr=False)
    name: str
    size_bytes: int
    sha256: str | None


class Bucket:
    """Streams bytes to and from presigned URLs. May be used from several threads."""

    def __init__(self, patience: Patience, trusted: ssl.SSLContext) -> None:
        logging.getLogger("httpx").addFilter(_is_no_presigned_request)
        self.http = httpx.Client(timeout=TIMEOUT, verify=trusted, mounts=NO_PROXY)
        self._patience = patience

    def put(self, signed: SignedPut, body: Iterable[bytes]) -> str | None:
        """Send a body once and return its ETag; None where the object was there before.

        Raises `TransferFailed` where the bucket refuses, `NotPermitted`, `Passing`.
        """
        headers = {**signed.headers, "content-length": str(signed.size_bytes)}
        try:
            answer = self.http.request("PUT", signed.url, headers=headers, content=body)
        except httpx.TransportError as error:
            raise Passing from error
        if answer.is_success:
            return str(answer.headers.get("etag", "")).strip('"')
        if answer.status_code == httpx.codes.PRECONDITION_FAILED:
            return None
        why = _why(answer)
        if answer.is_server_error or answer.status_code == TOO_MANY or why == "RequestTimeout":
            raise Passing(why)
        if answer.status_code == httpx.codes.FORBIDDEN:
            raise NotPermitted(why)
        raise TransferFailed(f"the bucket refused {signed.name}: {why}")

    def get(self, wanted: SignedGet, path: Path, tell: OnProgress) -> Path:
        """Write an object to `path`, which appears whole and checked or not at all.

        Raises `TransferFailed`.
        """
        path.parent.mkdir(parents=True, exist_ok=True)
        partial = path.with_name(f".{path.name}.{secrets.token_hex(4)}.part")
        try:
            self._get(wanted, partial, tell)
            partial.replace(path)
        finally:
            partial.unlink(missing_ok=True)
        return path

    def _get(self, wanted: SignedGet, partial: Path, tell: OnProgress) -> None:
        failed = 0
        while True:
            try:
                return self._fetch(wanted, partial, tell)
            except (httpx.TransportError, Passing) as error:
                failed += 1
                pause_s = self._patience.pause_s(failed)
                if pause_s is None:
                    broken = f"the download of {wanted.name} broke off"
                    raise TransferFailed(broken) from error
            self._patience.sleep(pause_s)

    def _fetch(self, wanted: SignedGet, partial: Path, tell: OnProgress) -> None:
        seen, digest = 0, hashlib.sha256()
        with self.http.stream("GET", wanted.url) as answer, partial.open("wb") as file:
            if answer.status_code != httpx.codes.OK:
                answer.read()
                why = _why(answer)
                if answer.is_server_error:
                    raise Passing(why)
                raise TransferFailed(f"the bucket refused {wanted.name}: {why}")
            for chunk in answer.iter_raw(CHUNK_BYTES):
                seen += len(chunk)
                if seen > wanted.size_bytes:
                    break
                digest.update(chunk)
                file.write(chunk)
                tell(seen, wanted.size_bytes)
            file.flush()
            os.fsync(file.fileno())
        if seen != wanted.size_bytes:
            raise TransferFailed(f"{wanted.name} is not {wanted.size_bytes} bytes long")
        if wanted.sha256 is not None and digest.hexdigest() != wanted.sha256:
            raise TransferFailed(f"{wanted.name} does not have the hash it was announced with")


def _is_no_presigned_request(line: logging.LogRecord) -> bool:
    """Keep httpx, which logs each request's whole URL at INFO, from telling secrets."""
    return "X-Amz-" not in line.getMessage()


def _why(answer: httpx.Response) -> str:
    """The store's one-word code, or the status; its text can quote what was signed."""
    code = _CODE.search(answer.content[:4096])
    return code.group(1).decode() if code else str(answer.status_code)
