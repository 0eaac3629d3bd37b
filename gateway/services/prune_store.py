"""Use case: forget what nobody asks for any more, a bounded number at each tick."""

from dataclasses import dataclass
from datetime import timedelta

from gateway.ports.clock import Clock
from gateway.ports.job_pruning import JobPruning

AT_ONCE = 500
JOBS_AT_ONCE = 100


@dataclass(frozen=True, slots=True)
class PruneStore:
    """Ops and done effects `ops_kept` after they were done; a live job's stay with it.

    Events before a job's last one go together, `events_kept_s` after its end; idempotency
    keys `keys_kept_s` after they were bound, never before their job has ended.
    """

    pruning: JobPruning
    clock: Clock
    events_kept_s: float
    keys_kept_s: float
    ops_kept: timedelta

    async def __call__(self) -> int:
        """Return how many rows and jobs were pruned; the rest goes with the next tick."""
        now = self.clock.now()
        events_before = now - timedelta(seconds=self.events_kept_s)
        keys_before = now - timedelta(seconds=self.keys_kept_s)
        return (
            await self.pruning.prune(now - self.ops_kept, AT_ONCE)
            + await self.pruning.prune_events(events_before, JOBS_AT_ONCE)
            + await self.pruning.prune_keys(keys_before, AT_ONCE)
        )
