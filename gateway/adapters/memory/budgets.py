"""Budgets in memory, under the same rules as the tables."""

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import date, datetime

from typing_extensions import override

from gateway.adapters.memory.tables import Tables
from gateway.core import effects
from gateway.core.budgets import (
    ALERT_PERCENTS,
    Alert,
    Budget,
    Caps,
    Refusal,
    Standing,
    alert_of,
    periods_of,
    reaches,
    refusal,
)
from gateway.core.effects import Effect
from gateway.ports.budgets import BudgetStore, UsageBy, UsageRow


def reserve(
    t: Tables, tenant: str, micro_usd: int, usual: Caps, at: datetime
) -> Refusal | None:
    """Count a reserve in its day and month, with its alerts; or say why there is no room."""
    budget = t.budgets.get(tenant, Budget())
    day, month = periods_of(at)
    used = {period: t.standing(tenant, period) for period in (day, month)}
    found = refusal(budget, usual, used, micro_usd, at)
    if found is not None:
        return found
    for period, standing in used.items():
        t.periods[tenant, period] = replace(
            standing, reserved_micro_usd=standing.reserved_micro_usd + micro_usd
        )
    leave_alerts(t, tenant, usual, at)
    return None


def leave_alerts(t: Tables, tenant: str, usual: Caps, at: datetime) -> None:
    """Leave alerts of the last thresholds that the present periods have reached, once."""
    caps = t.budgets.get(tenant, Budget()).caps(usual)
    day, month = periods_of(at)
    for period, cap in ((day, caps.day_micro_usd), (month, caps.month_micro_usd)):
        used = t.standing(tenant, period).used_micro_usd
        reached = [
            percent for percent in ALERT_PERCENTS if used and reaches(used, percent, cap)
        ]
        for percent in reached[-1:]:
            _leave(t, Alert(tenant, period, percent, cap), at)


def leave_used_up(t: Tables, tenant: str, found: Refusal, at: datetime) -> None:
    """Leave the alert of a refusal that says the budget is used up."""
    if alert := alert_of(tenant, found):
        _leave(t, alert, at)


def _leave(t: Tables, alert: Alert, at: datetime) -> None:
    if alert not in t.told:
        t.leave([effects.alert(alert, at=at)])


def close(t: Tables, job_id: str, fence: int, micro_usd: int | None) -> None:
    """Replace a reserve by what was spent, in the periods it was made in; once."""
    closed = any((job_id, fence, entry) in t.ledger for entry in ("settle", "release"))
    if closed or (job_id, fence) not in t.reserved_at:
        return
    t.ledger[job_id, fence, "release" if micro_usd is None else "settle"] = micro_usd or 0
    reserved, tenant = t.ledger[job_id, fence, "reserve"], t.owner_of(job_id)
    for period in periods_of(t.reserved_at[job_id, fence]):
        standing = t.standing(tenant, period)
        t.periods[tenant, period] = Standing(
            standing.reserved_micro_usd - reserved, standing.spent_micro_usd + (micro_usd or 0)
        )


class MemoryBudgetStore(BudgetStore):
    """Dictionaries; a tenant is known from its first mention."""

    def __init__(self, tables: Tables) -> None:
        self._t = tables

    @override
    async def budget(self, tenant: str) -> Budget:
        return self._t.budgets.get(tenant, Budget())

    @override
    async def standings(self, tenant: str, periods: Sequence[str]) -> Mapping[str, Standing]:
        known = self._t.periods
        return {each: known[tenant, each] for each in periods if (tenant, each) in known}

    @override
    async def set_caps(self, tenant: str, budget: Budget, usual: Caps, at: datetime) -> bool:
        stopped_at = (await self.budget(tenant)).stopped_at
        self._t.budgets[tenant] = replace(budget, stopped_at=stopped_at)
        leave_alerts(self._t, tenant, usual, at)
        return True

    @override
    async def stop(self, tenant: str, at: datetime | None) -> bool:
        known = await self.budget(tenant)
        since = at and (known.stopped_at or at)
        self._t.budgets[tenant] = replace(known, stopped_at=since)
        return True

    @override
    async def tell(self, alert: Alert, announcement: Effect, at: datetime) -> bool:
        if alert in self._t.told:
            return False
        self._t.told[alert] = at
        self._t.leave([announcement])
        return True

    @override
    async def usage(self, tenant: str, first: date, last: date, by: UsageBy) -> list[UsageRow]:
        t = self._t
        sums: defaultdict[str, Counter[str]] = defaultdict(Counter)
        for (job_id, fence), at in t.reserved_at.items():
            if t.owner_of(job_id) != tenant or not first <= at.date() <= last:
                continue
            kind, status = t.kind_and_status_of(job_id)
            day = periods_of(at)[0]
            name = {UsageBy.DAY: day, UsageBy.KIND: kind, UsageBy.STATUS: status}[by]
            reserved, settled, released = (
                t.ledger.get((job_id, fence, entry))
                for entry in ("reserve", "settle", "release")
            )
            is_open = settled is None and released is None
            sums[name] += Counter(
                jobs=int(fence == 1),
                attempts=int(
                    settled is not None or (is_open and (job_id, fence) in t.attempts)
                ),
                reserved=(reserved or 0) if is_open else 0,
                spent=settled or 0,
            )
        return [
            UsageRow(name, each["jobs"], each["attempts"], each["reserved"], each["spent"])
            for name, each in sorted(sums.items())
        ]
