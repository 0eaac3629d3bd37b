"""What is asked of a bucket as a whole."""

import asyncio

from infra.local.object_store.ask import Ask
from infra.local.object_store.listing import page_of, read_list_query
from infra.local.object_store.refusal import Refusal
from infra.local.object_store.reply import Reply, xml_reply
from infra.local.object_store.xml import Node, document, list_document, read_delete

MAX_DELETES = 1000


async def head_bucket(_: Ask) -> Reply:
    """Say that the bucket is there."""
    return Reply()


async def list_objects(ask: Ask) -> Reply:
    """Answer one page of keys."""
    asked = read_list_query(ask.request.query)
    page = await asyncio.to_thread(lambda: page_of(ask.bucket.records(), asked))
    url_encoded = ask.request.query.get("encoding-type") == "url"
    return xml_reply(list_document(ask.request.bucket, asked, page, url_encoded=url_encoded))


async def delete_objects(ask: Ask) -> Reply:
    """Remove the objects that the body names."""
    keys, quiet = read_delete(await ask.xml())
    if not 1 <= len(keys) <= MAX_DELETES:
        raise Refusal(400, "MalformedXML", f"Name 1–{MAX_DELETES} keys.")
    for key in keys:
        await asyncio.to_thread(ask.bucket.delete, key)
    deleted: list[Node] = [] if quiet else [("Deleted", [("Key", key)]) for key in keys]
    return xml_reply(document("DeleteResult", deleted))
