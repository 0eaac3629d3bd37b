"""The clock, the sleep and the dice of everything that waits or tries again."""

import asyncio
import logging
import random
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TypeVar

from shared.errors import TryAgainLater

log = logging.getLogger(__name__)

T = TypeVar("T")


def _utc_now() -> datetime:
    return datetime.now(UTC)


@dataclass(frozen=True, slots=True)
class Pace:
    """`first_s` is the longest pause before the second try; each later one doubles it."""

    monotonic_s: Callable[[], float] = time.monotonic
    utc_now: Callable[[], datetime] = _utc_now
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep
    jitter: Callable[[], float] = random.random
    first_s: float = 0.3
    longest_s: float = 3.0

    def pause_s(self, failures: int) -> float:
        """Return how long to wait after so many failures in a row, at least half the bound."""
        bound = min(self.longest_s, self.first_s * 2.0 ** min(failures - 1, 16))
        return bound * (0.5 + 0.5 * self.jitter())

    async def keep_trying(
        self,
        ask: Callable[[], Awaitable[T]],
        *,
        what: str,
        for_s: float | None = None,
        tries: int | None = None,
    ) -> T:
        """Return the answer; `TryAgainLater` is tried again until time or tries are spent.

        The last `TryAgainLater` is raised then, as is every other error at once. A try that
        begins in time may end after it: each call has a time-out of its own.
        """
        begun_at = self.monotonic_s()
        failures = 0
        while True:
            try:
                return await ask()
            except TryAgainLater as error:
                failures += 1
                pause_s = self.pause_s(failures)
                ends_at = self.monotonic_s() + pause_s
                late = for_s is not None and ends_at - begun_at > for_s
                if late or (tries is not None and failures >= tries):
                    raise
                log.warning(
                    "call.repeated",
                    extra={"what": what, "failures": failures, "why": str(error)},
                )
            await self.sleep(pause_s)
