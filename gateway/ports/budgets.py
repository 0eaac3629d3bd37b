"""What tenants may spend and have spent; reserving and settling are the job store's."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from typing import Protocol

from gateway.core.budgets import Alert, Budget, Caps, Refusal, Standing
from gateway.core.effects import Effect


class OverBudget(Exception):
    """A reserve has no room, or spending is stopped; nothing was written of it."""

    def __init__(self, refusal: Refusal) -> None:
        super().__init__(f"no room in the {refusal.limit}")
        self.refusal = refusal


class UsageBy(StrEnum):
    """What usage is told apart by."""

    DAY = "day"
    KIND = "kind"
    STATUS = "status"


@dataclass(frozen=True, slots=True)
class UsageRow:
    """What one day, kind or status comes to.

    `jobs` are those whose first reserve is among it, `attempts` what was claimed.
    """

    name: str
    jobs: int
    attempts: int
    reserved_micro_usd: int
    spent_micro_usd: int


class BudgetStore(Protocol):
    """Every implementation passes `tests/conformance/test_budget_stores.py`."""

    async def budget(self, tenant: str) -> Budget:
        """Return what is set for the tenant; of one that is not there, nothing is."""

    async def standings(self, tenant: str, periods: Sequence[str]) -> Mapping[str, Standing]:
        """Return what of these periods is reserved and spent, by their names."""

    async def set_caps(self, tenant: str, budget: Budget, usual: Caps, at: datetime) -> bool:
        """Set the tenant's caps as `budget` has them; False if there is no such tenant.

        Thresholds that the present periods have reached by it leave their alerts. `usual`:
        what holds where a cap is None.
        """

    async def stop(self, tenant: str, at: datetime | None) -> bool:
        """Stop spending from `at` on, or, where that is None, let it go on.

        False if there is no such tenant. A stop that stands keeps its time.
        """

    async def tell(self, alert: Alert, announcement: Effect, at: datetime) -> bool:
        """Note that this was told and leave its announcement; False where it was before."""

    async def usage(self, tenant: str, first: date, last: date, by: UsageBy) -> list[UsageRow]:
        """Add up the ledger of reserves made on these days (UTC), both included, by name.

        Jobs that were deleted since count as they ended.
        """
