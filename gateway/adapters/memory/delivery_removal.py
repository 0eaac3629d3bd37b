"""Deliveries that have ended, let go in memory."""

from datetime import datetime

from typing_extensions import override

from gateway.adapters.memory.tables import Tables
from gateway.ports.delivery_removal import DeliveryRemoval


class MemoryDeliveryRemoval(DeliveryRemoval):
    """Under the same rules as the tables."""

    def __init__(self, tables: Tables) -> None:
        self._t = tables

    @override
    async def forget_event(self, event_id: str) -> bool:
        about = {
            n: row for n, row in self._t.deliveries.items() if row.delivery.event_id == event_id
        }
        for name in [name for name, row in about.items() if row.delivery.due_at is None]:
            del self._t.deliveries[name], about[name]
        return not about

    @override
    async def prune(self, before: datetime, limit: int) -> int:
        old = [
            (row.delivery.created_at, name)
            for name, row in self._t.deliveries.items()
            if row.delivery.due_at is None and row.delivery.created_at < before
        ]
        for _, name in sorted(old)[:limit]:
            del self._t.deliveries[name]
        return len(old[:limit])
