"""Use case: hold a request until a job has ended, for callers that would rather wait."""

import asyncio
from contextlib import aclosing, suppress
from dataclasses import dataclass

from gateway.core.job import Job
from gateway.ports.job_store import JobStore
from gateway.services.feeds import Feeds
from gateway.services.seats import Seats, TooManyWatchers
from shared.errors import NotFound


@dataclass(frozen=True, slots=True)
class Waited:
    """The job as it stands now; `wait_s` is how long was granted, None for no waiting."""

    job: Job
    wait_s: int | None


@dataclass(frozen=True, slots=True)
class WaitForEnd:
    """Waits by the feed, as those who watch do. `wait_s_max`: the longest it grants."""

    store: JobStore
    feeds: Feeds
    seats: Seats
    wait_s_max: float

    def granted(self, wait_s: int | None) -> int | None:
        """Return how many of the wished-for seconds may be waited."""
        return None if wait_s is None else min(wait_s, int(self.wait_s_max))

    async def __call__(self, job: Job, wait_s: int | None) -> Waited:
        """Return the job once it is final, or as it is after `wait_s` seconds.

        A wait is a preference: where there is no place for one more watcher, there is none.
        """
        granted_s = self.granted(wait_s)
        if granted_s is None or job.is_final:
            return Waited(job, granted_s)
        try:
            with self.seats.taken(job, "wait"):
                await self._last_word(job, granted_s)
        except TooManyWatchers:
            return Waited(job, None)
        return Waited(await self.store.get(job.id, tenant=job.tenant) or job, granted_s)

    async def _last_word(self, job: Job, wait_s: int) -> None:
        with suppress(TimeoutError, NotFound):  # deleted: there is no end to wait for
            async with (
                asyncio.timeout(wait_s),
                aclosing(self.feeds.follow(job, job.seq)) as batches,
            ):
                async for _ in batches:
                    continue
