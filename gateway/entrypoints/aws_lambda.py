"""Serve from AWS Lambda, whose runtime looks for a module-level name: `handler`.

With `lifespan="on"` Mangum would start and stop the application around every event, so a
connection would be opened and closed for each status poll. It stays off: the gateway is
started by the first event and lives as long as the execution environment. A schedule's
event ticks; effects that a request left are performed before its answer, within bounds.
"""

import asyncio
import logging
from functools import cache
from typing import Any

from mangum import Mangum
from starlette.types import ASGIApp, Receive, Scope, Send

from gateway.bootstrap import Gateway, build_gateway, sqlite_adapters
from gateway.settings import load_settings

log = logging.getLogger(__name__)

EFFECTS_WITHIN_S = 2.0
TICK_WITHIN_S = 50.0
# What goes out as it is; anything else Mangum wraps in base64.
TEXT_TYPES = ("text/", "application/json", "application/problem+json")


class EffectsBeforeAnswer:
    """Performs what a request left in the outbox, for nothing runs once it is answered."""

    def __init__(self, app: ASGIApp, gateway: Gateway) -> None:
        self._app, self._gateway = app, gateway

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on, then perform; what takes too long is left to a tick."""
        await self._app(scope, receive, send)
        if scope["type"] != "http" or scope["method"] in {"GET", "HEAD", "OPTIONS"}:
            return  # reading leaves no effect
        try:
            async with asyncio.timeout(EFFECTS_WITHIN_S):
                await self._gateway.perform()
        except TimeoutError:
            log.info("effects.left_to_tick")


class LambdaHandler:
    """One execution environment: started by its first event, on a loop of its own."""

    def __init__(self, gateway: Gateway) -> None:
        self._gateway = gateway
        self._loop = asyncio.new_event_loop()
        self._http = Mangum(
            EffectsBeforeAnswer(gateway.app, gateway),
            lifespan="off",
            text_mime_types=[*TEXT_TYPES],
        )
        self._started = False

    def __call__(self, event: dict[str, Any], context: Any) -> Any:
        """Answer a request, or tick for a schedule's event."""
        asyncio.set_event_loop(self._loop)
        if not self._started:
            self._loop.run_until_complete(self._gateway.start())
            self._started = True
        if event.get("source") == "aws.events" or event.get("detail-type") == "Scheduled Event":
            self._loop.run_until_complete(self._tick())
            return {"statusCode": 202}
        return self._http(event, context)

    def close(self) -> None:
        """Let go of the loop; an execution environment just ends, a test does this."""
        self._loop.close()

    async def _tick(self) -> None:
        try:
            async with asyncio.timeout(TICK_WITHIN_S):
                await self._gateway.tick()
        except TimeoutError:
            log.warning("tick.cut_short")


@cache
def environment() -> LambdaHandler:
    """Read the environment and build, at the first event: importing starts nothing."""
    settings = load_settings()
    return LambdaHandler(build_gateway(settings, sqlite_adapters(settings)))


def handler(event: dict[str, Any], context: Any) -> Any:
    """What the runtime calls."""
    return environment()(event, context)
