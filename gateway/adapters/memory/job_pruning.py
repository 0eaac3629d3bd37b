"""Events, keys, ops and effects that are old, let go in memory."""

from datetime import datetime

from typing_extensions import override

from gateway.adapters.memory.tables import Tables
from gateway.ports.job_pruning import JobPruning


class MemoryJobPruning(JobPruning):
    """Found by going through all there are."""

    def __init__(self, tables: Tables) -> None:
        self._t = tables

    @override
    async def prune_events(self, ended_before: datetime, limit: int) -> int:
        t = self._t
        old = [
            job
            for job in t.jobs.values()
            if job.finished_at
            and job.finished_at < ended_before
            and job.id not in t.events_pruned
        ]
        old.sort(key=lambda job: job.finished_at or job.created_at)
        for job in old[:limit]:
            t.events[job.id] = t.events[job.id][-1:]
            t.events_pruned.add(job.id)
        return len(old[:limit])

    @override
    async def prune_keys(self, before: datetime, limit: int) -> int:
        keys = self._t.keys
        old = [
            name
            for name, bound in keys.items()
            if bound.created_at < before and self._ended(bound.job_id)
        ][:limit]
        for name in old:
            del keys[name]
        return len(old)

    def _ended(self, job_id: str) -> bool:
        job = self._t.jobs.get(job_id)
        return job is None or job.finished_at is not None

    @override
    async def prune(self, before: datetime, limit: int) -> int:
        t = self._t
        ops = [
            op for op, (job_id, at) in t.op_rows.items() if at < before and self._ended(job_id)
        ][:limit]
        effects = [
            row.effect.id
            for row in t.outbox.values()
            if row.done_at is not None and row.done_at < before
        ][:limit]
        for op in ops:
            del t.ops[op], t.op_rows[op]
        for effect_id in effects:
            del t.outbox[effect_id]
        return len(ops) + len(effects)
