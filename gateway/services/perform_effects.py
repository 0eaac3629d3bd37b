"""Perform what is due in the outbox: leased, bounded, at least once."""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import timedelta

from gateway.core.effects import Effect, EffectKind
from gateway.core.retry import pause_s
from gateway.ports.clock import Clock
from gateway.ports.effect_queue import EffectQueue, Lease
from shared.errors import CutroomError
from shared.logs import log_fields

log = logging.getLogger(__name__)

AT_ONCE = 16
WITHIN = 0.5  # of the lease one try may take, so that nobody performs an effect beside us


class PutOff(Exception):
    """The effect cannot be performed now. `after_s`: when to try again, else with back-off."""

    def __init__(self, why: str, *, after_s: float | None = None) -> None:
        super().__init__(why)
        self.after_s = after_s


Performer = Callable[[Effect], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class PerformEffects:
    """One performer for each kind of effect, each idempotent by the effect's own key.

    `lease_s`: how long an effect is one performer's alone; a dead one's is free after it.
    """

    queue: EffectQueue
    performers: Mapping[EffectKind, Performer]
    clock: Clock
    new_id: Callable[[], str]
    lease_s: float

    async def __call__(self) -> int:
        """Perform everything due, what that leaves due included; return how many."""
        performed = 0
        while leases := await self._lease():
            async with asyncio.TaskGroup() as group:
                for lease in leases:
                    group.create_task(self._perform_alone(lease))
            performed += len(leases)
        return performed

    async def _lease(self) -> list[Lease]:
        now = self.clock.now()
        return await self.queue.lease(
            now, now + timedelta(seconds=self.lease_s), self.new_id(), AT_ONCE
        )

    async def _perform_alone(self, lease: Lease) -> None:
        """One whose end cannot be noted is performed again when its lease runs out."""
        with log_fields(**_told_of(lease)):
            try:
                await self._perform(lease)
            except CutroomError as error:
                log.warning("effect.not_noted", extra={"why": str(error)})

    async def _perform(self, lease: Lease) -> None:
        effect = lease.effect
        try:
            async with asyncio.timeout(self.lease_s * WITHIN):
                await self.performers[effect.kind](effect)
        except asyncio.CancelledError:
            # The process stops: give the lease back, so that the next one need not wait.
            with suppress(CutroomError):
                await asyncio.shield(self._put_off(lease, "stopped", 0.0))
            raise
        except PutOff as error:
            log.info("effect.put_off", extra={"tries": lease.tries, "why": str(error)})
            await self._put_off(lease, str(error), error.after_s)
        except (CutroomError, TimeoutError) as error:
            log.warning("effect.failed", extra={"tries": lease.tries, "why": str(error)})
            await self._put_off(lease, str(error) or type(error).__name__, None)
        else:
            await self.queue.done(lease, self.clock.now())
            log.info("effect.done", extra={"tries": lease.tries})

    async def _put_off(self, lease: Lease, why: str, after_s: float | None) -> None:
        pause = pause_s(lease.tries, lease.effect.id) if after_s is None else after_s
        due_at = self.clock.now() + timedelta(seconds=pause)
        await self.queue.put_off(lease, due_at, why)


def _told_of(lease: Lease) -> dict[str, str]:
    """Return what every line says that is logged while the effect is performed."""
    effect = lease.effect
    about = {"job_id": effect.job_id, "trace": lease.trace or effect.body.get("trace")}
    known = {name: value for name, value in about.items() if value}
    return {"effect": effect.id, "effect_kind": effect.kind.value, **known}
