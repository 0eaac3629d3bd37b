"""What is kept of each attempt, in SQL: claims, grants, RunPod's ids, the ledger."""

from collections.abc import Sequence
from contextlib import suppress
from datetime import datetime
from typing import Any

from typing_extensions import override

from gateway.adapters.sql import money
from gateway.adapters.sql.engine import ConstraintBroken, SqlEngine, Statement, Value
from gateway.adapters.sql.rows import to_instant, to_json, to_text
from gateway.ports.attempt_log import (
    Attempt,
    AttemptLog,
    Costs,
    Grant,
    LedgerEntry,
    RunpodJob,
    added_up,
)


class SqlAttemptLog(AttemptLog):
    """Attempts in the tables of `gateway/migrations/0002_jobs.sql`."""

    def __init__(self, engine: SqlEngine) -> None:
        self._engine = engine

    @override
    async def attempts(self, job_id: str) -> list[Attempt]:
        rows = await self._engine.fetch(
            "SELECT fence, nonce, claimed_at, ended_at, last_word_at FROM attempts "
            "WHERE job_id = ? ORDER BY fence",
            (job_id,),
        )
        return [
            Attempt(
                job_id,
                row["fence"],
                row["nonce"],
                to_instant(row["claimed_at"]),
                _instant(row["last_word_at"] or row["ended_at"]),
            )
            for row in rows
        ]

    @override
    async def note_worker(self, job_id: str, fence: int, facts: dict[str, Any]) -> None:
        await self._write(
            "UPDATE attempts SET worker = ? WHERE job_id = ? AND fence = ?",
            (to_json(facts), job_id, fence),
        )

    @override
    async def note_last_word(
        self, job_id: str, fence: int, final: dict[str, Any], at: datetime
    ) -> None:
        await self._write(
            "UPDATE attempts SET last_word = ?, last_word_at = ? "
            "WHERE job_id = ? AND fence = ? AND last_word IS NULL",
            (to_json(final), to_text(at), job_id, fence),
        )

    @override
    async def grant(self, job_id: str, fence: int, grants: Sequence[Grant]) -> None:
        statements: list[Statement] = [
            (
                "INSERT INTO grants (job_id, fence, name, object_key, content_type, "
                "size_bytes, sha256, expires_at) VALUES (?, ?, ?, ?, ?, ?, ?, ?) "
                "ON CONFLICT (job_id, fence, name) DO UPDATE SET "
                "object_key = excluded.object_key, content_type = excluded.content_type, "
                "size_bytes = excluded.size_bytes, sha256 = excluded.sha256, "
                "expires_at = excluded.expires_at",
                (
                    job_id,
                    fence,
                    each.name,
                    each.key,
                    each.content_type,
                    each.size_bytes,
                    each.sha256,
                    to_text(each.expires_at),
                ),
            )
            for each in grants
        ]
        await self._engine.batch(statements)

    @override
    async def grants(self, job_id: str, fence: int) -> list[Grant]:
        rows = await self._engine.fetch(
            "SELECT * FROM grants WHERE job_id = ? AND fence = ? ORDER BY name",
            (job_id, fence),
        )
        return [
            Grant(
                row["name"],
                row["object_key"],
                row["content_type"],
                row["size_bytes"],
                row["sha256"],
                to_instant(row["expires_at"]),
            )
            for row in rows
        ]

    @override
    async def drop_grants(self, job_id: str, fence: int) -> None:
        await self._write("DELETE FROM grants WHERE job_id = ? AND fence = ?", (job_id, fence))

    @override
    async def note_runpod_job(
        self, job_id: str, runpod_id: str, submission: int, at: datetime
    ) -> None:
        await self._write(
            "INSERT INTO runpod_jobs (job_id, runpod_id, submission, learnt_at, asked_at) "
            "VALUES (?, ?, ?, ?, ?) ON CONFLICT (job_id, runpod_id) DO NOTHING",
            (job_id, runpod_id, submission, to_text(at), to_text(at)),
        )

    @override
    async def note_asked(self, job_id: str, runpod_id: str, at: datetime) -> None:
        await self._write(
            "UPDATE runpod_jobs SET asked_at = ? WHERE job_id = ? AND runpod_id = ?",
            (to_text(at), job_id, runpod_id),
        )

    @override
    async def runpod_jobs(self, job_id: str) -> list[RunpodJob]:
        rows = await self._engine.fetch(
            "SELECT * FROM runpod_jobs WHERE job_id = ? ORDER BY submission, learnt_at",
            (job_id,),
        )
        return [
            RunpodJob(
                row["runpod_id"],
                row["submission"],
                to_instant(row["learnt_at"]),
                to_instant(row["asked_at"]),
            )
            for row in rows
        ]

    @override
    async def settle(
        self, job_id: str, fence: int, micro_usd: int | None, at: datetime
    ) -> None:
        rows = await self._engine.fetch(
            "SELECT l.micro_usd, l.at, coalesce(l.tenant, j.tenant) AS tenant FROM ledger l "
            "LEFT JOIN jobs j ON j.id = l.job_id "
            "WHERE l.job_id = ? AND l.fence = ? AND l.entry = 'reserve'",
            (job_id, fence),
        )
        for row in rows:
            closing = money.close(
                job_id,
                fence,
                micro_usd,
                at,
                tenant=row["tenant"],
                reserved_micro_usd=row["micro_usd"],
                reserved_at=to_instant(row["at"]),
            )
            with suppress(ConstraintBroken):  # closed at the same time by another
                await self._engine.batch(closing)

    @override
    async def costs(self, job_id: str) -> Costs:
        return (await self.costs_of([job_id]))[job_id]

    @override
    async def costs_of(self, job_ids: Sequence[str]) -> dict[str, Costs]:
        marks = ", ".join("?" * len(job_ids))
        rows = await self._engine.fetch(
            f"SELECT job_id, fence, entry, micro_usd FROM ledger WHERE job_id IN ({marks})",
            job_ids,
        )
        entries: dict[str, list[LedgerEntry]] = {job_id: [] for job_id in job_ids}
        for row in rows:
            entries[row["job_id"]].append((row["fence"], row["entry"], row["micro_usd"]))
        return {job_id: added_up(mine) for job_id, mine in entries.items()}

    async def _write(self, sql: str, params: Sequence[Value]) -> None:
        await self._engine.batch([(sql, params)])


def _instant(text: str | None) -> datetime | None:
    return to_instant(text) if text else None
