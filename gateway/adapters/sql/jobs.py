"""The job store and the event log in SQL."""

import json
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from typing_extensions import override

from gateway.adapters.sql import (
    job_changes,
    job_creation,
    job_lists,
    job_removal,
    job_reuse,
    money,
)
from gateway.adapters.sql.budgets import refusal_of
from gateway.adapters.sql.engine import ConstraintBroken, SqlEngine, Statement
from gateway.adapters.sql.rows import job_of, to_instant, to_json, to_text
from gateway.core.effects import Effect
from gateway.core.job import FINAL, Job, Status
from gateway.core.job_pages import JobFilter, JobPage, Place
from gateway.ports.budgets import OverBudget
from gateway.ports.event_log import Event, EventLog
from gateway.ports.job_store import (
    NO_KIND_CAPS,
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

MOST_TRIES = 3
_NEVER_TOLD = "~"  # sorts behind every instant: there is nothing to ask about
_UNFINISHED = "status IN ('queued', 'running')"
_HELD = (
    "SELECT {by}, count(*) AS held FROM jobs "
    "WHERE endpoint = ? AND holds_slot = 1 GROUP BY {by}"
)
_HELD_OF_KIND = "(SELECT count(*) FROM jobs WHERE endpoint = ? AND holds_slot = 1 AND kind = ?)"
_WAITS = (
    "endpoint = ? AND status = 'queued' AND "
    "(waiting_for = 'slot' OR (waiting_for = 'retry_at' AND retry_at <= ?))"
)


class SqlJobStore(JobStore):
    """Jobs in the tables of `gateway/migrations`, from 0002 on."""

    def __init__(self, engine: SqlEngine) -> None:
        self._engine = engine

    @override
    async def know_endpoints(self, names: Sequence[str]) -> None:
        insert = "INSERT INTO endpoints (name) VALUES (?) ON CONFLICT (name) DO NOTHING"
        # A gateway of an earlier version that still ran after a migration counted nobody.
        recount = (
            "UPDATE endpoints SET waiting = (SELECT count(*) FROM jobs "
            "WHERE endpoint = ? AND waiting_for = 'slot') WHERE name = ?"
        )
        await self._engine.batch(
            [(insert, (name,)) for name in names] + [(recount, (name, name)) for name in names]
        )

    @override
    async def create(self, new: NewJob) -> int:
        # Once more where what was in the way has gone before anybody could look at it.
        for _ in range(MOST_TRIES):
            try:
                answers = await self._engine.batch(job_creation.create(new))
            except ConstraintBroken as error:
                broken = str(error)
                if "ops.op" in broken:
                    return (await self.positions([new.job])).get(new.job.id, 0)
                if "idempotency_keys" in broken:
                    raise KeyTaken from error
                if "jobs.id" in broken or "ledger" in broken:
                    raise JobIdTaken from error
                if not any(each in broken for each in ("guards_hold", money.WITHIN_CAP)):
                    raise
                if missed := await self._missed(new):
                    raise missed from error
            else:
                return sum(row["ahead"] for row in answers[job_creation.AHEAD])
        raise TryAgainLater(f"{new.op}: lost every race", public="Try again.")

    async def _missed(self, new: NewJob) -> Exception | None:
        """Say which guard it was that a job did not pass; None where it would by now."""
        job = new.job
        if gone := await self._gone(job):
            return gone
        at, tenant = job.created_at, job.tenant
        reserve = job.reserve_micro_usd
        if found := await refusal_of(self._engine, tenant, new.caps, reserve, at):
            return OverBudget(found)
        fits = await self._engine.fetch(
            "SELECT 1 FROM tenants WHERE id = ? AND open_jobs < ?",
            (tenant, new.open_jobs_limit),
        )
        return None if fits else TooManyOpenJobs()

    async def _gone(self, job: Job) -> FileGone | SourceGone | None:
        for table, ids, gone in (
            ("assets", job_creation.assets_of(job), FileGone()),
            ("jobs", job_creation.sources_of(job), SourceGone()),
        ):
            expired = "outputs_expired_at" if table == "jobs" else "NULL"
            if not ids:
                continue
            marks = ", ".join("?" * len(ids))
            rows = await self._engine.fetch(
                f"SELECT coalesce(deleted_at, {expired}) AS gone_at FROM {table} "
                f"WHERE id IN ({marks}) AND tenant = ?",
                (*ids, job.tenant),
            )
            if sum(row["gone_at"] is None for row in rows) < len(ids):
                return gone
        return None

    @override
    async def create_reused(self, new: NewReuse) -> None:
        try:
            await self._engine.batch(job_reuse.create(new))
        except ConstraintBroken as error:
            broken = str(error)
            if "ops.op" in broken:
                return
            if "idempotency_keys" in broken:
                raise KeyTaken from error
            if "jobs.id" in broken:
                raise JobIdTaken from error
            if "guards_hold" in broken:
                raise SourceGone from error
            raise

    @override
    async def reusable(
        self, tenant: str, fingerprints: Sequence[str], since: datetime | None, limit: int
    ) -> list[Job]:
        wanted = job_reuse.reusable(tenant, fingerprints, since, limit)
        return [job_of(row) for row in await self._engine.fetch(*wanted)]

    @override
    async def shares_outputs(self, job: Job) -> bool:
        return bool(await self._engine.fetch(*job_reuse.sharers(job)))

    @override
    async def bound_to(self, tenant: str, route: str, key: str) -> tuple[Job, str] | None:
        rows = await self._engine.fetch(
            "SELECT j.*, k.request_hash AS bound_hash FROM idempotency_keys k "
            "JOIN jobs j ON j.id = k.job_id "
            "WHERE k.tenant = ? AND k.route = ? AND k.idempotency_key = ?",
            (tenant, route, key),
        )
        return (job_of(rows[0]), rows[0]["bound_hash"]) if rows else None

    @override
    async def get(self, job_id: str, *, tenant: str | None = None) -> Job | None:
        mine = " AND tenant = ? AND deleted_at IS NULL" if tenant is not None else ""
        params = (job_id, tenant) if tenant is not None else (job_id,)
        rows = await self._engine.fetch(f"SELECT * FROM jobs WHERE id = ?{mine}", params)
        return job_of(rows[0]) if rows else None

    @override
    async def page(
        self, tenant: str, wanted: JobFilter, after: Place | None, limit: int
    ) -> JobPage:
        keys = await self._engine.fetch(*job_lists.keys(tenant, wanted, after, limit + 1))
        kept = job_lists.fitting(keys, limit)
        if not kept:
            return JobPage([], None)
        rows = await self._engine.fetch(*job_lists.by_ids([key["id"] for key in kept]))
        found = {row["id"]: job_of(row) for row in rows}
        last = Place(to_instant(kept[-1]["created_at"]), kept[-1]["id"])
        return JobPage(
            [found[key["id"]] for key in kept if key["id"] in found],
            last if len(keys) > len(kept) else None,
        )

    @override
    async def commit(self, change: Change) -> Committed:
        try:
            answers = await self._engine.batch(job_changes.change(change))
        except ConstraintBroken as error:
            broken = str(error)
            if "ops.op" in broken:
                return Committed.REPEATED
            if money.WITHIN_CAP in broken:
                return Committed.NO_BUDGET
            if "guards_hold" in broken:
                return Committed.NO_SLOT
            raise
        return Committed.DONE if answers[job_changes.CAS] else Committed.LOST

    @override
    async def outcome_of(self, op: str) -> dict[str, Any] | None:
        rows = await self._engine.fetch("SELECT outcome FROM ops WHERE op = ?", (op,))
        if not rows or rows[0]["outcome"] is None:
            return None
        outcome: dict[str, Any] = json.loads(rows[0]["outcome"])
        return outcome

    @override
    async def touch(self, op: str, job: Job, at: datetime, outcome: dict[str, Any]) -> None:
        try:
            await self._engine.batch(
                [
                    (
                        "INSERT INTO ops (op, job_id, at, outcome) VALUES (?, ?, ?, ?)",
                        (op, job.id, to_text(at), to_json(outcome)),
                    ),
                    (
                        "UPDATE jobs SET seen_at = ? "
                        "WHERE id = ? AND fence = ? AND attempt_state = 'open' AND seen_at < ?",
                        (to_text(at), job.id, job.fence, to_text(at)),
                    ),
                ]
            )
        except ConstraintBroken:
            return  # heard before under this op

    @override
    async def in_line(
        self, endpoint: str, now: datetime, kind_caps: Mapping[str, int] = NO_KIND_CAPS
    ) -> Job | None:
        capped = "".join(f" AND (j.kind <> ? OR {_HELD_OF_KIND} < ?)" for _ in kind_caps)
        caps = [each for kind, cap in kind_caps.items() for each in (kind, endpoint, kind, cap)]
        rows = await self._engine.fetch(
            "SELECT j.* FROM jobs j "
            f"LEFT JOIN ({_HELD.format(by='tenant')}) h ON h.tenant = j.tenant "
            f"LEFT JOIN ({_HELD.format(by='tenant, kind')}) k "
            "ON k.tenant = j.tenant AND k.kind = j.kind "
            f"WHERE j.{_WAITS} AND j.deadline_at > ?{capped} ORDER BY "
            "coalesce(h.held, 0), coalesce(k.held, 0), j.created_at, j.id LIMIT 1",
            (endpoint, endpoint, endpoint, to_text(now), to_text(now), *caps),
        )
        return job_of(rows[0]) if rows else None

    @override
    async def positions(self, jobs: Sequence[Job]) -> dict[str, int]:
        found: dict[str, int] = {}
        for endpoint in sorted({job.endpoint for job in jobs}):
            mine = [job for job in jobs if job.endpoint == endpoint]
            for start in range(0, len(mine), job_lists.POSITIONS_AT_ONCE):
                some = mine[start : start + job_lists.POSITIONS_AT_ONCE]
                rows = await self._engine.fetch(*job_lists.positions(endpoint, some))
                found.update({row["id"]: row["ahead"] for row in rows})
        return found

    @override
    async def past_deadline(self, now: datetime, limit: int) -> list[Job]:
        rows = await self._engine.fetch(
            f"SELECT * FROM jobs WHERE {_UNFINISHED} AND deadline_at <= ? "
            "ORDER BY deadline_at LIMIT ?",
            (to_text(now), limit),
        )
        return [job_of(row) for row in rows]

    @override
    async def silent(self, heard_before: datetime, limit: int) -> list[Job]:
        rows = await self._engine.fetch(
            "SELECT * FROM jobs WHERE status = 'running' AND seen_at < ? "
            "ORDER BY seen_at LIMIT ?",
            (to_text(heard_before), limit),
        )
        return [job_of(row) for row in rows]

    @override
    async def unclaimed(self, limit: int) -> list[Job]:
        rows = await self._engine.fetch(
            # By endpoint, so that an index leads to them past all that waits for a slot.
            "SELECT * FROM jobs j WHERE endpoint IN (SELECT name FROM endpoints) "
            "AND waiting_for = 'worker' ORDER BY coalesce((SELECT max(r.asked_at) "
            "FROM runpod_jobs r WHERE r.job_id = j.id AND r.submission = j.submission), ?), "
            "created_at, id LIMIT ?",
            (_NEVER_TOLD, limit),
        )
        return [job_of(row) for row in rows]

    @override
    async def delete(self, tenant: str, job_id: str, at: datetime, erase: Effect) -> Deleted:
        batch = job_removal.delete(tenant, job_id, at, erase)
        *_, left = answers = await self._engine.batch(batch)
        if answers[job_removal.DONE]:
            return Deleted.DONE
        if not left:
            return Deleted.MISSING
        ended = Status(left[0]["status"]) in FINAL
        return Deleted.IN_USE if ended else Deleted.UNFINISHED

    @override
    async def erase(self, job_id: str) -> None:
        await self._engine.batch(job_removal.erase(job_id))

    @override
    async def prune_events(self, ended_before: datetime, limit: int) -> int:
        jobs = await self._engine.fetch(*job_removal.jobs_to_prune(ended_before, limit))
        if jobs:
            gone = [each for job in jobs for each in job_removal.prune_events(job)]
            await self._engine.batch(gone)
        return len(jobs)

    @override
    async def prune_keys(self, before: datetime, limit: int) -> int:
        keys = await self._engine.fetch(*job_removal.keys_to_prune(before, limit))
        if keys:
            await self._engine.batch([job_removal.free_key(key) for key in keys])
        return len(keys)

    @override
    async def prune(self, before: datetime, limit: int) -> int:
        old = (to_text(before), limit)
        ops = await self._engine.fetch(
            "SELECT o.op FROM ops o LEFT JOIN jobs j ON j.id = o.job_id "
            "WHERE o.at < ? AND (j.id IS NULL OR j.finished_at IS NOT NULL) LIMIT ?",
            old,
        )
        effects = await self._engine.fetch(
            "SELECT id FROM effects WHERE done_at < ? LIMIT ?", old
        )
        gone: list[Statement] = [
            *(("DELETE FROM ops WHERE op = ?", (row["op"],)) for row in ops),
            *(("DELETE FROM effects WHERE id = ?", (row["id"],)) for row in effects),
        ]
        if gone:
            await self._engine.batch(gone)
        return len(gone)

    @override
    async def uses_asset(self, asset_id: str) -> bool:
        rows = await self._engine.fetch(
            "SELECT 1 FROM job_assets a JOIN jobs j ON j.id = a.job_id "
            f"WHERE a.asset_id = ? AND j.{_UNFINISHED} LIMIT 1",
            (asset_id,),
        )
        return bool(rows)


class SqlEventLog(EventLog):
    """Events by `(job_id, seq)`, never by time."""

    def __init__(self, engine: SqlEngine) -> None:
        self._engine = engine

    @override
    async def read(self, job_id: str, after: int, limit: int) -> list[Event]:
        rows = await self._engine.fetch(
            "SELECT seq, type, body FROM events WHERE job_id = ? AND seq > ? "
            "ORDER BY seq LIMIT ?",
            (job_id, after, limit),
        )
        return [Event(row["seq"], row["type"], row["body"]) for row in rows]
