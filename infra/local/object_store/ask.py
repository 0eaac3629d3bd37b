"""A signed request to one bucket, and what every writing operation does with its body."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass

from infra.local.object_store.clock import Clock
from infra.local.object_store.objects import Bucket
from infra.local.object_store.payload import Promise, promised, read_all, receive_into
from infra.local.object_store.refusal import Refusal
from infra.local.object_store.reply import Headers
from infra.local.object_store.request import Body, Request
from infra.local.object_store.sealed import Draft, Record

MAX_XML_BYTES = 2 * 2**20  # 10,000 parts by number and ETag


@dataclass(frozen=True, slots=True)
class Ask:
    """What an operation needs. `payload` is what was signed of the body."""

    request: Request
    body: Body
    payload: str
    bucket: Bucket
    clock: Clock

    @property
    def key(self) -> str:
        """Return the object key."""
        return self.request.key

    @property
    def write_once(self) -> bool:
        """True for `If-None-Match: *`; `Refusal` 501 for any other condition on a write."""
        headers = self.request.headers
        condition = headers.get("if-none-match")
        if condition not in {None, "*"} or "if-match" in headers:
            raise Refusal(501, "NotImplemented", "A write knows If-None-Match: * alone.")
        return condition is not None

    def promise(self) -> Promise:
        """Return what the headers say of the body; `Refusal` where that is too little."""
        return promised(self.request, self.payload)

    async def receive(
        self, draft: Draft, promise: Promise, headers: Mapping[str, str]
    ) -> Record:
        """Take the body into the draft and return the record of it."""
        received = await receive_into(draft.file, self.body, promise)
        return Record(
            self.key,
            received.size_bytes,
            received.md5.hex(),
            self.clock.now(),
            headers,
            received.checksums,
        )

    async def xml(self) -> bytes:
        """Return a body that is a small document."""
        return await read_all(self.body, self.promise(), MAX_XML_BYTES)

    async def draft(self) -> Draft:
        """Return a new draft in the bucket."""
        return await asyncio.to_thread(self.bucket.draft)


def written_headers(record: Record) -> Headers:
    """Return what a writer is told."""
    checked = [(f"x-amz-checksum-{name}", text) for name, text in record.checksums.items()]
    return [("etag", f'"{record.etag}"'), *checked]
