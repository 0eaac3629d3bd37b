"""Counting what the tables hold: each statement reads a range of an index."""

from datetime import datetime

from typing_extensions import override

from gateway.adapters.sql.engine import Row, SqlEngine
from gateway.adapters.sql.rows import to_instant
from gateway.core.budgets import Standing, periods_of
from gateway.ports.census import PERIODS, Census, CensusTaker, Waiting

_JOBS = (
    "SELECT kind, status, count(*) AS count FROM jobs WHERE deleted_at IS NULL "
    "GROUP BY status, kind"
)
# One look into the index for each endpoint and reason, however many jobs there have been.
_OLDEST = "(SELECT min(created_at) FROM jobs WHERE endpoint = e.name AND waiting_for = '{}')"
_REASONS = ("slot", "worker", "retry_at")
_ENDPOINTS = (
    "SELECT e.name, e.taken, "
    + ", ".join(f"{_OLDEST.format(reason)} AS {reason}" for reason in _REASONS)
    + " FROM endpoints e"
)
_EFFECTS = (
    "SELECT kind, count(*) AS count, min(due_at) AS first FROM effects "
    "WHERE done_at IS NULL GROUP BY kind"
)
_OPEN = "SELECT count(*) AS count FROM jobs WHERE status = 'running'"
_ENDED = (
    "SELECT outcome, count(*) AS count FROM attempts WHERE outcome IS NOT NULL GROUP BY outcome"
)
_TICKED = "SELECT ticked_at FROM liveness WHERE id = 1"
# By tenant, as the rows are found; SQLite takes a CROSS JOIN in the order it is written.
_SPENDING = (
    "SELECT coalesce(sum(b.reserved_micro_usd), 0) AS reserved, "
    "coalesce(sum(b.spent_micro_usd), 0) AS spent "
    "FROM tenants t CROSS JOIN budget_periods b WHERE b.tenant = t.id AND b.period = ?"
)
_DELIVERIES = (
    "SELECT count(*) AS count, min(due_at) AS first FROM webhook_deliveries "
    "WHERE due_at IS NOT NULL"
)
STATEMENTS = (
    *(_JOBS, _ENDPOINTS, _EFFECTS, _OPEN, _ENDED),
    *(_TICKED, _SPENDING, _DELIVERIES),
)


class SqlCensusTaker(CensusTaker):
    """Reads one statement after the other: a count is no transaction."""

    def __init__(self, engine: SqlEngine) -> None:
        self._engine = engine

    @override
    async def take(self, now: datetime) -> Census:
        jobs = await self._engine.fetch(_JOBS)
        endpoints = await self._engine.fetch(_ENDPOINTS)
        effects = await self._engine.fetch(_EFFECTS)
        ended = await self._engine.fetch(_ENDED)
        ticked = await self._engine.fetch(_TICKED)
        return Census(
            jobs={(row["kind"], row["status"]): row["count"] for row in jobs},
            queued_since={
                row["name"]: to_instant(min(found)) for row in endpoints if (found := _set(row))
            },
            slots_taken={row["name"]: row["taken"] for row in endpoints},
            effects={
                row["kind"]: Waiting(row["count"], to_instant(row["first"])) for row in effects
            },
            attempts_open=await self.attempts_open(),
            attempts_ended={row["outcome"]: row["count"] for row in ended},
            ticked_at=to_instant(ticked[0]["ticked_at"]) if ticked else None,
            spending=await self._spending(now),
            deliveries=await self._deliveries(),
        )

    async def _deliveries(self) -> Waiting | None:
        [row] = await self._engine.fetch(_DELIVERIES)
        return Waiting(row["count"], to_instant(row["first"])) if row["count"] else None

    async def _spending(self, now: datetime) -> dict[str, Standing]:
        found = {}
        for word, period in zip(PERIODS, periods_of(now), strict=True):
            [row] = await self._engine.fetch(_SPENDING, (period,))
            found[word] = Standing(row["reserved"], row["spent"])
        return found

    @override
    async def attempts_open(self) -> int:
        [row] = await self._engine.fetch(_OPEN)
        return int(row["count"])


def _set(row: Row) -> list[str]:
    """The instants of an endpoint's row that are there; as text they sort."""
    return [row[reason] for reason in _REASONS if row[reason] is not None]
