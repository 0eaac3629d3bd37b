"""Use case: everything that must happen though nobody asks; the truth path of the gateway."""

import logging
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from functools import partial

from gateway.ports.clock import Clock
from gateway.ports.liveness import Liveness
from gateway.services.perform_effects import PerformEffects
from gateway.services.watch_attempts import WatchAttempts
from shared.errors import CutroomError

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Tick:
    """Two ticks at once are harmless: effects are leased, changes compare versions."""

    effects: PerformEffects
    watch: WatchAttempts
    liveness: Liveness
    clock: Clock
    chores: Sequence[Callable[[], Awaitable[object]]] = ()

    async def __call__(self) -> None:
        """Perform due effects, then look at what is silent, unclaimed or out of time.

        One part that cannot be done now does not keep the others from being done.
        """
        heard_since = await self.liveness.ticked(
            self.clock.now(), self.watch.patience.longest_gap_s
        )
        parts: list[Callable[[], Awaitable[object]]] = [
            self.effects,
            self.watch.expire,
            self.watch.ask_about_unclaimed,
            partial(self.watch.ask_about_silent, heard_since),
            *self.chores,
            self.effects,
        ]
        for part in parts:
            try:
                await part()
            except CutroomError as error:
                log.warning("tick.part_failed", extra={"why": str(error)})
