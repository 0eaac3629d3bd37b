"""The line for the slots of an endpoint in memory."""

from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import datetime

from typing_extensions import override

from gateway.adapters.memory.tables import Tables
from gateway.core.job import Job, WaitingFor
from gateway.core.lifecycle import awaits_slot
from gateway.ports.job_line import NO_KIND_CAPS, JobLine


class MemoryJobLine(JobLine):
    """Found by going through all jobs."""

    def __init__(self, tables: Tables) -> None:
        self._t = tables

    @override
    async def know_endpoints(self, names: Sequence[str]) -> None:
        """Slots are counted from the jobs themselves."""

    @override
    async def in_line(
        self, endpoint: str, now: datetime, kind_caps: Mapping[str, int] = NO_KIND_CAPS
    ) -> Job | None:
        holding = self._t.holding(endpoint)
        held = Counter(job.tenant for job in holding)
        held_of_kind = Counter((job.tenant, job.kind) for job in holding)
        by_kind = Counter(job.kind for job in holding)
        waiting = [
            job
            for job in self._t.jobs.values()
            if job.endpoint == endpoint
            and awaits_slot(job, now)
            and by_kind[job.kind] < kind_caps.get(job.kind, len(holding) + 1)
        ]

        def place(job: Job) -> tuple[int, int, datetime, str]:
            of_kind = held_of_kind[job.tenant, job.kind]
            return held[job.tenant], of_kind, job.created_at, job.id

        return min(waiting, key=place, default=None)

    @override
    async def positions(self, jobs: Sequence[Job]) -> dict[str, int]:
        return positions_of(self._t, jobs)


def positions_of(tables: Tables, jobs: Sequence[Job]) -> dict[str, int]:
    """How many jobs wait for a slot in front of each that waits for one."""
    waiting = [j for j in tables.jobs.values() if j.waiting_for is WaitingFor.SLOT]
    waiting.sort(key=lambda job: (job.created_at, job.id))
    found = {}
    for endpoint in {job.endpoint for job in jobs}:
        line = [job.id for job in waiting if job.endpoint == endpoint]
        found.update({job_id: ahead for ahead, job_id in enumerate(line)})
    return {job.id: found[job.id] for job in jobs if job.id in found}
