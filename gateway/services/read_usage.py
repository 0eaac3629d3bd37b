"""Use case: what a tenant's jobs have cost, by day, kind or status."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, timedelta

from gateway.ports.budgets import BudgetStore, UsageBy, UsageRow
from gateway.ports.clock import Clock
from shared.errors import FieldError, ValidationFailed

MOST_DAYS = 93  # three months
USUAL_DAYS = 30


@dataclass(frozen=True, slots=True)
class Usage:
    """The rows of some days, both included, and what they come to together."""

    first: date
    last: date
    by: UsageBy
    rows: Sequence[UsageRow]

    @property
    def total(self) -> UsageRow:
        """All rows together."""
        rows = self.rows
        return UsageRow(
            "total",
            sum(each.jobs for each in rows),
            sum(each.attempts for each in rows),
            sum(each.reserved_micro_usd for each in rows),
            sum(each.spent_micro_usd for each in rows),
        )


@dataclass(frozen=True, slots=True)
class ReadUsage:
    """Days are those of UTC. A cost belongs to the day its attempt was reserved on."""

    store: BudgetStore
    clock: Clock

    async def __call__(
        self, tenant: str, first: date | None, last: date | None, by: UsageBy
    ) -> Usage:
        """Return the usage of these days; without a last one, up to today.

        Raises `ValidationFailed` for days in the wrong order, or too many.
        """
        last = last or self._today(first)
        first = first or last - timedelta(days=USUAL_DAYS - 1)
        if first > last:
            raise ValidationFailed([FieldError.at(("to",), "must not be before `from`")])
        if (last - first).days >= MOST_DAYS:
            raise ValidationFailed(
                [FieldError.at(("from",), f"at most {MOST_DAYS} days before `to`")]
            )
        return Usage(first, last, by, await self.store.usage(tenant, first, last, by))

    def _today(self, first: date | None) -> date:
        today = self.clock.now().astimezone(UTC).date()
        return today if first is None else max(today, first)
