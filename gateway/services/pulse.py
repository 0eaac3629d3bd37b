"""Keeps a server's gateway going: effects at once when woken, a tick each second."""

import asyncio
import logging
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress

from gateway.core.figures import BeatFigures

log = logging.getLogger(__name__)


class Pulse:
    """One task performs effects when woken, another ticks; neither stops for an error.

    `figures`: how its beats go. `seconds`: a clock that only goes forward.
    """

    def __init__(
        self,
        *,
        tick_s: float,
        figures: BeatFigures | None = None,
        seconds: Callable[[], float] = time.monotonic,
    ) -> None:
        self._tick_s = tick_s
        self._figures = figures or BeatFigures()
        self._seconds = seconds
        self._woken = asyncio.Event()

    def wake(self) -> None:
        """Say that effects were left; they are performed at once, beside the caller."""
        self._woken.set()

    async def woken(self) -> None:
        """Return once effects were left, or at once where some were since last time."""
        await self._woken.wait()
        self._woken.clear()

    @asynccontextmanager
    async def beating(
        self, perform: Callable[[], Awaitable[object]], tick: Callable[[], Awaitable[object]]
    ) -> AsyncIterator[None]:
        """Run both tasks while inside."""
        tasks = (
            asyncio.create_task(self._perform(perform), name="effects"),
            asyncio.create_task(self._ticks(tick), name="tick"),
        )
        try:
            yield
        finally:
            for task in tasks:
                task.cancel()
            for task in tasks:
                with suppress(asyncio.CancelledError):
                    await task

    async def _perform(self, perform: Callable[[], Awaitable[object]]) -> None:
        while True:
            await self.woken()
            await self._survive(perform)

    async def _ticks(self, tick: Callable[[], Awaitable[object]]) -> None:
        while True:
            began_at_s = self._seconds()
            await self._survive(tick)
            ended_at_s = self._seconds()
            self._figures.ticks_s.note(ended_at_s - began_at_s)
            await asyncio.sleep(self._tick_s)
            late_s = self._seconds() - ended_at_s - self._tick_s
            self._figures.late_s.note(max(0.0, late_s))

    async def _survive(self, part: Callable[[], Awaitable[object]]) -> None:
        """The outermost loop of a task: what fails is logged, and tried again next time."""
        try:
            await part()
        except Exception:
            self._figures.failed += 1
            log.exception("pulse.part_failed")
