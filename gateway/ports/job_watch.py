"""The jobs that a tick must look at: nobody else will tell of them."""

from datetime import datetime
from typing import Protocol

from gateway.core.job import Job


class JobWatch(Protocol):
    """Every implementation passes `tests/conformance/test_job_watches.py`."""

    async def past_deadline(self, now: datetime, limit: int) -> list[Job]:
        """Return unfinished jobs whose deadline has passed."""

    async def silent(self, heard_before: datetime, limit: int) -> list[Job]:
        """Return running jobs last heard before this instant, the most silent first."""

    async def unclaimed(self, limit: int) -> list[Job]:
        """Return jobs that wait for a worker, the longest not asked about first.

        Those RunPod has told no id of come last: about them nobody can be asked.
        """
