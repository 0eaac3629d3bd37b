"""Counting what the memory stores keep."""

from collections import Counter
from datetime import datetime

from typing_extensions import override

from gateway.adapters.memory.attempts import MemoryLiveness
from gateway.adapters.memory.tables import Tables
from gateway.core.budgets import Standing, periods_of
from gateway.core.job import Status, WaitingFor
from gateway.ports.census import PERIODS, Census, CensusTaker, Waiting

_IN_LINE = frozenset({WaitingFor.SLOT, WaitingFor.WORKER, WaitingFor.RETRY_AT})


class MemoryCensusTaker(CensusTaker):
    """Counts the dictionaries."""

    def __init__(self, tables: Tables, liveness: MemoryLiveness) -> None:
        self._t = tables
        self._liveness = liveness

    @override
    async def take(self, now: datetime) -> Census:
        jobs = [job for job in self._t.jobs.values() if job.id not in self._t.deleted]
        queued = [job for job in jobs if job.waiting_for in _IN_LINE]
        return Census(
            jobs=Counter((job.kind, job.status.value) for job in jobs),
            queued_since={
                endpoint: min(job.created_at for job in queued if job.endpoint == endpoint)
                for endpoint in {job.endpoint for job in queued}
            },
            slots_taken=Counter(job.endpoint for job in jobs if job.holds_slot),
            effects=self._effects(),
            deliveries=self._deliveries(),
            attempts_open=await self.attempts_open(),
            attempts_ended=Counter(each for each in self._t.outcomes.values() if each),
            ticked_at=self._liveness.ticked_at,
            spending={
                word: self._spent_in(period)
                for word, period in zip(PERIODS, periods_of(now), strict=True)
            },
        )

    @override
    async def attempts_open(self) -> int:
        return sum(1 for job in self._t.jobs.values() if job.status is Status.RUNNING)

    def _spent_in(self, period: str) -> Standing:
        rows = [row for (_, name), row in self._t.periods.items() if name == period]
        return Standing(
            sum(row.reserved_micro_usd for row in rows),
            sum(row.spent_micro_usd for row in rows),
        )

    def _deliveries(self) -> Waiting | None:
        rows = self._t.deliveries.values()
        due = [row.delivery.due_at for row in rows if row.delivery.due_at]
        return Waiting(len(due), min(due)) if due else None

    def _effects(self) -> dict[str, Waiting]:
        rows = [row for row in self._t.outbox.values() if row.done_at is None]
        counts = Counter(row.effect.kind for row in rows)
        return {
            kind.value: Waiting(
                count, min(row.due_at for row in rows if row.effect.kind is kind)
            )
            for kind, count in counts.items()
        }
