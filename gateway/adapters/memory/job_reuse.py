"""Jobs that come with an earlier job's outputs, in memory."""

from collections.abc import Sequence
from datetime import datetime

from typing_extensions import override

from gateway.adapters.memory.tables import BoundKey, Tables
from gateway.core.events import event_body
from gateway.core.job import Job, Status
from gateway.ports.event_log import Event
from gateway.ports.job_reuse import JobReuse, NewReuse
from gateway.ports.job_store import JobIdTaken, KeyTaken, SourceGone


class MemoryJobReuse(JobReuse):
    """Jobs that name the objects of another."""

    def __init__(self, tables: Tables) -> None:
        self._t = tables

    @override
    async def create_reused(self, new: NewReuse) -> None:
        job, t = new.job, self._t
        if new.op in t.ops:
            return
        if job.tenant in t.erasing:
            raise SourceGone
        bind = new.idempotency
        name = (job.tenant, bind.route, bind.key) if bind else None
        if name in t.keys:
            raise KeyTaken
        if job.id in t.jobs:
            raise JobIdTaken
        if any(f.asset_id and not t.has_asset(job.tenant, f.asset_id) for f in job.files):
            raise SourceGone
        sources = {new.earlier_id, *(f.source_id for f in job.files if f.source_id)}
        if not all(self._has_outputs(job.tenant, each) for each in sources):
            raise SourceGone
        t.keep_op(new.op, job.id, job.created_at, {})
        if name and bind:
            t.keys[name] = BoundKey(job.id, bind.request_hash, job.created_at)
        t.jobs[job.id] = job
        for seen, event in ((new.queued, "queued"), (job, "succeeded")):
            body = event_body(seen, event, job.created_at)
            t.events[job.id].append(Event(seen.seq, event, body))
        t.leave(new.effects)

    @override
    async def reusable(
        self, tenant: str, fingerprints: Sequence[str], since: datetime | None, limit: int
    ) -> list[Job]:
        found = [
            (job.outputs_at, job.id, job)
            for job in self._t.jobs.values()
            if job.fingerprint in fingerprints
            and job.outputs_at
            and (since is None or job.outputs_at >= since)
            and self._has_outputs(tenant, job.id)
        ]
        return [job for *_, job in sorted(found, key=lambda each: each[:2], reverse=True)][
            :limit
        ]

    @override
    async def shares_outputs(self, job: Job) -> bool:
        origin = job.reused_from or job.id
        return any(
            other.id != job.id
            and origin in (other.id, other.reused_from)
            and self._has_outputs(other.tenant, other.id)
            for other in self._t.jobs.values()
        )

    def _has_outputs(self, tenant: str, job_id: str) -> bool:
        job = self._t.job_of(tenant, job_id)
        return bool(job and job.status is Status.SUCCEEDED and not job.outputs_expired_at)
