"""Use cases of budgets, for the operator: show, set, stop, resume."""

from collections.abc import Mapping
from dataclasses import dataclass, replace

from gateway.core.budgets import Budget, Caps, Standing, periods_of
from gateway.ports.budgets import BudgetStore
from gateway.ports.clock import Clock
from shared.errors import NotFound


@dataclass(frozen=True, slots=True)
class BudgetShown:
    """What is set for a tenant, the caps that hold, and what of them is used by now."""

    budget: Budget
    caps: Caps
    day: str
    month: str
    used: Mapping[str, Standing]


class Unchanged:
    """What stands for a cap that is to stay as it is."""


UNCHANGED = Unchanged()
Wanted = int | None | Unchanged


@dataclass(frozen=True, slots=True)
class Budgets:
    """`usual`: the caps of tenants for which none are set."""

    store: BudgetStore
    clock: Clock
    usual: Caps

    async def show(self, tenant: str) -> BudgetShown:
        """Return where the tenant stands today and this month."""
        budget = await self.store.budget(tenant)
        day, month = periods_of(self.clock.now())
        known = await self.store.standings(tenant, (day, month))
        used = {period: known.get(period, Standing()) for period in (day, month)}
        return BudgetShown(budget, budget.caps(self.usual), day, month, used)

    async def set(
        self, tenant: str, *, day: Wanted = UNCHANGED, month: Wanted = UNCHANGED
    ) -> None:
        """Set caps, in millionths of a dollar; None is what the settings say.

        Raises `NotFound`.
        """
        budget = await self.store.budget(tenant)
        if not isinstance(day, Unchanged):
            budget = replace(budget, day_micro_usd=day)
        if not isinstance(month, Unchanged):
            budget = replace(budget, month_micro_usd=month)
        now = self.clock.now()
        _must_exist(tenant, there=await self.store.set_caps(tenant, budget, self.usual, now))

    async def stop(self, tenant: str) -> None:
        """Refuse every further reserve; what is reserved already runs on. Raises `NotFound`."""
        _must_exist(tenant, there=await self.store.stop(tenant, self.clock.now()))

    async def resume(self, tenant: str) -> None:
        """Let the tenant spend again. Raises `NotFound`."""
        _must_exist(tenant, there=await self.store.stop(tenant, None))


def _must_exist(tenant: str, *, there: bool) -> None:
    if not there:
        raise NotFound(f"no tenant {tenant}", public="There is no such tenant.")
