"""The job store and the event log in memory: each write is one step that cannot be split."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

from typing_extensions import override

from gateway.adapters.memory.tables import Tables
from gateway.core.events import event_body
from gateway.core.job import Job, Status, WaitingFor
from gateway.core.lifecycle import awaits_slot
from gateway.ports.attempt_log import Attempt
from gateway.ports.event_log import Event, EventLog
from gateway.ports.job_store import (
    Change,
    Committed,
    FileGone,
    JobIdTaken,
    JobStore,
    KeyTaken,
    NewJob,
    TooManyOpenJobs,
)


class MemoryJobStore(JobStore):
    """Jobs in a dictionary, under the same rules as the tables."""

    def __init__(self, tables: Tables) -> None:
        self._t = tables

    @override
    async def know_endpoints(self, names: Sequence[str]) -> None:
        """Slots are counted from the jobs themselves."""

    @override
    async def create(self, new: NewJob) -> None:
        job, t = new.job, self._t
        if new.op in t.ops:
            return
        bind = new.idempotency
        name = (job.tenant, bind.route, bind.key) if bind else None
        if name in t.keys:
            raise KeyTaken
        if job.id in t.jobs or (job.id, 1, "reserve") in t.ledger:
            raise JobIdTaken
        if any(f.asset_id and not t.asset_there(job.tenant, f.asset_id) for f in job.files):
            raise FileGone
        mine = (j for j in t.jobs.values() if j.tenant == job.tenant and not j.is_final)
        if sum(1 for _ in mine) >= new.open_jobs_limit:
            raise TooManyOpenJobs
        t.keep_op(new.op, job.id, job.created_at, {})
        if name and bind:
            t.keys[name] = (job.id, bind.request_hash)
        t.jobs[job.id] = job
        t.events[job.id].append(Event(0, "queued", event_body(job, "queued", job.created_at)))
        t.ledger[job.id, 1, "reserve"] = job.reserve_micro_usd
        t.leave(new.effects)

    @override
    async def bound_to(self, tenant: str, route: str, key: str) -> tuple[Job, str] | None:
        bound = self._t.keys.get((tenant, route, key))
        return (self._t.jobs[bound[0]], bound[1]) if bound else None

    @override
    async def get(self, job_id: str, *, tenant: str | None = None) -> Job | None:
        job = self._t.jobs.get(job_id)
        return job if job and tenant in (None, job.tenant) else None

    @override
    async def commit(self, change: Change) -> Committed:
        t, before, after = self._t, change.before, change.after
        if change.op in t.ops:
            return Committed.REPEATED
        now = t.jobs[before.id]
        if now.version != before.version:
            return Committed.LOST
        takes = after.holds_slot and not before.holds_slot
        cap = change.slot_cap
        if takes and cap is not None and len(t.holding(after.endpoint)) >= cap:
            return Committed.NO_SLOT
        t.keep_op(change.op, after.id, change.at, change.outcome)
        t.jobs[after.id] = after
        for event in change.events:
            body = event_body(after, event, change.at)
            t.events[after.id].append(Event(after.seq, event, body))
        self._note_attempt(change)
        t.leave(change.effects)
        return Committed.DONE

    def _note_attempt(self, change: Change) -> None:
        t, before, after = self._t, change.before, change.after
        if after.fence > before.fence:
            t.attempts[after.id, after.fence] = Attempt(
                after.id, after.fence, after.nonce or "", change.at, None
            )
        if before.has_open_attempt and not after.has_open_attempt:
            name = (after.id, before.fence)
            t.attempts[name] = replace(t.attempts[name], ended_at=change.at)
            if not after.is_final:
                reserve = after.reserve_micro_usd
                t.ledger[after.id, after.fence + 1, "reserve"] = reserve

    @override
    async def outcome_of(self, op: str) -> dict[str, Any] | None:
        return self._t.ops.get(op)

    @override
    async def touch(self, op: str, job: Job, at: datetime, outcome: dict[str, Any]) -> None:
        if op in self._t.ops:
            return
        self._t.keep_op(op, job.id, at, outcome)
        now = self._t.jobs[job.id]
        if now.has_open_attempt and now.fence == job.fence and (now.seen_at or at) < at:
            self._t.jobs[job.id] = replace(now, seen_at=at)

    @override
    async def in_line(self, endpoint: str, now: datetime) -> Job | None:
        held = Counter(job.tenant for job in self._t.holding(endpoint))
        waiting = [
            job
            for job in self._t.jobs.values()
            if job.endpoint == endpoint and awaits_slot(job, now)
        ]
        return min(waiting, key=lambda j: (held[j.tenant], j.created_at, j.id), default=None)

    @override
    async def position(self, job: Job) -> int:
        return sum(
            1
            for each in self._t.jobs.values()
            if each.endpoint == job.endpoint
            and each.waiting_for is WaitingFor.SLOT
            and (each.created_at, each.id) < (job.created_at, job.id)
        )

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
        return sorted(waiting, key=lambda j: j.id)[:limit]

    @override
    async def prune(self, before: datetime, limit: int) -> int:
        t = self._t
        ops = [
            op
            for op, (job_id, at) in t.op_rows.items()
            if at < before and t.jobs[job_id].finished_at is not None
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

    @override
    async def uses_asset(self, asset_id: str) -> bool:
        return any(
            not job.is_final and any(file.asset_id == asset_id for file in job.files)
            for job in self._t.jobs.values()
        )


class MemoryEventLog(EventLog):
    """Events in lists."""

    def __init__(self, tables: Tables) -> None:
        self._t = tables

    @override
    async def read(self, job_id: str, after: int, limit: int) -> list[Event]:
        return [each for each in self._t.events.get(job_id, ()) if each.seq > after][:limit]
