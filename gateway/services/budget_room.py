"""Whether a job may be paid: its caller's own limit, and the budget of its tenant."""

from dataclasses import dataclass

from gateway.core.budgets import Caps, over_budget, periods_of, refusal
from gateway.core.job import Job
from gateway.core.open_attempt import pays_for_another
from gateway.core.pricing import usd
from gateway.ports.budgets import BudgetStore, OverBudget
from gateway.ports.clock import Clock
from shared.errors import FieldError, TryAgainLater, ValidationFailed

MAX_COST = "max_cost_usd"


@dataclass(frozen=True, slots=True)
class BudgetRoom:
    """`usual`: the caps of tenants for which none are set.

    Budgets themselves are held by the batch that writes a job; asking here holds nothing.
    """

    store: BudgetStore
    clock: Clock
    usual: Caps

    def check_limit(self, job: Job) -> None:
        """Raise `ValidationFailed` where one attempt may cost more than the caller allows."""
        if not pays_for_another(job):
            raise ValidationFailed(
                [FieldError.at((MAX_COST,), _too_dear(job.reserve_micro_usd))]
            )

    def refused(self, tenant: str, why: OverBudget) -> TryAgainLater:
        """Return what the caller is told of a budget that has no room."""
        return over_budget(tenant, why.refusal, self.clock.now())

    async def warnings(
        self, tenant: str, reserve_micro_usd: int, max_cost_micro_usd: int | None
    ) -> tuple[str, ...]:
        """Return why a job of this reserve would be refused now; nothing where it would not."""
        now = self.clock.now()
        budget = await self.store.budget(tenant)
        used = await self.store.standings(tenant, periods_of(now))
        found = refusal(budget, self.usual, used, reserve_micro_usd, now)
        said = [f"budget_exceeded: {found.sentence}"] if found else []
        if max_cost_micro_usd is not None and reserve_micro_usd > max_cost_micro_usd:
            said.append(f"{MAX_COST}: {_too_dear(reserve_micro_usd)}")
        return tuple(said)


def _too_dear(reserve_micro_usd: int) -> str:
    return f"one attempt of this may cost ${usd(reserve_micro_usd)}"
