"""The statements that reserve and settle: a row a day and one a month, each under its cap."""

from datetime import datetime

from gateway.adapters.sql.engine import Statement, Value
from gateway.adapters.sql.rows import to_text
from gateway.core.budgets import ALERT_PERCENTS, Caps, periods_of
from gateway.core.effects import EffectKind

# The job of a change, changed by it.
MARKED = "EXISTS (SELECT 1 FROM jobs WHERE id = ? AND op = ?)"
# What a batch breaks on that has no room in a budget; see the migration.
WITHIN_CAP = "within_cap"

# The row takes the cap that holds now, with the reserve or not at all: its own constraint
# compares the two. A stop is a cap that nothing is under.
_ONE_PERIOD = (
    "SELECT id, ?, ?, CASE WHEN spending_stopped_at IS NOT NULL THEN -1 "
    "ELSE coalesce({cap}, ?) END FROM tenants WHERE id = ?{condition}"
)
_RESERVE = (
    "INSERT INTO budget_periods (tenant, period, reserved_micro_usd, cap_micro_usd) "
    f"{_ONE_PERIOD.replace('{cap}', 'day_cap_micro_usd')} UNION ALL "
    f"{_ONE_PERIOD.replace('{cap}', 'month_cap_micro_usd')} "
    "ON CONFLICT (tenant, period) DO UPDATE SET cap_micro_usd = excluded.cap_micro_usd, "
    "reserved_micro_usd = budget_periods.reserved_micro_usd + excluded.reserved_micro_usd"
)
# Made once: a text that is made anew is prepared anew.
_RESERVE_ALWAYS = _RESERVE.replace("{condition}", "")
_RESERVE_MARKED = _RESERVE.replace("{condition}", f" AND {MARKED}")
_UNCLOSED = (
    "NOT EXISTS (SELECT 1 FROM ledger WHERE job_id = ? AND fence = ? AND entry <> 'reserve')"
)
# Of a period of a gateway that did not count yet there may be less than is given back.
_GIVE_BACK = (
    "UPDATE budget_periods SET spent_micro_usd = spent_micro_usd + ?, reserved_micro_usd = "
    "CASE WHEN reserved_micro_usd > ? THEN reserved_micro_usd - ? ELSE 0 END "
    f"WHERE tenant = ? AND period IN (?, ?) AND {_UNCLOSED}"
)
_CLOSE = (
    "INSERT INTO ledger (job_id, fence, entry, micro_usd, at) "
    f"SELECT ?, ?, ?, ?, ? WHERE {_UNCLOSED}"
)
_NEARLY, _WHOLLY = ALERT_PERCENTS
_PERCENT = f"CASE WHEN p.used >= p.cap THEN {_WHOLLY} ELSE {_NEARLY} END"
# The effect of an alert must stand in the batch that reached it, and what was reached is known
# where the counters are. Names of tenants and periods need no escapes.
_ALERTS = (
    "INSERT INTO effects (id, kind, body, due_at, lease_until) SELECT 'alert:budget-' "
    f"|| p.tenant || '-' || p.period || '-' || {_PERCENT} || '-' || p.cap, "
    f'\'{EffectKind.ALERT}\', \'{{"tenant":"\' || p.tenant || \'","period":"\' || p.period '
    f"|| '\",\"percent\":' || {_PERCENT} || ',\"cap_micro_usd\":' || p.cap || '}}', ?, '' "
    "FROM (SELECT tenant, period, reserved_micro_usd + spent_micro_usd AS used, "
    "{cap} AS cap FROM budget_periods WHERE tenant = ? AND period IN (?, ?)) p "
    f"WHERE p.used * 100 >= p.cap * {_NEARLY} AND p.used > 0 "
    "AND NOT EXISTS (SELECT 1 FROM budget_alerts b WHERE b.tenant = p.tenant "
    f"AND b.period = p.period AND b.percent = {_PERCENT} AND b.cap_micro_usd = p.cap) "
    "ON CONFLICT (id) DO NOTHING"
)
_ALERTS_OF_RESERVE = _ALERTS.replace("{cap}", "cap_micro_usd")
_ALERTS_OF_CAPS = _ALERTS.replace(
    "{cap}",
    "(SELECT CASE WHEN length(period) > 7 THEN coalesce(day_cap_micro_usd, ?) "
    "ELSE coalesce(month_cap_micro_usd, ?) END FROM tenants WHERE id = tenant)",
)


def reserve(tenant: str, at: datetime, micro_usd: int, caps: Caps) -> list[Statement]:
    """Count a reserve in its day and its month, and leave the alerts that it sets off.

    Breaks the batch on `WITHIN_CAP` where one of them has no room. `caps`: those of tenants
    that have none of their own.
    """
    return _reserve(_RESERVE_ALWAYS, (), tenant, at, micro_usd, caps)


def reserve_marked(
    mark: tuple[str, str], tenant: str, at: datetime, micro_usd: int, caps: Caps
) -> list[Statement]:
    """The same where the job of `mark` carries its op, and else nothing."""
    return _reserve(_RESERVE_MARKED, mark, tenant, at, micro_usd, caps)


def _reserve(
    sql: str,
    mark: tuple[str, ...],
    tenant: str,
    at: datetime,
    micro_usd: int,
    caps: Caps,
) -> list[Statement]:
    text = to_text(at)
    day, month = text[:10], text[:7]
    of_day: tuple[Value, ...] = (day, micro_usd, caps.day_micro_usd, tenant, *mark)
    of_month: tuple[Value, ...] = (month, micro_usd, caps.month_micro_usd, tenant, *mark)
    return [(sql, of_day + of_month), (_ALERTS_OF_RESERVE, (text, tenant, day, month))]


def alerts_of_caps(tenant: str, at: datetime, caps: Caps) -> Statement:
    """The alerts of what the present periods have reached of the caps that hold now."""
    usual = (caps.day_micro_usd, caps.month_micro_usd)
    return (_ALERTS_OF_CAPS, (to_text(at), *usual, tenant, *periods_of(at)))


def close(
    job_id: str,
    fence: int,
    micro_usd: int | None,
    at: datetime,
    *,
    tenant: str,
    reserved_micro_usd: int,
    reserved_at: datetime,
) -> list[Statement]:
    """Replace a reserve by what was spent, in the periods it was made in; once.

    None: it was not used and is released.
    """
    attempt = (job_id, fence)
    entry = "release" if micro_usd is None else "settle"
    spent = micro_usd or 0
    return [
        (
            _GIVE_BACK,
            (
                spent,
                reserved_micro_usd,
                reserved_micro_usd,
                tenant,
                *periods_of(reserved_at),
                *attempt,
            ),
        ),
        (_CLOSE, (*attempt, entry, spent, to_text(at), *attempt)),
    ]
