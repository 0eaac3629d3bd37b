"""What changes where nothing leaves before an answer is whole, and nothing runs after it."""

import asyncio
import logging
from typing import TYPE_CHECKING

from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Receive, Scope, Send

from shared.errors import CutroomError

if TYPE_CHECKING:
    from gateway.bootstrap import Gateway

log = logging.getLogger(__name__)

EFFECTS_WITHIN_S = 2.0
READING = frozenset({"GET", "HEAD", "OPTIONS"})
STREAM = "text/event-stream"


class EffectsBeforeAnswer:
    """Performs what a request leaves in the outbox: at once where it is held, at its end else.

    What takes longer than `within_s` after the request is left to a tick.
    """

    def __init__(
        self, app: ASGIApp, gateway: "Gateway", *, within_s: float = EFFECTS_WITHIN_S
    ) -> None:
        self._app, self._gateway, self._within_s = app, gateway, within_s

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on and perform beside it; reading leaves no effect."""
        if scope["type"] != "http" or scope["method"] in READING:
            await self._app(scope, receive, send)
            return
        answered = asyncio.Event()
        performing = asyncio.create_task(self._perform_until(answered), name="effects")
        try:
            await self._app(scope, receive, send)
        finally:
            answered.set()
            self._gateway.wake()
            await self._end(performing)

    async def _perform_until(self, answered: asyncio.Event) -> None:
        """Perform whenever something was left; a last time once the request is answered.

        That last time comes also where the request was answered before this began.
        """
        last = False
        while not last:
            await self._gateway.woken()
            last = answered.is_set()
            await self._gateway.perform()

    async def _end(self, performing: asyncio.Task[None]) -> None:
        """Give it its time; what it leases then is given back for the next to perform."""
        try:
            async with asyncio.timeout(self._within_s):
                await performing
        except TimeoutError:
            log.info("effects.left_to_tick")
        except CutroomError as error:
            # The answer stands: what it says is committed, and the outbox keeps the rest.
            log.warning("effects.left_to_tick", extra={"why": str(error)})


class PollsForStreams:
    """Answers a page of the poll where server-sent events are asked for.

    An answer that is sent whole when it has ended would hold its request for as long as the
    job runs. A client that finds JSON polls on.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on as one that did not ask for a stream."""
        if scope["type"] == "http" and STREAM in Headers(scope=scope).get("accept", ""):
            scope = {**scope, "headers": [*scope["headers"]]}
            MutableHeaders(scope=scope)["accept"] = "application/json"
        await self._app(scope, receive, send)
