"""Use case: forget what only a repeat would ask for, once no repeat can come."""

from dataclasses import dataclass
from datetime import timedelta

from gateway.ports.clock import Clock
from gateway.ports.job_store import JobStore

KEPT_FOR = timedelta(hours=24)
AT_ONCE = 500


@dataclass(frozen=True, slots=True)
class PruneStore:
    """Ops and done effects a day after they were done; a live job's stay with it."""

    store: JobStore
    clock: Clock

    async def __call__(self) -> int:
        """Return how many rows went; what is left over goes with the next tick."""
        return await self.store.prune(self.clock.now() - KEPT_FOR, AT_ONCE)
