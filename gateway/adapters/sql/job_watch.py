"""Jobs that a tick must look at, found in SQL."""

from datetime import datetime

from typing_extensions import override

from gateway.adapters.sql.engine import SqlEngine
from gateway.adapters.sql.rows import job_of, to_text
from gateway.core.job import Job
from gateway.ports.job_watch import JobWatch

_NEVER_TOLD = "~"  # sorts behind every instant: there is nothing to ask about


class SqlJobWatch(JobWatch):
    """Found by the indexes that hold nothing but what is open."""

    def __init__(self, engine: SqlEngine) -> None:
        self._engine = engine

    @override
    async def past_deadline(self, now: datetime, limit: int) -> list[Job]:
        rows = await self._engine.fetch(
            "SELECT * FROM jobs WHERE status IN ('queued', 'running') AND deadline_at <= ? "
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
