"""The job store and the event log in memory: each write is one step that cannot be split."""

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

from typing_extensions import override

from gateway.adapters.memory.budgets import leave_used_up, reserve
from gateway.adapters.memory.tables import BoundKey, Tables
from gateway.core.budgets import Refusal
from gateway.core.effects import Effect
from gateway.core.events import event_body
from gateway.core.job import Job, Status, WaitingFor
from gateway.core.job_pages import JobFilter, JobPage, Place
from gateway.core.lifecycle import awaits_slot
from gateway.ports.attempt_log import Attempt
from gateway.ports.budgets import OverBudget
from gateway.ports.event_log import Event, EventLog
from gateway.ports.job_store import (
    NO_KIND_CAPS,
    PAGE_INPUT_BYTES,
    Change,
    Committed,
    Deleted,
    FileGone,
    JobIdTaken,
    JobStore,
    KeyTaken,
    NewJob,
    NewReuse,
    SourceGone,
    TooManyOpenJobs,
)
from shared.errors import TryAgainLater


class MemoryJobStore(JobStore):
    """Jobs in a dictionary, under the same rules as the tables."""

    def __init__(self, tables: Tables) -> None:
        self._t = tables

    @override
    async def know_endpoints(self, names: Sequence[str]) -> None:
        """Slots are counted from the jobs themselves."""

    @override
    async def create(self, new: NewJob) -> int:
        job, t = new.job, self._t
        if new.op in t.ops:
            return self._in_line([job]).get(job.id, 0)
        if job.tenant in t.erasing:
            raise TryAgainLater(f"{job.tenant} is being erased", public="Try again.")
        bind = new.idempotency
        name = (job.tenant, bind.route, bind.key) if bind else None
        if name in t.keys:
            raise KeyTaken
        if job.id in t.jobs or (job.id, 1, "reserve") in t.ledger:
            raise JobIdTaken
        if any(f.asset_id and not t.asset_there(job.tenant, f.asset_id) for f in job.files):
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
        if any(f.asset_id and not t.asset_there(job.tenant, f.asset_id) for f in job.files):
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
        job = self._mine(tenant, job_id)
        return bool(job and job.status is Status.SUCCEEDED and not job.outputs_expired_at)

    @override
    async def bound_to(self, tenant: str, route: str, key: str) -> tuple[Job, str] | None:
        bound = self._t.keys.get((tenant, route, key))
        return (self._t.jobs[bound.job_id], bound.request_hash) if bound else None

    @override
    async def get(self, job_id: str, *, tenant: str | None = None) -> Job | None:
        return self._t.jobs.get(job_id) if tenant is None else self._mine(tenant, job_id)

    def _mine(self, tenant: str, job_id: str) -> Job | None:
        job = self._t.jobs.get(job_id)
        there = job is not None and job.tenant == tenant and job_id not in self._t.deleted
        return job if there else None

    def _is_read(self, tenant: str, job_id: str) -> bool:
        """True where a new job may read what this one made."""
        job = self._mine(tenant, job_id)
        return job is not None and job.outputs_expired_at is None

    @override
    async def page(
        self, tenant: str, wanted: JobFilter, after: Place | None, limit: int
    ) -> JobPage:
        here = (after.created_at, after.job_id) if after else None
        older = [
            job
            for job in self._t.jobs.values()
            if self._mine(tenant, job.id)
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
        return self._in_line(jobs)

    def _in_line(self, jobs: Sequence[Job]) -> dict[str, int]:
        waiting = [j for j in self._t.jobs.values() if j.waiting_for is WaitingFor.SLOT]
        waiting.sort(key=lambda job: (job.created_at, job.id))
        found = {}
        for endpoint in {job.endpoint for job in jobs}:
            line = [job.id for job in waiting if job.endpoint == endpoint]
            found.update({job_id: ahead for ahead, job_id in enumerate(line)})
        return {job.id: found[job.id] for job in jobs if job.id in found}

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

    @override
    async def delete(self, tenant: str, job_id: str, at: datetime, erase: Effect) -> Deleted:
        t, job = self._t, self._mine(tenant, job_id)
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

    @override
    async def uses_asset(self, asset_id: str) -> bool:
        return any(
            not job.is_final and any(file.asset_id == asset_id for file in job.files)
            for job in self._t.jobs.values()
        )


def _wanted(job: Job, wanted: JobFilter) -> bool:
    return (
        wanted.status in (None, job.status)
        and wanted.kind in (None, job.kind)
        and wanted.parent_id in (None, job.parent_id)
        and wanted.labels.items() <= job.labels.items()
    )


class MemoryEventLog(EventLog):
    """Events in lists."""

    def __init__(self, tables: Tables) -> None:
        self._t = tables

    @override
    async def read(self, job_id: str, after: int, limit: int) -> list[Event]:
        return [each for each in self._t.events.get(job_id, ()) if each.seq > after][:limit]
