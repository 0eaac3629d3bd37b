"""Budgets in SQL: what is set, what stands, what was told, and what was used."""

from collections.abc import Mapping, Sequence
from datetime import date, datetime, timedelta
from types import MappingProxyType

from typing_extensions import override

from gateway.adapters.sql import money
from gateway.adapters.sql.engine import ConstraintBroken, SqlEngine
from gateway.adapters.sql.job_changes import add_effects
from gateway.adapters.sql.rows import to_instant, to_text
from gateway.core import effects
from gateway.core.budgets import (
    Alert,
    Budget,
    Caps,
    Refusal,
    Standing,
    alert_of,
    periods_of,
    refusal,
)
from gateway.core.effects import Effect
from gateway.core.job import LONGEST_LIFE
from gateway.ports.budgets import BudgetStore, UsageBy, UsageRow

_NAMES: Mapping[UsageBy, str] = MappingProxyType(
    {
        UsageBy.DAY: "substr(picked.at, 1, 10)",
        UsageBy.KIND: "picked.kind",
        UsageBy.STATUS: "picked.status",
    }
)
# Reserves of jobs that are there are found by the job, which is no older than the longest life
# of one; those of jobs that are gone have all that is needed with them.
_USAGE = (
    "SELECT {name} AS name, "
    "sum(CASE WHEN picked.fence = 1 THEN 1 ELSE 0 END) AS jobs, "
    "sum(CASE WHEN c.entry = 'settle' OR (c.entry IS NULL AND a.fence IS NOT NULL) "
    "THEN 1 ELSE 0 END) AS attempts, "
    "sum(CASE WHEN c.entry IS NULL THEN picked.micro_usd ELSE 0 END) AS reserved, "
    "sum(coalesce(c.micro_usd, 0)) AS spent FROM ("
    "SELECT r.job_id, r.fence, r.micro_usd, r.at, j.kind, j.status "
    "FROM jobs j JOIN ledger r ON r.job_id = j.id AND r.entry = 'reserve' "
    "WHERE j.tenant = ? AND j.created_at >= ? AND j.created_at < ? AND r.at >= ? AND r.at < ? "
    "UNION ALL SELECT r.job_id, r.fence, r.micro_usd, r.at, r.kind, r.status FROM ledger r "
    "WHERE r.tenant = ? AND r.at >= ? AND r.at < ? AND r.entry = 'reserve'"
    ") picked LEFT JOIN ledger c ON c.job_id = picked.job_id AND c.fence = picked.fence "
    "AND c.entry IN ('settle', 'release') "
    "LEFT JOIN attempts a ON a.job_id = picked.job_id AND a.fence = picked.fence "
    "GROUP BY {name} ORDER BY {name}"
)


_UNTOLD = (
    "NOT EXISTS (SELECT 1 FROM budget_alerts WHERE tenant = ? AND period = ? "
    "AND percent = ? AND cap_micro_usd = ?)"
)


class SqlBudgetStore(BudgetStore):
    """The tables of `gateway/migrations/0011_budgets.sql`, and the ledger."""

    def __init__(self, engine: SqlEngine) -> None:
        self._engine = engine

    @override
    async def budget(self, tenant: str) -> Budget:
        return await budget_of(self._engine, tenant)

    @override
    async def standings(self, tenant: str, periods: Sequence[str]) -> Mapping[str, Standing]:
        return await standings_of(self._engine, tenant, periods)

    @override
    async def set_caps(self, tenant: str, budget: Budget, usual: Caps, at: datetime) -> bool:
        done, _ = await self._engine.batch(
            [
                (
                    "UPDATE tenants SET day_cap_micro_usd = ?, month_cap_micro_usd = ? "
                    "WHERE id = ? RETURNING id",
                    (budget.day_micro_usd, budget.month_micro_usd, tenant),
                ),
                money.alerts_of_caps(tenant, at, usual),
            ]
        )
        return bool(done)

    @override
    async def stop(self, tenant: str, at: datetime | None) -> bool:
        since = None if at is None else to_text(at)
        (done,) = await self._engine.batch(
            [
                (
                    "UPDATE tenants SET spending_stopped_at = CASE WHEN ? IS NULL THEN NULL "
                    "ELSE coalesce(spending_stopped_at, ?) END WHERE id = ? RETURNING id",
                    (since, since, tenant),
                )
            ]
        )
        return bool(done)

    @override
    async def tell(self, alert: Alert, announcement: Effect, at: datetime) -> bool:
        told = (alert.tenant, alert.period, alert.percent, alert.cap_micro_usd, to_text(at))
        try:
            await self._engine.batch(
                [
                    (
                        "INSERT INTO budget_alerts "
                        "(tenant, period, percent, cap_micro_usd, at) VALUES (?, ?, ?, ?, ?)",
                        told,
                    ),
                    *add_effects([announcement]),
                ]
            )
        except ConstraintBroken:
            return False
        return True

    @override
    async def usage(self, tenant: str, first: date, last: date, by: UsageBy) -> list[UsageRow]:
        # As text, a day comes before all instants in it.
        begin, end = first.isoformat(), (last + timedelta(days=1)).isoformat()
        oldest = (first - LONGEST_LIFE).isoformat()
        rows = await self._engine.fetch(
            _USAGE.replace("{name}", _NAMES[by]),
            (tenant, oldest, end, begin, end, tenant, begin, end),
        )
        return [
            UsageRow(row["name"], row["jobs"], row["attempts"], row["reserved"], row["spent"])
            for row in rows
        ]


async def refusal_of(
    engine: SqlEngine, tenant: str, usual: Caps, micro_usd: int, at: datetime
) -> Refusal | None:
    """Return why a reserve has no room, having left the alert of a budget that is used up."""
    budget = await budget_of(engine, tenant)
    used = await standings_of(engine, tenant, periods_of(at))
    found = refusal(budget, usual, used, micro_usd, at)
    if found and (alert := alert_of(tenant, found)):
        told = (alert.tenant, alert.period, alert.percent, alert.cap_micro_usd)
        await engine.batch(add_effects([effects.alert(alert, at=at)], _UNTOLD, told))
    return found


async def budget_of(engine: SqlEngine, tenant: str) -> Budget:
    """Return what is set for a tenant."""
    rows = await engine.fetch(
        "SELECT day_cap_micro_usd, month_cap_micro_usd, spending_stopped_at FROM tenants "
        "WHERE id = ?",
        (tenant,),
    )
    if not rows:
        return Budget()
    stopped_at = rows[0]["spending_stopped_at"]
    return Budget(
        rows[0]["day_cap_micro_usd"],
        rows[0]["month_cap_micro_usd"],
        None if stopped_at is None else to_instant(stopped_at),
    )


async def standings_of(
    engine: SqlEngine, tenant: str, periods: Sequence[str]
) -> dict[str, Standing]:
    """Return what of these periods is reserved and spent; one without a row is left out."""
    marks = ", ".join("?" * len(periods))
    rows = await engine.fetch(
        "SELECT period, reserved_micro_usd, spent_micro_usd FROM budget_periods "
        f"WHERE tenant = ? AND period IN ({marks})",
        (tenant, *periods),
    )
    return {
        row["period"]: Standing(row["reserved_micro_usd"], row["spent_micro_usd"])
        for row in rows
    }
