"""Whether this gateway can serve: what it stands on answers."""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping
from datetime import datetime, timedelta

from gateway.ports.clock import Clock
from shared.errors import CutroomError

log = logging.getLogger(__name__)

Check = Callable[[], Awaitable[object]]


class Readiness:
    """Asks each check at most once in `cache_s`, however many want to know."""

    def __init__(
        self,
        checks: Mapping[str, Check],
        clock: Clock,
        *,
        cache_s: float = 5.0,
        timeout_s: float = 2.0,
    ) -> None:
        self._checks = checks
        self._clock = clock
        self._cache = timedelta(seconds=cache_s)
        self._timeout_s = timeout_s
        self._asking = asyncio.Lock()
        self._known: dict[str, bool] = {}
        self._known_at: datetime | None = None

    async def __call__(self) -> Mapping[str, bool]:
        """Return which checks pass, by name."""
        async with self._asking:
            if not self._is_fresh():
                passed = await asyncio.gather(*map(self._passes, self._checks))
                self._known = dict(zip(self._checks, passed, strict=True))
                self._known_at = self._clock.now()
            return self._known

    def _is_fresh(self) -> bool:
        """False too where the clock was set back since."""
        if self._known_at is None:
            return False
        return timedelta() <= self._clock.now() - self._known_at < self._cache

    async def _passes(self, name: str) -> bool:
        try:
            async with asyncio.timeout(self._timeout_s):
                await self._checks[name]()
        except (CutroomError, TimeoutError) as error:
            log.warning("readiness.failed", extra={"check": name, "why": str(error)})
            return False
        return True
