"""Serve from AWS Lambda, whose runtime looks for a module-level name: `handler`.

With `lifespan="on"` Mangum would start and stop the application around every event, so a
connection would be opened and closed for each status poll. It stays off: the gateway is
started by the first event and lives as long as the execution environment. Nothing runs
between events, so there is no pulse: a schedule's event ticks, and effects that a request
left are performed before its answer, within bounds.
"""

import asyncio
import logging
import sys
import time
from collections.abc import Awaitable, Callable
from functools import cache
from typing import Any

from mangum import Mangum

from gateway.bootstrap import Gateway, build_gateway, sqlite_adapters
from gateway.entrypoints.buffered import EffectsBeforeAnswer, PollsForStreams, refuse_sockets
from gateway.settings import Settings, load_settings, on_lambda
from shared.errors import CutroomError
from shared.logs import start_logging

log = logging.getLogger(__name__)

# A schedule's finest step is a minute; it is bridged while somebody may fall silent.
TICK_WITHIN_S = 50.0
TICK_EVERY_S = 5.0
# What goes out as it is; anything else Mangum wraps in base64.
TEXT_TYPES = ("text/", "application/json", "application/problem+json")


class LambdaHandler:
    """One execution environment: started by its first event, on a loop of its own.

    `seconds` is a clock that only goes forward.
    """

    def __init__(
        self,
        gateway: Gateway,
        *,
        seconds: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], Awaitable[object]] = asyncio.sleep,
    ) -> None:
        self._gateway = gateway
        self._seconds = seconds
        self._sleep = sleep
        self._loop = asyncio.new_event_loop()
        refuse_sockets(gateway.app)
        self._http = Mangum(
            EffectsBeforeAnswer(PollsForStreams(gateway.app), gateway),
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
            self._loop.run_until_complete(self._ticks())
            return {"statusCode": 202}
        return self._http(event, context)

    def close(self) -> None:
        """Let go of the loop; an execution environment just ends, a test does this."""
        self._loop.close()

    async def _ticks(self) -> None:
        """Tick, and go on while there is something to see, until the next event is due."""
        until = self._seconds() + TICK_WITHIN_S
        try:
            async with asyncio.timeout(TICK_WITHIN_S):
                while await self._tick(until - self._seconds()):
                    await self._sleep(TICK_EVERY_S)
        except TimeoutError:
            log.warning("tick.cut_short")

    async def _tick(self, left_s: float) -> bool:
        """True where it is worth ticking again in the time that is left."""
        again = left_s > TICK_EVERY_S
        try:
            await self._gateway.tick()
            return again and await self._gateway.soon_busy(left_s - TICK_EVERY_S)
        except CutroomError as error:
            log.warning("tick.failed", extra={"why": str(error)})
            return again


def build(settings: Settings) -> LambdaHandler:
    """Return a handler on these settings, as they hold on Lambda."""
    settings = on_lambda(settings)
    return LambdaHandler(build_gateway(settings, sqlite_adapters(settings)))


@cache
def environment() -> LambdaHandler:
    """Read the environment and build, at the first event: importing starts nothing."""
    settings = load_settings()
    start_logging(sys.stdout, level=settings.log_level)
    logging.getLogger("mangum").setLevel(logging.WARNING)  # the gateway logs each request
    return build(settings)


def handler(event: dict[str, Any], context: Any) -> Any:
    """What the runtime calls."""
    return environment()(event, context)
