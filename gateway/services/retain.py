"""Use case: let go of what has been kept for long enough, a bounded number at a time."""

import logging
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from gateway.core import effects
from gateway.core.effects import Effect
from gateway.core.retention import Due, Kept, Rule
from gateway.ports.clock import Clock
from gateway.ports.job_removal import Deleted, JobRemoval
from gateway.ports.job_reuse import JobReuse
from gateway.ports.job_store import JobStore
from gateway.ports.object_store import ObjectStore
from gateway.ports.retention_store import RetentionStore

log = logging.getLogger(__name__)

AT_ONCE = 50


@dataclass(slots=True)
class Retain:
    """Outputs, assets, jobs and rows of uploads by their rules; the rest has sweeps of its own.

    What is found is let go of one by one, each looked at again in the step that takes it away,
    so it may be interrupted anywhere and run in two processes. Objects follow by effects and by
    the sweep of uploads. `every_s`: how often it looks, unless the last look found as much as
    it may take.
    """

    rules: Sequence[Rule]
    store: RetentionStore
    removal: JobRemoval
    clock: Clock
    every_s: float
    _next_at: datetime | None = field(default=None, repr=False)

    async def __call__(self) -> int:
        """Return how much went; the rest goes with the next tick."""
        now = self.clock.now()
        if self._next_at is not None and now < self._next_at:
            return 0
        return await self.at_once()

    async def at_once(self) -> int:
        """The same, whenever it was done last."""
        now = self.clock.now()
        gone = [await self._let_go(rule, now) for rule in self.rules]
        busy = any(each >= AT_ONCE for each in gone)
        self._next_at = now if busy else now + timedelta(seconds=self.every_s)
        return sum(gone)

    async def due(self, limit: int) -> list[tuple[Rule, list[Due]]]:
        """Return what would go now, by rule, at most so much of each; nothing is changed."""
        now = self.clock.now()
        return [
            (rule, await self.store.due(rule.what, before, limit))
            for rule in self.rules
            if (before := rule.before(now)) is not None
        ]

    async def _let_go(self, rule: Rule, now: datetime) -> int:
        performers: dict[Kept, Callable[[Due, datetime, datetime], Awaitable[bool]]] = {
            Kept.OUTPUTS: self._expire_outputs,
            Kept.ASSETS: self._expire_asset,
            Kept.JOBS: self._delete_job,
            Kept.UPLOAD_ROWS: self._drop_upload_row,
        }
        before, perform = rule.before(now), performers.get(rule.what)
        if before is None or perform is None:
            return 0
        gone = 0
        for each in await self.store.due(rule.what, before, AT_ONCE):
            if await perform(each, before, now):
                gone += 1
                log.info("retention.let_go", extra={"what": rule.what.value, "id": each.id})
        return gone

    async def _expire_outputs(self, due: Due, before: datetime, now: datetime) -> bool:
        expire = effects.expire(due.id, at=now)
        return await self.store.expire_outputs(due.id, before, now, expire)

    async def _expire_asset(self, due: Due, before: datetime, now: datetime) -> bool:
        return await self.store.expire_asset(due.id, before, now)

    async def _delete_job(self, due: Due, _before: datetime, now: datetime) -> bool:
        erase = effects.erase_of(due.id, at=now)
        deleted = await self.removal.delete(due.tenant or "", due.id, now, erase)
        return deleted is Deleted.DONE

    async def _drop_upload_row(self, due: Due, before: datetime, _now: datetime) -> bool:
        return await self.store.drop_upload_row(due.id, before)


@dataclass(frozen=True, slots=True)
class ExpireOutputs:
    """Effect `expire`: removes the objects, unless another job that is there names them."""

    store: JobStore
    reuse: JobReuse
    objects: ObjectStore

    async def __call__(self, effect: Effect) -> None:
        """Remove what is there; may be repeated."""
        job = await self.store.get(effect.job_id or "")
        if job is None or await self.reuse.shares_outputs(job):
            return  # erased since, with its objects; or the last of the others takes them along
        for output in job.outputs:
            await self.objects.delete(output.key)
