"""What jobs leave behind that nobody asks for any more, let go by age."""

from datetime import datetime
from typing import Protocol


class JobPruning(Protocol):
    """Every implementation passes `tests/conformance/test_job_pruning.py`.

    Each write is durable before it is answered. `TryAgainLater` where the store is busy.
    """

    async def prune_events(self, ended_before: datetime, limit: int) -> int:
        """Remove all events but the last of jobs that ended before this; return how many jobs.

        The longest ended first, each job once.
        """

    async def prune_keys(self, before: datetime, limit: int) -> int:
        """Free idempotency keys bound before this whose jobs have ended; return how many."""

    async def prune(self, before: datetime, limit: int) -> int:
        """Forget ops and done effects older than this, at most `limit` of each.

        Those of a job that has not ended stay: a repeat of theirs may still come. Returns
        how many rows went.
        """
