"""Places for those who watch: so many for a job, so many for a tenant, in this process."""

from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Literal

from gateway.core.job import Job
from shared.errors import TryAgainLater

COME_BACK_S = 10

Transport = Literal["poll", "sse", "websocket", "wait"]


class TooManyWatchers(TryAgainLater):
    """The job, or its tenant, has as many watchers as it may."""

    code = "rate_limited"

    def __init__(self, detail: str) -> None:
        super().__init__(
            detail,
            public="Too many are watching. Try again in a while.",
            retry_after_s=COME_BACK_S,
        )


class Seats:
    """Counts streams, sockets and waiting polls together."""

    def __init__(self, *, per_job: int, per_tenant: int) -> None:
        self._per_job = per_job
        self._per_tenant = per_tenant
        self._of_job: Counter[str] = Counter()
        self._of_tenant: Counter[str] = Counter()
        self._by: Counter[str] = Counter()

    @contextmanager
    def taken(self, job: Job, by: Transport) -> Iterator[None]:
        """Hold a place for as long as the block lasts. Raises `TooManyWatchers`."""
        if self._of_job[job.id] >= self._per_job:
            raise TooManyWatchers(f"job {job.id} has {self._per_job} watchers")
        if self._of_tenant[job.tenant] >= self._per_tenant:
            raise TooManyWatchers(f"tenant {job.tenant} has {self._per_tenant} watchers")
        self._of_job[job.id] += 1
        self._of_tenant[job.tenant] += 1
        self._by[by] += 1
        try:
            yield
        finally:
            _give_back(self._of_job, job.id)
            _give_back(self._of_tenant, job.tenant)
            self._by[by] -= 1

    def watching(self, job_id: str) -> int:
        """How many watch the job."""
        return self._of_job[job_id]

    def by_transport(self) -> Mapping[str, int]:
        """How many watch in each way; those that nobody has used are absent."""
        return dict(self._by)


def _give_back(counts: Counter[str], name: str) -> None:
    counts[name] -= 1
    if not counts[name]:
        del counts[name]  # a name nobody watches takes no memory
