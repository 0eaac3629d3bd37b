"""A bucket in memory, and URLs that it honours itself: no HTTP, the same rules."""

import hashlib
import secrets
from base64 import b64encode
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import BinaryIO

from typing_extensions import override

from gateway.adapters.memory.url_signer import Grant, MemoryUrlSigner
from gateway.ports.multipart_store import MultipartStore, PartToJoin, StoredPart
from gateway.ports.object_store import ObjectStore, StoredObject
from shared.errors import Conflict, FieldError, NotFound, TryAgainLater, ValidationFailed

MIN_PART_BYTES = 5 * 2**20


@dataclass(frozen=True, slots=True)
class Answer:
    """What the bucket says to one who holds a URL: an HTTP answer without the HTTP."""

    status: int
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""


@dataclass(frozen=True, slots=True)
class _Held:
    body: bytes
    etag: str
    content_type: str


@dataclass(frozen=True, slots=True)
class _Multipart:
    key: str
    content_type: str
    parts: dict[int, bytes] = field(default_factory=dict)


class MemoryObjectStore(ObjectStore, MultipartStore):
    """One bucket. Set `available = False` and every call fails as an outage does."""

    def __init__(self, signer: MemoryUrlSigner) -> None:
        self.available = True
        self._signer = signer
        self._objects: dict[str, _Held] = {}
        self._multiparts: dict[str, _Multipart] = {}

    # What the gateway asks.

    @override
    async def head(self, key: str) -> StoredObject | None:
        self._ask()
        held = self._objects.get(key)
        return None if held is None else _described(key, held)

    @override
    async def read_range(self, key: str, start: int, length: int) -> bytes:
        if start < 0 or length < 1:
            raise ValueError(f"no range: {length} bytes from {start}")
        self._ask()
        if key not in self._objects:
            raise _not_found(key)
        return self._objects[key].body[start : start + length]

    @override
    async def put_file(
        self, key: str, file: BinaryIO, *, content_type: str, size_bytes: int
    ) -> StoredObject:
        self._ask()
        body = file.read()
        if len(body) != size_bytes:
            raise ValueError(f"{size_bytes} bytes were promised, {len(body)} came")
        held = _Held(body, _md5(body).hex(), content_type)
        if self._objects.setdefault(key, held).etag != held.etag:
            raise Conflict(f"{key} is taken", public="A file is already stored there.")
        return _described(key, held)

    @override
    async def delete(self, key: str) -> None:
        self._ask()
        self._objects.pop(key, None)

    @override
    async def list_keys(self, prefix: str, after: str | None, limit: int) -> list[str]:
        self._ask()
        past = (key for key in sorted(self._objects) if after is None or key > after)
        return [key for key in past if key.startswith(prefix)][:limit]

    @override
    async def check(self) -> None:
        self._ask()

    @override
    async def begin(self, key: str, *, content_type: str) -> str:
        self._ask()
        multipart_id = secrets.token_urlsafe(16)
        self._multiparts[multipart_id] = _Multipart(key, content_type)
        return multipart_id

    @override
    async def parts(self, key: str, multipart_id: str) -> list[StoredPart]:
        found = self._multipart(key, multipart_id)
        return [
            StoredPart(number, _md5(body).hex(), len(body))
            for number, body in sorted(found.parts.items())
        ]

    @override
    async def join(
        self, key: str, multipart_id: str, parts: Sequence[PartToJoin]
    ) -> StoredObject:
        found = self._multipart(key, multipart_id)
        _check_parts(found, parts)
        bodies = [found.parts[part.part_number] for part in parts]
        etag = _md5(b"".join(map(_md5, bodies))).hex() + f"-{len(bodies)}"
        self._objects[key] = _Held(b"".join(bodies), etag, found.content_type)
        del self._multiparts[multipart_id]
        return _described(key, self._objects[key])

    @override
    async def abort(self, key: str, multipart_id: str) -> None:
        self._ask()
        self._multiparts.pop(multipart_id, None)

    # What one who holds a URL asks.

    def put(self, url: str, body: bytes, headers: Mapping[str, str]) -> Answer:
        """Carry out a presigned PUT: 200, or 400, 403, 404, 412 as a bucket would."""
        grant = self._signer.granted("PUT", url, headers)
        if grant is None:
            return Answer(403)
        if len(body) != int(headers.get("content-length", len(body))):
            return Answer(400)
        if headers.get("x-amz-checksum-sha256", _sha256(body)) != _sha256(body):
            return Answer(400)
        if grant.multipart_id is not None:
            return self._put_part(grant, grant.multipart_id, body)
        if headers.get("if-none-match") == "*" and grant.key in self._objects:
            return Answer(412)
        content_type = headers.get("content-type", "application/octet-stream")
        held = _Held(body, _md5(body).hex(), content_type)
        self._objects[grant.key] = held
        return Answer(200, {"etag": f'"{held.etag}"'})

    def get(self, url: str) -> Answer:
        """Carry out a presigned GET: 200 with the bytes, or 403, 404."""
        grant = self._signer.granted("GET", url, {})
        if grant is None:
            return Answer(403)
        held = self._objects.get(grant.key)
        if held is None:
            return Answer(404)
        headers = {"content-type": held.content_type, "etag": f'"{held.etag}"'}
        if grant.disposition is not None:
            headers["content-disposition"] = grant.disposition
        return Answer(200, headers, held.body)

    def _put_part(self, grant: Grant, multipart_id: str, body: bytes) -> Answer:
        found = self._multiparts.get(multipart_id)
        if found is None or found.key != grant.key:
            return Answer(404)
        found.parts[grant.part_number] = body
        return Answer(200, {"etag": f'"{_md5(body).hex()}"'})

    def _multipart(self, key: str, multipart_id: str) -> _Multipart:
        self._ask()
        found = self._multiparts.get(multipart_id)
        if found is None or found.key != key:
            raise _not_found(f"{key} multipart")
        return found

    def _ask(self) -> None:
        if not self.available:
            raise TryAgainLater("the memory bucket is down", public="Not available now.")


def _check_parts(found: _Multipart, parts: Sequence[PartToJoin]) -> None:
    numbers = [part.part_number for part in parts]
    if not numbers or numbers != sorted(set(numbers)):
        raise _bad_parts("InvalidPartOrder")
    for part in parts:
        body = found.parts.get(part.part_number)
        if body is None or _md5(body).hex() != part.etag:
            raise _bad_parts("InvalidPart")
    *firsts, last = (len(found.parts[number]) for number in numbers)
    if any(size < MIN_PART_BYTES for size in firsts):
        raise _bad_parts("EntityTooSmall")
    if firsts and (len(set(firsts)) > 1 or last > firsts[0]):
        raise _bad_parts("InvalidPart")


def _described(key: str, held: _Held) -> StoredObject:
    return StoredObject(key, len(held.body), held.etag, held.content_type)


def _bad_parts(code: str) -> ValidationFailed:
    why = f"The parts are not what was uploaded ({code})."
    return ValidationFailed([FieldError("parts", why)])


def _not_found(what: str) -> NotFound:
    return NotFound(f"nothing at {what}", public="The file is not there.")


def _md5(body: bytes) -> bytes:
    return hashlib.md5(body, usedforsecurity=False).digest()


def _sha256(body: bytes) -> str:
    return b64encode(hashlib.sha256(body).digest()).decode()
