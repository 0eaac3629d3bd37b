"""The statements that reserve and settle: one row a day and one a month, each guarded alone."""

from collections.abc import Sequence
from datetime import datetime

from gateway.adapters.sql.engine import Statement, Value
from gateway.adapters.sql.rows import to_text
from gateway.core.budgets import ALERT_PERCENTS, Caps, periods_of
from gateway.core.effects import EffectKind

PERIODS = 2  # how many rows a reserve needs

# A stop is a cap that nothing is under. The row of the tenant may change meanwhile: what is
# reserved just then counts as reserved before.
_CAP = (
    "(SELECT CASE WHEN t.spending_stopped_at IS NOT NULL THEN -1 "
    "WHEN length(p.period) > 7 THEN coalesce(t.day_cap_micro_usd, ?) "
    "ELSE coalesce(t.month_cap_micro_usd, ?) END FROM tenants t WHERE t.id = p.tenant)"
)
_RESERVE = (
    "UPDATE budget_periods AS p SET reserved_micro_usd = p.reserved_micro_usd + ?, op = ? "
    "WHERE p.tenant = ? AND p.period IN (?, ?) "
    f"AND p.reserved_micro_usd + p.spent_micro_usd + ? <= {_CAP}"
)
_OPEN = (
    "INSERT INTO budget_periods (tenant, period) SELECT id, ? FROM tenants WHERE id = ? "
    "ON CONFLICT (tenant, period) DO NOTHING"
)
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
# Made where the counters are: what is reached is known when the rows are, and the effect of an
# alert must stand in the batch that reached it. Names of tenants and periods need no escapes.
_ALERTS = (
    "INSERT INTO effects (id, kind, body, due_at, lease_until) SELECT "
    "'alert:budget-' || f.tenant || '-' || f.period || '-' || a.percent || '-' || f.cap, "
    f"'{EffectKind.ALERT}', "
    '\'{"tenant":"\' || f.tenant || \'","period":"\' || f.period || '
    "'\",\"percent\":' || a.percent || ',\"cap_micro_usd\":' || f.cap || '}', ?, '' "
    "FROM (SELECT p.tenant, p.period, p.reserved_micro_usd + p.spent_micro_usd AS used, "
    "CASE WHEN length(p.period) > 7 THEN coalesce(t.day_cap_micro_usd, ?) "
    "ELSE coalesce(t.month_cap_micro_usd, ?) END AS cap "
    "FROM budget_periods p JOIN tenants t ON t.id = p.tenant "
    "WHERE p.tenant = ? AND p.period IN (?, ?){condition}) f "
    f"JOIN ({' UNION ALL '.join(f'SELECT {each} AS percent' for each in ALERT_PERCENTS)}) a "
    "ON f.used > 0 AND f.used * 100 >= f.cap * a.percent "
    "WHERE NOT EXISTS (SELECT 1 FROM budget_alerts b WHERE b.tenant = f.tenant "
    "AND b.period = f.period AND b.percent = a.percent AND b.cap_micro_usd = f.cap) "
    "ON CONFLICT (id) DO NOTHING"
)
_ALERTS_OF_OP = _ALERTS.replace("{condition}", " AND p.op = ?")
_ALERTS_NOW = _ALERTS.replace("{condition}", "")


def open_periods(tenant: str, at: datetime) -> list[Statement]:
    """Rows of the day and the month, where there are none yet."""
    return [(_OPEN, (period, tenant)) for period in periods_of(at)]


def reserve(
    op: str,
    tenant: str,
    at: datetime,
    micro_usd: int,
    caps: Caps,
    *,
    condition: str = "",
    params: Sequence[Value] = (),
) -> list[Statement]:
    """Count a reserve under `op` where both rows have room, and leave the alerts it sets off.

    `caps`: those of tenants that have none of their own. `met` says whether it was counted.
    """
    when = f" AND {condition}" if condition else ""
    periods = periods_of(at)
    usual = (caps.day_micro_usd, caps.month_micro_usd)
    return [
        (_RESERVE + when, (micro_usd, op, tenant, *periods, micro_usd, *usual, *params)),
        (_ALERTS_OF_OP, (to_text(at), *usual, tenant, *periods, op)),
    ]


def met(op: str, tenant: str, at: datetime) -> Statement:
    """An expression: how many rows were counted under `op`, of `PERIODS`."""
    return (
        "(SELECT count(*) FROM budget_periods WHERE tenant = ? AND period IN (?, ?) "
        "AND op = ?)",
        (tenant, *periods_of(at), op),
    )


def alerts_now(tenant: str, at: datetime, caps: Caps) -> Statement:
    """The alerts of thresholds that the present periods have reached."""
    usual = (caps.day_micro_usd, caps.month_micro_usd)
    return (_ALERTS_NOW, (to_text(at), *usual, tenant, *periods_of(at)))


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
