"""The store as an ASGI app: read, verify, carry out, answer, and say so in the log."""

import asyncio
import logging
from collections.abc import Mapping, Sequence
from datetime import datetime

from starlette.types import Receive, Scope, Send

from infra.local.object_store.ask import Ask
from infra.local.object_store.clock import Clock
from infra.local.object_store.cors import CorsRules
from infra.local.object_store.faults import (
    Faults,
    Wrong,
    break_off,
    cut_short,
    refuse,
    spoil,
)
from infra.local.object_store.lifecycle import LifecycleRule, Swept, sweep
from infra.local.object_store.objects import Bucket
from infra.local.object_store.refusal import Refusal
from infra.local.object_store.reply import Reply, xml_reply
from infra.local.object_store.request import Body, Request, read_request
from infra.local.object_store.routes import operation_for
from infra.local.object_store.signature import verify
from infra.local.object_store.xml import error_document

# How long a refused body is still read, unseen, so that its sender gets to the answer.
LINGER_S = 2.0

_log = logging.getLogger(__name__)


class ObjectStore:
    """Buckets at `/<bucket>/<key>`. Built by `build_store`."""

    def __init__(
        self,
        *,
        buckets: Mapping[str, Bucket],
        secrets: Mapping[str, str],
        cors: CorsRules,
        lifecycle: Sequence[LifecycleRule],
        clock: Clock,
        faults: Faults | None,
    ) -> None:
        self.buckets = buckets
        self._secrets = secrets
        self._cors = cors
        self._lifecycle = lifecycle
        self._clock = clock
        self._faults = faults or Faults()

    async def sweep(self, now: datetime) -> Swept:
        """Remove what is too old at `now` by the lifecycle rules, in every bucket."""
        swept = [
            await asyncio.to_thread(sweep, bucket, self._lifecycle, now)
            for bucket in self.buckets.values()
        ]
        return Swept(sum(s.objects for s in swept), sum(s.uploads for s in swept))

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Speak ASGI."""
        if scope["type"] == "lifespan":
            await _live(receive, send)
            return
        if scope["type"] != "http":
            raise ValueError(f"the store speaks HTTP, not {scope['type']}")
        body = Body(scope, receive)
        try:
            request = read_request(scope)
        except Refusal as refusal:
            await _send(send, _refused(refusal, body), scope["method"], body)
        else:
            await self._answer(request, body, send)

    async def _answer(self, request: Request, body: Body, send: Send) -> None:
        wrong, delay_s = self._faults.take(request)
        await asyncio.sleep(delay_s)
        if Wrong.CUT_OFF in wrong:
            await body.first_block()
            await break_off(send)
            return
        try:
            reply = await self._carry_out(request, body, wrong)
        except Refusal as refusal:
            reply = _refused(refusal, body)
        reply.headers.extend(self._cors.answer_headers(request))
        _log.info(
            "object_store.answered",
            extra={
                "method": request.method,
                "bucket": request.bucket,
                "object_key": request.key,
                "status": reply.status,
                "size_bytes": reply.length,
            },
        )
        if Wrong.DROPPED in wrong:
            reply.close()
            await body.client_gone()
            return
        if Wrong.UNHEARD in wrong:
            reply.close()
            await break_off(send)
            return
        longer = int(Wrong.WRONG_SIZE in wrong)
        await _send(
            cut_short(send, reply.length, wrong), reply, request.method, body, longer=longer
        )

    async def _carry_out(self, request: Request, body: Body, wrong: set[Wrong]) -> Reply:
        refuse(wrong)
        if request.method == "OPTIONS":
            return Reply(204, self._cors.preflight_headers(request))
        payload = verify(request, self._secrets, self._clock.now())
        operation = operation_for(request)
        if request.bucket not in self.buckets:
            raise Refusal(404, "NoSuchBucket", "The specified bucket does not exist.")
        bucket = self.buckets[request.bucket]
        reply = await operation(Ask(request, body, payload, bucket, self._clock))
        if Wrong.LOST in wrong:
            await asyncio.to_thread(bucket.delete, request.key)
        spoil(reply, wrong)
        return reply


def _refused(refusal: Refusal, body: Body) -> Reply:
    reply = xml_reply(error_document(refusal), refusal.status)
    reply.headers.extend(refusal.headers.items())
    if not body.finished:  # what is left of it would be read as the next request
        reply.headers.append(("connection", "close"))
    return reply


async def _send(send: Send, reply: Reply, method: str, body: Body, *, longer: int = 0) -> None:
    headers = list(reply.headers)
    if reply.status not in {204, 304}:
        headers.append(("content-length", str(reply.length + longer)))
    raw = [(name.encode("latin-1"), value.encode("latin-1")) for name, value in headers]
    try:
        await send({"type": "http.response.start", "status": reply.status, "headers": raw})
        if method != "HEAD":
            async for block in reply.blocks():
                await send({"type": "http.response.body", "body": block, "more_body": True})
        await body.linger(LINGER_S)
        await send({"type": "http.response.body"})
    finally:
        reply.close()


async def _live(receive: Receive, send: Send) -> None:
    while (await receive())["type"] != "lifespan.shutdown":
        await send({"type": "lifespan.startup.complete"})
    await send({"type": "lifespan.shutdown.complete"})
