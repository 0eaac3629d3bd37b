"""A body on its way to a file: what was promised of it, and whether it came true."""

import asyncio
import binascii
import hashlib
import zlib
from base64 import b64decode, b64encode
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from io import BytesIO
from typing import BinaryIO, Protocol

from infra.local.object_store.aws_chunked import ChunkDecoder
from infra.local.object_store.refusal import Refusal
from infra.local.object_store.request import Body, Request
from infra.local.object_store.signature import UNSIGNED, UNSIGNED_CHUNKS

MAX_BODY_BYTES = 5 * 2**30
# Gathered before a thread writes and hashes it; a hop to a thread costs 0.1 ms.
BLOCK_BYTES = 2**18

CHECKSUMS = ("crc32", "sha1", "sha256")
_PREFIX = "x-amz-checksum-"
_NO_CHECKSUM = frozenset({"algorithm", "type", "mode"})  # headers about checksums


class _Digest(Protocol):
    def update(self, data: bytes, /) -> None: ...

    def digest(self) -> bytes: ...


class _Crc32:
    def __init__(self) -> None:
        self._value = 0

    def update(self, data: bytes, /) -> None:
        self._value = zlib.crc32(data, self._value)

    def digest(self) -> bytes:
        return self._value.to_bytes(4, "big")


@dataclass(frozen=True, slots=True)
class Promise:
    """What the headers say of the body. Digests by name (`md5`, `crc32`, …, `signed`)."""

    size_bytes: int
    digests: Mapping[str, bytes]
    trailing: str | None  # the checksum that follows the body
    chunked: bool


@dataclass(frozen=True, slots=True)
class Received:
    """A body that came as promised. `checksums`: base64 by algorithm, those promised."""

    size_bytes: int
    md5: bytes
    checksums: Mapping[str, str]


def promised(request: Request, signed_payload: str) -> Promise:
    """Return what the body must be; raises `Refusal` where too little is said of it."""
    headers = request.headers
    chunked = signed_payload == UNSIGNED_CHUNKS
    size = headers.get("x-amz-decoded-content-length" if chunked else "content-length")
    if size is None or not size.isascii() or not size.isdecimal():
        raise Refusal(411, "MissingContentLength", "The length must be said beforehand.")
    if int(size) > MAX_BODY_BYTES:
        raise Refusal(400, "EntityTooLarge", "One body is at most 5 GiB.")
    digests = {
        _algorithm(name): _from_base64(value, name)
        for name, value in headers.items()
        if name.startswith(_PREFIX) and name.removeprefix(_PREFIX) not in _NO_CHECKSUM
    }
    if "content-md5" in headers:
        digests["md5"] = _from_base64(headers["content-md5"], "content-md5")
    if signed_payload not in {UNSIGNED, UNSIGNED_CHUNKS}:
        digests["signed"] = bytes.fromhex(signed_payload)
    trailer = headers.get("x-amz-trailer") if chunked else None
    return Promise(int(size), digests, _algorithm(trailer) if trailer else None, chunked)


async def receive_into(file: BinaryIO, body: Body, promise: Promise) -> Received:
    """Write the body to `file`; raises `Refusal` (400) where it is not as promised."""
    decoder = ChunkDecoder() if promise.chunked else None
    digests = {name: _digest(name) for name in {"md5", *promise.digests}}
    if promise.trailing is not None:
        digests[promise.trailing] = _digest(promise.trailing)
    size = 0

    def take(block: bytes) -> None:
        file.write(block)
        for digest in digests.values():
            digest.update(block)

    async for block in _gathered(_decoded(body, decoder)):
        size += len(block)
        if size > promise.size_bytes:
            raise Refusal(400, "IncompleteBody", "More bytes came than were announced.")
        await asyncio.to_thread(take, block)
    if size != promise.size_bytes or (decoder is not None and not decoder.ended):
        raise Refusal(400, "IncompleteBody", "Fewer bytes came than were announced.")
    expected = dict(promise.digests)
    if decoder is not None and promise.trailing is not None:
        name = _PREFIX + promise.trailing
        expected[promise.trailing] = _from_base64(decoder.trailers.get(name, ""), name)
    return _kept(size, digests, expected)


async def read_all(body: Body, promise: Promise, limit: int) -> bytes:
    """Return a small body whole, held to the same promises."""
    if promise.size_bytes > limit:
        raise Refusal(400, "MaxMessageLengthExceeded", "The request is too long.")
    file = BytesIO()
    await receive_into(file, body, promise)
    return file.getvalue()


def _kept(size: int, digests: Mapping[str, _Digest], expected: Mapping[str, bytes]) -> Received:
    values = {name: digest.digest() for name, digest in digests.items()}
    for name, value in expected.items():
        if values[name] != value:
            code = "XAmzContentSHA256Mismatch" if name == "signed" else "BadDigest"
            raise Refusal(400, code, f"The {name} of the body is not the one promised.")
    checksums = {n: b64encode(values[n]).decode() for n in expected if n in CHECKSUMS}
    return Received(size, values["md5"], checksums)


async def _decoded(body: Body, decoder: ChunkDecoder | None) -> AsyncIterator[bytes]:
    async for block in body.blocks():
        if decoder is None:
            yield block
        else:
            for data in decoder.feed(block):
                yield data


async def _gathered(blocks: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    held = bytearray()
    async for block in blocks:
        held += block
        if len(held) >= BLOCK_BYTES:
            yield bytes(held)
            held.clear()
    if held:
        yield bytes(held)


def _digest(name: str) -> _Digest:
    match name:
        case "crc32":
            return _Crc32()
        case "signed":
            return hashlib.sha256()
        case _:
            return hashlib.new(name, usedforsecurity=False)


def _algorithm(header: str) -> str:
    name = header.removeprefix(_PREFIX)
    if name not in CHECKSUMS:
        # crc32c and crc64nvme are slow in plain Python; unchecked is worse than refused.
        raise Refusal(501, "NotImplemented", f"Checksums: {', '.join(CHECKSUMS)}.")
    return name


def _from_base64(text: str, name: str) -> bytes:
    try:
        return b64decode(text, validate=True)
    except binascii.Error as error:
        raise Refusal(400, "InvalidDigest", f"{name} is not base64.") from error
