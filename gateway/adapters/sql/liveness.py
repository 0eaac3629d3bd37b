"""Since when the gateway could hear workers, as one row."""

from datetime import datetime, timedelta

from typing_extensions import override

from gateway.adapters.sql.engine import SqlEngine
from gateway.adapters.sql.rows import to_instant, to_text
from gateway.ports.liveness import Liveness


class SqlLiveness(Liveness):
    """One row for every gateway on the database: while one of them hears, all do."""

    def __init__(self, engine: SqlEngine) -> None:
        self._engine = engine

    @override
    async def started(self, now: datetime) -> None:
        at = to_text(now)
        await self._engine.batch(
            [
                (
                    "INSERT INTO liveness (id, ticked_at, heard_since) VALUES (1, ?, ?) "
                    "ON CONFLICT (id) DO UPDATE SET ticked_at = excluded.ticked_at, "
                    "heard_since = excluded.heard_since",
                    (at, at),
                )
            ]
        )

    @override
    async def ticked(self, now: datetime, longest_gap_s: float) -> datetime:
        at, gap_before = to_text(now), to_text(now - timedelta(seconds=longest_gap_s))
        [_, rows] = await self._engine.batch(
            [
                (
                    "INSERT INTO liveness (id, ticked_at, heard_since) VALUES (1, ?, ?) "
                    "ON CONFLICT (id) DO NOTHING",
                    (at, at),
                ),
                (
                    "UPDATE liveness SET heard_since = "
                    "CASE WHEN ticked_at < ? THEN ? ELSE heard_since END, ticked_at = "
                    "CASE WHEN ticked_at < ? THEN ? ELSE ticked_at END "
                    "WHERE id = 1 RETURNING heard_since",
                    (gap_before, at, at, at),
                ),
            ]
        )
        return to_instant(rows[0]["heard_since"])
