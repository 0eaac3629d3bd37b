"""Serve from AWS Lambda, whose runtime looks for a module-level name: `handler`.

Importing this imports what a status poll needs, and no more: the whole gateway is imported and
built for the first event that is anything else.

With `lifespan="on"` Mangum would start and stop the application around every event, so a
connection would be opened and closed for each status poll. It stays off: what answers an
event is started by the first one and lives as long as the execution environment. Nothing runs
between events, so there is no pulse: a schedule's event ticks, and effects that a request
left are performed before its answer, within bounds.
"""

import asyncio
import logging
import sys
import time
from collections.abc import Awaitable, Callable
from functools import cache
from typing import TYPE_CHECKING, Any

from mangum import Mangum

from gateway.bootstrap_polls import build_polls, open_sqlite, poll_adapters
from gateway.entrypoints.polls_first import PollsFirst
from gateway.settings import Settings, load_settings, on_lambda
from shared.errors import CutroomError
from shared.logs import start_logging
from shared.stray_lines import log_what_strays

if TYPE_CHECKING:
    from gateway.bootstrap import Gateway

log = logging.getLogger(__name__)

# A schedule's finest step is a minute; it is bridged while somebody may fall silent.
TICK_WITHIN_S = 50.0
TICK_EVERY_S = 5.0
# What goes out as it is; anything else Mangum wraps in base64.
TEXT_TYPES = ("text/", "application/json", "application/problem+json")


class LambdaHandler:
    """One execution environment: a loop of its own, and what answers on it.

    `seconds` is a clock that only goes forward.
    """

    def __init__(
        self,
        app: PollsFirst,
        *,
        seconds: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], Awaitable[object]] = asyncio.sleep,
    ) -> None:
        self._app = app
        self._seconds = seconds
        self._sleep = sleep
        self._loop = asyncio.new_event_loop()
        self._http = Mangum(app, lifespan="off", text_mime_types=[*TEXT_TYPES])

    def __call__(self, event: dict[str, Any], context: Any) -> Any:
        """Answer a request, or tick for a schedule's event."""
        asyncio.set_event_loop(self._loop)
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
            async with asyncio.timeout(TICK_WITHIN_S), asyncio.TaskGroup() as group:
                gateway = await self._app.gateway()
                again, delivering = True, None
                while again:
                    again = await self._tick(gateway, until - self._seconds())
                    # Beside the ticks, for a receiver may take its time.
                    if delivering is None or delivering.done():
                        delivering = group.create_task(self._deliver(gateway))
                    if again:
                        await self._sleep(TICK_EVERY_S)
        except TimeoutError:
            log.warning("tick.cut_short")

    async def _deliver(self, gateway: "Gateway") -> None:
        try:
            await gateway.deliver()
        except Exception:
            # A task of its own: what fails there must not end the ticks.
            log.exception("courier.failed")

    async def _tick(self, gateway: "Gateway", left_s: float) -> bool:
        """True where it is worth ticking again in the time that is left."""
        again = left_s > TICK_EVERY_S
        try:
            await gateway.tick()
            return again and await gateway.soon_busy(left_s - TICK_EVERY_S)
        except CutroomError as error:
            log.warning("tick.failed", extra={"why": str(error)})
            return again


def build(settings: Settings) -> LambdaHandler:
    """Return a handler on these settings, as they hold on Lambda."""
    settings = on_lambda(settings)
    engine = open_sqlite(settings)
    polls = build_polls(settings, poll_adapters(settings, engine))

    def whole() -> "Gateway":
        # A status poll must not pay for these imports.
        from gateway.bootstrap import build_gateway  # noqa: PLC0415
        from gateway.bootstrap_adapters import sqlite_adapters  # noqa: PLC0415
        from gateway.entrypoints.no_sockets import refuse_sockets  # noqa: PLC0415

        adapters = sqlite_adapters(settings, engine)
        gateway = build_gateway(settings, adapters, polls=polls.services)
        refuse_sockets(gateway.app)
        return gateway

    return LambdaHandler(PollsFirst(whole, polls))


@cache
def environment() -> LambdaHandler:
    """Read the environment and build, at the first event: importing starts nothing."""
    settings = load_settings()
    start_logging(sys.stdout, level=settings.log_level)
    log_what_strays()
    logging.getLogger("mangum").setLevel(logging.WARNING)  # the gateway logs each request
    return build(settings)


def handler(event: dict[str, Any], context: Any) -> Any:
    """What the runtime calls."""
    return environment()(event, context)
