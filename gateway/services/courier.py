"""Keeps a server's deliveries going, beside its effects and ticks and held up by neither."""

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress

log = logging.getLogger(__name__)


class Courier:
    """One task delivers when woken, and looks for what is due again each `look_again_s`."""

    def __init__(
        self, deliver: Callable[[], Awaitable[object]], *, look_again_s: float
    ) -> None:
        self._deliver = deliver
        self._look_again_s = look_again_s
        self._woken = asyncio.Event()

    def wake(self) -> None:
        """Say that there are new deliveries."""
        self._woken.set()

    @asynccontextmanager
    async def at_work(self) -> AsyncIterator[None]:
        """Deliver while inside."""
        task = asyncio.create_task(self._work(), name="deliveries")
        try:
            yield
        finally:
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task

    async def _work(self) -> None:
        while True:
            self._woken.clear()
            try:
                await self._deliver()
            except Exception:
                # The outermost loop of a task: what fails is tried again next time.
                log.exception("courier.failed")
            with suppress(TimeoutError):
                async with asyncio.timeout(self._look_again_s):
                    await self._woken.wait()
