"""The outbox in memory."""

from collections.abc import Sequence
from datetime import datetime

from typing_extensions import override

from gateway.adapters.memory.tables import OutboxRow, Tables
from gateway.core.effects import Effect
from gateway.ports.effect_queue import EffectQueue, Lease


class MemoryEffectQueue(EffectQueue):
    """Effects in a dictionary, leased as the table's rows are."""

    def __init__(self, tables: Tables) -> None:
        self._t = tables

    @override
    async def add(self, effects: Sequence[Effect]) -> None:
        self._t.leave(effects)

    @override
    async def lease(self, now: datetime, until: datetime, op: str, limit: int) -> list[Lease]:
        due = [
            row
            for row in self._t.outbox.values()
            if row.done_at is None
            and row.due_at <= now
            and (row.lease_until is None or row.lease_until <= now)
        ]
        due.sort(key=lambda row: (row.due_at, row.effect.id))
        leases = []
        for row in due[:limit]:
            job = self._t.jobs.get(row.effect.job_id or "")
            trace = job.trace if job else ""
            leases.append(Lease(row.effect, op, until, row.tries, trace))
            row.lease_until, row.lease_op, row.tries = until, op, row.tries + 1
        return leases

    @override
    async def done(self, lease: Lease, now: datetime) -> bool:
        row = self._held(lease)
        if row is not None:
            row.done_at = now
        return row is not None

    @override
    async def put_off(self, lease: Lease, due_at: datetime, error: str) -> bool:
        row = self._held(lease)
        if row is not None:
            row.due_at, row.lease_until, row.lease_op = due_at, None, None
        return row is not None

    @override
    async def others_undone(self, effect: Effect) -> bool:
        return any(
            row.done_at is None
            and row.effect.job_id == effect.job_id
            and row.effect.id != effect.id
            for row in self._t.outbox.values()
        )

    @override
    async def next_due(self) -> datetime | None:
        open_rows = [row for row in self._t.outbox.values() if row.done_at is None]
        return min((max(r.due_at, r.lease_until or r.due_at) for r in open_rows), default=None)

    def _held(self, lease: Lease) -> OutboxRow | None:
        row = self._t.outbox.get(lease.effect.id)
        held = row is not None and row.done_at is None and row.lease_op == lease.op
        return row if held else None
