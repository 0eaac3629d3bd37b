"""The job store in SQL."""

import json
from datetime import datetime
from typing import Any

from typing_extensions import override

from gateway.adapters.sql import job_changes, job_creation, money
from gateway.adapters.sql.budgets import refusal_of
from gateway.adapters.sql.engine import ConstraintBroken, SqlEngine
from gateway.adapters.sql.job_line import positions_of
from gateway.adapters.sql.rows import job_of, to_json, to_text
from gateway.core.job import Job
from gateway.ports.budgets import OverBudget
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

MOST_TRIES = 3


class SqlJobStore(JobStore):
    """Jobs in the tables of `gateway/migrations`, from 0002 on."""

    def __init__(self, engine: SqlEngine) -> None:
        self._engine = engine

    @override
    async def create(self, new: NewJob) -> int:
        # Once more where what was in the way has gone before anybody could look at it.
        for _ in range(MOST_TRIES):
            try:
                answers = await self._engine.batch(job_creation.create(new))
            except ConstraintBroken as error:
                broken = str(error)
                if "ops.op" in broken:
                    return await self._ahead_of(new.job)
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

    async def _ahead_of(self, job: Job) -> int:
        """How many wait in front by now of a job that was made before."""
        rows = await self._engine.fetch(*positions_of(job.endpoint, [job]))
        return sum(row["ahead"] for row in rows)

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
