"""Use case: forget deliveries nobody asks about any more, a bounded number at each tick."""

from dataclasses import dataclass
from datetime import timedelta

from gateway.ports.clock import Clock
from gateway.ports.delivery_removal import DeliveryRemoval

AT_ONCE = 500


@dataclass(frozen=True, slots=True)
class PruneWebhooks:
    """Deliveries `kept_s` after they were made, unless they are still to be tried."""

    removal: DeliveryRemoval
    clock: Clock
    kept_s: float

    async def __call__(self) -> int:
        """Return how many went; the rest goes with the next tick."""
        return await self.removal.prune(
            self.clock.now() - timedelta(seconds=self.kept_s), AT_ONCE
        )
