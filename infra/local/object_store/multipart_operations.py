"""Create, fill, list, complete and abort an upload in parts."""

import asyncio

from infra.local.object_store.ask import Ask, written_headers
from infra.local.object_store.multipart import MAX_PARTS, Multiparts
from infra.local.object_store.object_operations import kept_headers
from infra.local.object_store.refusal import Refusal
from infra.local.object_store.reply import Reply, xml_reply
from infra.local.object_store.xml import (
    Node,
    document,
    parts_document,
    read_complete,
)


async def create_multipart(ask: Ask) -> Reply:
    """Open an upload."""
    upload_id = await asyncio.to_thread(
        Multiparts(ask.bucket).begin, ask.key, kept_headers(ask.request), ask.clock.now()
    )
    return xml_reply(
        document("InitiateMultipartUploadResult", [*_named(ask), ("UploadId", upload_id)])
    )


async def upload_part(ask: Ask) -> Reply:
    """Store one part, over one of the same number."""
    number = ask.request.query["partNumber"]
    if not number.isascii() or not number.isdecimal() or not 1 <= int(number) <= MAX_PARTS:
        raise Refusal(400, "InvalidArgument", f"partNumber is 1–{MAX_PARTS}.")
    upload_id, promise = await _open_upload(ask), ask.promise()
    draft = await ask.draft()
    try:
        record = await ask.receive(draft, promise, {})
        keep = Multiparts(ask.bucket).keep
        await asyncio.to_thread(keep, draft, upload_id, int(number), record)
    finally:
        await asyncio.to_thread(draft.discard)
    return Reply(headers=written_headers(record))


async def list_parts(ask: Ask) -> Reply:
    """Answer the parts that have arrived."""
    upload_id = await _open_upload(ask)
    parts = await asyncio.to_thread(Multiparts(ask.bucket).parts, upload_id)
    return xml_reply(parts_document(ask.request.bucket, ask.key, upload_id, parts))


async def complete_multipart(ask: Ask) -> Reply:
    """Make the object of its parts."""
    upload_id, write_once = await _open_upload(ask), ask.write_once
    record = await asyncio.to_thread(
        Multiparts(ask.bucket).join,
        upload_id,
        read_complete(await ask.xml()),
        ask.clock.now(),
        only_if_absent=write_once,
    )
    etag = ("ETag", f'"{record.etag}"')
    return xml_reply(document("CompleteMultipartUploadResult", [*_named(ask), etag]))


async def abort_multipart(ask: Ask) -> Reply:
    """Let an upload and its parts go."""
    upload_id = await _open_upload(ask)
    await asyncio.to_thread(Multiparts(ask.bucket).abort, upload_id)
    return Reply(204)


async def _open_upload(ask: Ask) -> str:
    upload_id = ask.request.query["uploadId"]
    await asyncio.to_thread(Multiparts(ask.bucket).upload, ask.key, upload_id)
    return upload_id


def _named(ask: Ask) -> list[Node]:
    return [("Bucket", ask.request.bucket), ("Key", ask.key)]
