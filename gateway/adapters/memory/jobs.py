"""The job store in memory: each write is one step that cannot be split."""

from dataclasses import replace
from datetime import datetime
from typing import Any

from typing_extensions import override

from gateway.adapters.memory.budgets import leave_used_up, reserve
from gateway.adapters.memory.job_line import positions_of
from gateway.adapters.memory.tables import BoundKey, Tables
from gateway.core.budgets import Refusal
from gateway.core.events import event_body
from gateway.core.job import Job, WaitingFor
from gateway.ports.attempt_log import Attempt
from gateway.ports.budgets import OverBudget
from gateway.ports.event_log import Event
from gateway.ports.job_store import (
    Change,
    Committed,
    FileGone,
    JobIdTaken,
    JobStore,
    KeyTaken,
    NewJob,
    SourceGone,
    TooManyOpenJobs,
)
from shared.errors import TryAgainLater


class MemoryJobStore(JobStore):
    """Jobs in a dictionary, under the same rules as the tables."""

    def __init__(self, tables: Tables) -> None:
        self._t = tables

    @override
    async def create(self, new: NewJob) -> int:
        job, t = new.job, self._t
        if new.op in t.ops:
            return positions_of(t, [job]).get(job.id, 0)
        if job.tenant in t.erasing:
            raise TryAgainLater(f"{job.tenant} is being erased", public="Try again.")
        bind = new.idempotency
        name = (job.tenant, bind.route, bind.key) if bind else None
        if name in t.keys:
            raise KeyTaken
        if job.id in t.jobs or (job.id, 1, "reserve") in t.ledger:
            raise JobIdTaken
        if any(f.asset_id and not t.has_asset(job.tenant, f.asset_id) for f in job.files):
            raise FileGone
        if any(f.source_id and not self._is_read(job.tenant, f.source_id) for f in job.files):
            raise SourceGone
        mine = (j for j in t.jobs.values() if j.tenant == job.tenant and not j.is_final)
        if sum(1 for _ in mine) >= new.open_jobs_limit:
            raise TooManyOpenJobs
        reserve_micro_usd = job.reserve_micro_usd
        if found := reserve(t, job.tenant, reserve_micro_usd, new.caps, job.created_at):
            leave_used_up(t, job.tenant, found, job.created_at)
            raise OverBudget(found)
        t.keep_op(new.op, job.id, job.created_at, {})
        if name and bind:
            t.keys[name] = BoundKey(job.id, bind.request_hash, job.created_at)
        ahead = sum(
            other.endpoint == job.endpoint and other.waiting_for is WaitingFor.SLOT
            for other in t.jobs.values()
        )
        t.jobs[job.id] = job
        t.events[job.id].append(Event(0, "queued", event_body(job, "queued", job.created_at)))
        t.ledger[job.id, 1, "reserve"] = reserve_micro_usd
        t.reserved_at[job.id, 1] = job.created_at
        t.leave(new.effects)
        return ahead

    @override
    async def bound_to(self, tenant: str, route: str, key: str) -> tuple[Job, str] | None:
        bound = self._t.keys.get((tenant, route, key))
        return (self._t.jobs[bound.job_id], bound.request_hash) if bound else None

    @override
    async def get(self, job_id: str, *, tenant: str | None = None) -> Job | None:
        return self._t.jobs.get(job_id) if tenant is None else self._t.job_of(tenant, job_id)

    def _is_read(self, tenant: str, job_id: str) -> bool:
        """True where a new job may read what this one made."""
        job = self._t.job_of(tenant, job_id)
        return job is not None and job.outputs_expired_at is None

    @override
    async def commit(self, change: Change) -> Committed:
        t, before, after = self._t, change.before, change.after
        if change.op in t.ops:
            return Committed.REPEATED
        now = t.jobs.get(before.id)
        if now is None or now.version != before.version:
            return Committed.LOST
        if after.holds_slot and not before.holds_slot and not self._has_slot(change):
            return Committed.NO_SLOT
        if change.reserves and self._reserve_another(change):
            return Committed.NO_BUDGET
        t.keep_op(change.op, after.id, change.at, change.outcome)
        t.jobs[after.id] = after
        for event in change.events:
            body = event_body(after, event, change.at)
            t.events[after.id].append(Event(after.seq, event, body))
        self._note_attempt(change)
        t.leave(change.effects)
        return Committed.DONE

    def _has_slot(self, change: Change) -> bool:
        if change.slot_cap is None:
            return True
        held = self._t.holding(change.after.endpoint)
        of_kind = sum(job.kind == change.after.kind for job in held)
        kind_is_full = change.kind_cap is not None and of_kind >= change.kind_cap
        return len(held) < change.slot_cap and not kind_is_full

    def _note_attempt(self, change: Change) -> None:
        t, before, after = self._t, change.before, change.after
        if after.fence > before.fence:
            t.attempts[after.id, after.fence] = Attempt(
                after.id, after.fence, after.nonce or "", change.at, None
            )
        if before.has_open_attempt and not after.has_open_attempt:
            name = (after.id, before.fence)
            t.attempts[name] = replace(t.attempts[name], ended_at=change.at)
            t.outcomes[name] = change.attempt_outcome

    def _reserve_another(self, change: Change) -> Refusal | None:
        t, after = self._t, change.after
        amount = after.reserve_micro_usd
        found = reserve(t, after.tenant, amount, change.caps, change.at)
        if found is None:
            t.ledger[after.id, after.next_fence, "reserve"] = amount
            t.reserved_at[after.id, after.next_fence] = change.at
        return found

    @override
    async def outcome_of(self, op: str) -> dict[str, Any] | None:
        return self._t.ops.get(op)

    @override
    async def touch(self, op: str, job: Job, at: datetime, outcome: dict[str, Any]) -> None:
        if op in self._t.ops:
            return
        self._t.keep_op(op, job.id, at, outcome)
        now = self._t.jobs.get(job.id)
        if now and now.has_open_attempt and now.fence == job.fence and (now.seen_at or at) < at:
            self._t.jobs[job.id] = replace(now, seen_at=at)
