"""Use case: is it worth ticking again soon, where every second of waiting is paid for?"""

from dataclasses import dataclass
from datetime import timedelta

from gateway.ports.census import CensusTaker
from gateway.ports.clock import Clock
from gateway.ports.delivery_queue import DeliveryQueue
from gateway.ports.effect_queue import EffectQueue


@dataclass(frozen=True, slots=True)
class SoonBusy:
    """An open attempt may fall silent at any time; the rest says when it is due."""

    census: CensusTaker
    effects: EffectQueue
    deliveries: DeliveryQueue
    clock: Clock

    async def __call__(self, within_s: float) -> bool:
        """True while attempts are open, or something is due before `within_s` are over."""
        if await self.census.attempts_open():
            return True
        until = self.clock.now() + timedelta(seconds=within_s)
        dues = (await self.effects.next_due(), await self.deliveries.next_due())
        return any(due_at is not None and due_at <= until for due_at in dues)
