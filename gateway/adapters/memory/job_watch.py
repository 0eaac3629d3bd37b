"""Jobs that a tick must look at, found in memory."""

from datetime import datetime

from typing_extensions import override

from gateway.adapters.memory.tables import Tables
from gateway.core.job import Job, Status, WaitingFor
from gateway.ports.job_watch import JobWatch


class MemoryJobWatch(JobWatch):
    """Found by going through all jobs."""

    def __init__(self, tables: Tables) -> None:
        self._t = tables

    @override
    async def past_deadline(self, now: datetime, limit: int) -> list[Job]:
        late = [j for j in self._t.jobs.values() if not j.is_final and j.deadline_at <= now]
        return sorted(late, key=lambda j: j.deadline_at)[:limit]

    @override
    async def silent(self, heard_before: datetime, limit: int) -> list[Job]:
        running = [j for j in self._t.jobs.values() if j.status is Status.RUNNING]
        quiet = [(j.seen_at, j) for j in running if j.seen_at and j.seen_at < heard_before]
        return [job for _, job in sorted(quiet, key=lambda pair: pair[0])][:limit]

    @override
    async def unclaimed(self, limit: int) -> list[Job]:
        waiting = [j for j in self._t.jobs.values() if j.waiting_for is WaitingFor.WORKER]
        return sorted(waiting, key=self._asked_about)[:limit]

    def _asked_about(self, job: Job) -> tuple[bool, list[datetime], datetime, str]:
        asked = [
            each.asked_at
            for (job_id, _), each in self._t.runpod.items()
            if job_id == job.id and each.submission == job.submission
        ]
        return not asked, sorted(asked)[-1:], job.created_at, job.id
