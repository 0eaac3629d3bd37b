"""Effect `alert`: say once that a budget has come to a threshold, in the log and by webhook."""

import logging
from dataclasses import dataclass, replace

from gateway.core import effects
from gateway.core.budgets import ALERT_PERCENTS, Alert, Standing, end_of
from gateway.core.effects import Effect
from gateway.core.pricing import usd
from gateway.core.snapshot import timestamp
from gateway.ports.budgets import BudgetStore
from gateway.ports.clock import Clock

log = logging.getLogger(__name__)

EVENT = "budget.alert"


@dataclass(frozen=True, slots=True)
class TellBudgetAlert:
    """Tells the figures of now; which threshold was reached stands in the effect."""

    store: BudgetStore
    clock: Clock

    async def __call__(self, effect: Effect) -> None:
        """Tell of the threshold, and of those before it that nobody was told of."""
        reached = Alert(**effect.body)
        standings = await self.store.standings(reached.tenant, [reached.period])
        standing = standings.get(reached.period, Standing())
        for percent in ALERT_PERCENTS:
            if percent <= reached.percent:
                await self._tell(replace(reached, percent=percent), standing)

    async def _tell(self, alert: Alert, standing: Standing) -> None:
        now = self.clock.now()
        data = {
            "period": alert.period,
            "percent": alert.percent,
            "cap_usd": usd(alert.cap_micro_usd),
            "reserved_usd": usd(standing.reserved_micro_usd),
            "spent_usd": usd(standing.spent_micro_usd),
            "resets_at": timestamp(end_of(alert.period)),
        }
        announcement = effects.announce(alert.name, alert.tenant, EVENT, data, now)
        if await self.store.tell(alert, announcement, now):
            log.warning("budget.alert", extra={"tenant": alert.tenant, **data})
