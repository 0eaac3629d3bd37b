"""How jobs and all that belongs to them go, in memory."""

from dataclasses import replace
from datetime import datetime

from typing_extensions import override

from gateway.adapters.memory.tables import Tables
from gateway.core.effects import Effect
from gateway.ports.job_removal import Deleted, JobRemoval


class MemoryJobRemoval(JobRemoval):
    """A deleted job stays until it is erased."""

    def __init__(self, tables: Tables) -> None:
        self._t = tables

    @override
    async def delete(self, tenant: str, job_id: str, at: datetime, erase: Effect) -> Deleted:
        t, job = self._t, self._t.job_of(tenant, job_id)
        if job is None:
            return Deleted.MISSING
        if not job.is_final:
            return Deleted.UNFINISHED
        if any(
            not each.is_final and any(file.source_id == job_id for file in each.files)
            for each in t.jobs.values()
        ):
            return Deleted.IN_USE
        t.jobs[job_id] = replace(
            job, input={}, labels={}, result=None, checkpoint=None, fingerprint=None
        )
        t.deleted.add(job_id)
        for name in [name for name, bound in t.keys.items() if bound.job_id == job_id]:
            del t.keys[name]
        t.leave([erase])
        return Deleted.DONE

    @override
    async def erase(self, job_id: str) -> None:
        if job_id in self._t.deleted:
            self._t.forget(job_id)
