"""What became of deliveries, in memory."""

from dataclasses import replace
from datetime import datetime

from typing_extensions import override

from gateway.adapters.memory.tables import DeliveryRow, Tables
from gateway.core.cursors import Place
from gateway.core.webhooks import Delivery, DeliveryStatus
from gateway.ports.delivery_log import DeliveryLog


class MemoryDeliveryLog(DeliveryLog):
    """Under the same rules as the tables."""

    def __init__(self, tables: Tables) -> None:
        self._t = tables

    @override
    async def get(self, tenant: str, delivery_id: str) -> Delivery | None:
        row = self._t.deliveries.get(delivery_id)
        return row.delivery if row and row.delivery.tenant == tenant else None

    @override
    async def page(self, endpoint_id: str, after: Place | None, limit: int) -> list[Delivery]:
        here = (after.created_at, after.thing_id) if after else None
        mine = [
            replace(row.delivery, body="")
            for row in self._t.deliveries.values()
            if row.delivery.endpoint_id == endpoint_id
            and (here is None or (row.delivery.created_at, row.delivery.delivery_id) < here)
        ]
        mine.sort(key=lambda each: (each.created_at, each.delivery_id), reverse=True)
        return mine[:limit]

    @override
    async def replay(
        self, tenant: str, delivery_id: str, at: datetime, retry_until: datetime
    ) -> Delivery | None:
        found = await self.get(tenant, delivery_id)
        if found is None or not self._t.webhook_endpoints[found.endpoint_id].is_enabled:
            return None
        again = replace(
            found,
            status=DeliveryStatus.PENDING,
            round=found.round + 1,
            round_tries=0,
            due_at=at,
            retry_until=retry_until,
        )
        self._t.deliveries[delivery_id] = DeliveryRow(again)
        return again
