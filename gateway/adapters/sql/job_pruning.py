"""Events, keys, ops and effects that are old, let go in SQL."""

from datetime import datetime

from typing_extensions import override

from gateway.adapters.sql.engine import Row, SqlEngine, Statement
from gateway.adapters.sql.rows import to_text
from gateway.ports.job_pruning import JobPruning


class SqlJobPruning(JobPruning):
    """What is old is looked for first, then it goes in one batch."""

    def __init__(self, engine: SqlEngine) -> None:
        self._engine = engine

    @override
    async def prune_events(self, ended_before: datetime, limit: int) -> int:
        jobs = await self._engine.fetch(*jobs_to_prune(ended_before, limit))
        if jobs:
            gone = [each for job in jobs for each in _without_events(job)]
            await self._engine.batch(gone)
        return len(jobs)

    @override
    async def prune_keys(self, before: datetime, limit: int) -> int:
        keys = await self._engine.fetch(*keys_to_prune(before, limit))
        if keys:
            await self._engine.batch([_free_key(key) for key in keys])
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


def jobs_to_prune(ended_before: datetime, limit: int) -> Statement:
    """Ended jobs that still have all their events, the longest ended first."""
    return (
        "SELECT id, seq FROM jobs WHERE finished_at IS NOT NULL AND events_pruned = 0 "
        "AND finished_at < ? ORDER BY finished_at LIMIT ?",
        (to_text(ended_before), limit),
    )


def _without_events(job: Row) -> list[Statement]:
    """All events of the job go together, but for the one that ended it."""
    return [
        ("DELETE FROM events WHERE job_id = ? AND seq < ?", (job["id"], job["seq"])),
        ("UPDATE jobs SET events_pruned = 1 WHERE id = ?", (job["id"],)),
    ]


def keys_to_prune(before: datetime, limit: int) -> Statement:
    """Old idempotency keys of jobs that have ended."""
    return (
        "SELECT k.tenant, k.route, k.idempotency_key FROM idempotency_keys k "
        "LEFT JOIN jobs j ON j.id = k.job_id "
        "WHERE k.created_at < ? AND (j.id IS NULL OR j.finished_at IS NOT NULL) "
        "ORDER BY k.created_at LIMIT ?",
        (to_text(before), limit),
    )


def _free_key(row: Row) -> Statement:
    """One idempotency key is free again."""
    return (
        "DELETE FROM idempotency_keys WHERE tenant = ? AND route = ? AND idempotency_key = ?",
        (row["tenant"], row["route"], row["idempotency_key"]),
    )
