"""Pages of jobs in memory."""

import json

from typing_extensions import override

from gateway.adapters.memory.tables import Tables
from gateway.core.job import Job
from gateway.core.job_pages import JobFilter, JobPage, Place
from gateway.ports.job_lists import PAGE_INPUT_BYTES, JobLists


class MemoryJobLists(JobLists):
    """Found by going through all jobs."""

    def __init__(self, tables: Tables) -> None:
        self._t = tables

    @override
    async def page(
        self, tenant: str, wanted: JobFilter, after: Place | None, limit: int
    ) -> JobPage:
        here = (after.created_at, after.job_id) if after else None
        older = [
            job
            for job in self._t.jobs.values()
            if self._t.job_of(tenant, job.id)
            and _wanted(job, wanted)
            and (here is None or (job.created_at, job.id) < here)
        ]
        older.sort(key=lambda job: (job.created_at, job.id), reverse=True)
        kept: list[Job] = []
        total = 0
        for job in older[:limit]:
            kept.append(job)
            total += len(json.dumps(job.input, separators=(",", ":")))
            if total > PAGE_INPUT_BYTES:
                break
        more = len(older) > len(kept)
        return JobPage(kept, Place(kept[-1].created_at, kept[-1].id) if more else None)


def _wanted(job: Job, wanted: JobFilter) -> bool:
    return (
        wanted.status in (None, job.status)
        and wanted.kind in (None, job.kind)
        and wanted.parent_id in (None, job.parent_id)
        and wanted.labels.items() <= job.labels.items()
    )
