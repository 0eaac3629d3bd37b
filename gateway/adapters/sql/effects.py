"""The outbox in SQL: rows leased by compare-and-set."""

import json
from collections.abc import Sequence
from datetime import datetime

from typing_extensions import override

from gateway.adapters.sql.engine import Row, SqlEngine
from gateway.adapters.sql.job_changes import add_effects
from gateway.adapters.sql.rows import to_instant, to_text
from gateway.core.effects import Effect, EffectKind
from gateway.ports.effect_queue import EffectQueue, Lease

# Kept with the job alone, so that a submission writes it once.
_TRACE = "(SELECT j.trace FROM jobs j WHERE j.id = effects.job_id) AS trace"
_LONGEST_ERROR = 500  # characters kept of why an effect was put off


class SqlEffectQueue(EffectQueue):
    """Effects in the table of `gateway/migrations/0002_jobs.sql`."""

    def __init__(self, engine: SqlEngine) -> None:
        self._engine = engine

    @override
    async def add(self, effects: Sequence[Effect]) -> None:
        if effects:
            await self._engine.batch(add_effects(effects))

    @override
    async def lease(self, now: datetime, until: datetime, op: str, limit: int) -> list[Lease]:
        due = to_text(now)
        due_rows = await self._engine.fetch(
            "SELECT id FROM effects WHERE done_at IS NULL AND due_at <= ? AND lease_until <= ? "
            "ORDER BY due_at, id LIMIT ?",
            (due, due, limit),
        )
        if not due_rows:
            return []
        answers = await self._engine.batch(
            [
                (
                    "UPDATE effects SET lease_until = ?, lease_op = ?, tries = tries + 1 "
                    "WHERE id = ? AND done_at IS NULL AND due_at <= ? AND lease_until <= ? "
                    f"RETURNING id, kind, job_id, body, due_at, tries, {_TRACE}",
                    (to_text(until), op, row["id"], due, due),
                )
                for row in due_rows
            ]
        )
        return [_lease(rows[0], op, until) for rows in answers if rows]

    @override
    async def done(self, lease: Lease, now: datetime) -> bool:
        [rows] = await self._engine.batch(
            [
                (
                    "UPDATE effects SET done_at = ? "
                    "WHERE id = ? AND lease_op = ? AND done_at IS NULL RETURNING id",
                    (to_text(now), lease.effect.id, lease.op),
                )
            ]
        )
        return bool(rows)

    @override
    async def put_off(self, lease: Lease, due_at: datetime, error: str) -> bool:
        [rows] = await self._engine.batch(
            [
                (
                    "UPDATE effects SET due_at = ?, lease_until = '', lease_op = NULL, "
                    "last_error = ? WHERE id = ? AND lease_op = ? AND done_at IS NULL "
                    "RETURNING id",
                    (to_text(due_at), error[:_LONGEST_ERROR], lease.effect.id, lease.op),
                )
            ]
        )
        return bool(rows)

    @override
    async def others_undone(self, effect: Effect) -> bool:
        rows = await self._engine.fetch(
            "SELECT 1 FROM effects WHERE job_id = ? AND done_at IS NULL AND id <> ? LIMIT 1",
            (effect.job_id, effect.id),
        )
        return bool(rows)

    @override
    async def next_due(self) -> datetime | None:
        rows = await self._engine.fetch(
            "SELECT min(CASE WHEN lease_until > due_at THEN lease_until ELSE due_at END) "
            "AS due FROM effects WHERE done_at IS NULL"
        )
        return to_instant(rows[0]["due"]) if rows[0]["due"] else None


def _lease(row: Row, op: str, until: datetime) -> Lease:
    effect = Effect(
        id=row["id"],
        kind=EffectKind(row["kind"]),
        due_at=to_instant(row["due_at"]),
        job_id=row["job_id"],
        body=json.loads(row["body"]),
    )
    return Lease(effect, op, until, row["tries"] - 1, row["trace"] or "")
