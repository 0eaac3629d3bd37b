"""Use case: what there is, counted at most once a second however many ask."""

import asyncio
import logging
from datetime import datetime, timedelta

from gateway.ports.census import Census, CensusTaker
from gateway.ports.clock import Clock
from shared.errors import CutroomError

log = logging.getLogger(__name__)


class TakeCensus:
    """Those who ask while a count is taken wait for it, and share it for `cache_s`.

    A count that takes longer than `timeout_s` is given up, and remembered as none as well.
    """

    def __init__(
        self, taker: CensusTaker, clock: Clock, *, cache_s: float = 1.0, timeout_s: float = 5.0
    ) -> None:
        self._taker = taker
        self._clock = clock
        self._cache = timedelta(seconds=cache_s)
        self._timeout_s = timeout_s
        self._counting = asyncio.Lock()
        self._known: Census | None = None
        self._known_at: datetime | None = None

    async def __call__(self) -> Census | None:
        """Return the count; None where the store cannot be asked now."""
        async with self._counting:
            if not self._is_fresh():
                self._known = await self._take()
                self._known_at = self._clock.now()
            return self._known

    def _is_fresh(self) -> bool:
        """False too where the clock was set back since."""
        if self._known_at is None:
            return False
        return timedelta() <= self._clock.now() - self._known_at < self._cache

    async def _take(self) -> Census | None:
        try:
            async with asyncio.timeout(self._timeout_s):
                return await self._taker.take(self._clock.now())
        except (CutroomError, TimeoutError) as error:
            log.warning("census.failed", extra={"why": str(error) or "it took too long"})
            return None
