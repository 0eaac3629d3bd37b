"""PUT, GET, HEAD and DELETE of one object."""

import asyncio
from collections.abc import Mapping
from email.utils import format_datetime
from types import MappingProxyType

from infra.local.object_store.ask import Ask, written_headers
from infra.local.object_store.conditions import asked_range, check_unchanged
from infra.local.object_store.objects import taken
from infra.local.object_store.refusal import Refusal
from infra.local.object_store.reply import FileRange, Reply
from infra.local.object_store.request import Request
from infra.local.object_store.sealed import Record

DEFAULT_TYPE = "application/octet-stream"

_KEPT = ("cache-control", "content-disposition", "content-language", "expires")
# A presigned GET may say how the answer describes itself.
OVERRIDES: Mapping[str, str] = MappingProxyType(
    {f"response-{name}": name for name in (*_KEPT, "content-encoding", "content-type")}
)


async def put_object(ask: Ask) -> Reply:
    """Store the body, seen by nobody until it is whole."""
    write_once, promise = ask.write_once, ask.promise()
    if write_once and await asyncio.to_thread(ask.bucket.has, ask.key):
        raise taken()
    draft = await ask.draft()
    try:
        record = await ask.receive(draft, promise, kept_headers(ask.request))
        await asyncio.to_thread(ask.bucket.publish, draft, record, only_if_absent=write_once)
    finally:
        await asyncio.to_thread(draft.discard)
    return Reply(headers=written_headers(record))


async def get_object(ask: Ask) -> Reply:
    """Answer the object or a range of it; to a HEAD without the bytes."""
    overrides = _overrides(ask.request)
    file, record = await asyncio.to_thread(ask.bucket.open, ask.key)
    try:
        headers = _headers(record) | overrides
        if not check_unchanged(ask.request.headers, record.etag):
            file.close()
            return Reply(304, list(headers.items()))
        chosen = asked_range(ask.request.headers, record.etag, record.size_bytes)
    except Refusal:
        file.close()
        raise
    if chosen is None:
        if ask.request.headers.get("x-amz-checksum-mode", "").upper() == "ENABLED":
            headers |= dict(written_headers(record))
        return Reply(200, list(headers.items()), file=FileRange(file, range(record.size_bytes)))
    headers["content-range"] = f"bytes {chosen[0]}-{chosen[-1]}/{record.size_bytes}"
    return Reply(206, list(headers.items()), file=FileRange(file, chosen))


async def delete_object(ask: Ask) -> Reply:
    """Remove the object; nothing there is no error."""
    await asyncio.to_thread(ask.bucket.delete, ask.key)
    return Reply(204)


def kept_headers(request: Request) -> dict[str, str]:
    """Return the headers of a write that its readers get back."""
    kept = {
        name: value
        for name, value in request.headers.items()
        if name in _KEPT or name.startswith("x-amz-meta-")
    }
    encodings = request.headers.get("content-encoding", "").split(",")
    encoding = ",".join(e.strip() for e in encodings if e.strip() not in {"", "aws-chunked"})
    if encoding:
        kept["content-encoding"] = encoding
    return kept | {"content-type": request.headers.get("content-type", DEFAULT_TYPE)}


def _headers(record: Record) -> dict[str, str]:
    return {
        **record.headers,
        "etag": f'"{record.etag}"',
        "last-modified": format_datetime(record.modified_at, usegmt=True),
        "accept-ranges": "bytes",
    }


def _overrides(request: Request) -> dict[str, str]:
    overrides = {
        OVERRIDES[name]: value for name, value in request.query.items() if name in OVERRIDES
    }
    for value in overrides.values():
        if not value.isprintable() or not value.isascii():
            raise Refusal(400, "InvalidArgument", "A header is printable ASCII.")
    return overrides
