"""Deliveries that have ended, let go in SQL."""

from datetime import datetime

from typing_extensions import override

from gateway.adapters.sql.engine import SqlEngine
from gateway.adapters.sql.rows import to_text
from gateway.ports.delivery_removal import DeliveryRemoval


class SqlDeliveryRemoval(DeliveryRemoval):
    """Table `webhook_deliveries`: a row that nothing is due of has ended."""

    def __init__(self, engine: SqlEngine) -> None:
        self._engine = engine

    @override
    async def forget_event(self, event_id: str) -> bool:
        _, pending = await self._engine.batch(
            [
                (
                    "DELETE FROM webhook_deliveries WHERE event_id = ? AND due_at IS NULL",
                    (event_id,),
                ),
                ("SELECT 1 FROM webhook_deliveries WHERE event_id = ? LIMIT 1", (event_id,)),
            ]
        )
        return not pending

    @override
    async def prune(self, before: datetime, limit: int) -> int:
        rows = await self._engine.fetch(
            "SELECT id FROM webhook_deliveries WHERE due_at IS NULL AND created_at < ? "
            "ORDER BY created_at LIMIT ?",
            (to_text(before), limit),
        )
        if rows:
            forget = "DELETE FROM webhook_deliveries WHERE id = ? AND due_at IS NULL"
            await self._engine.batch([(forget, (row["id"],)) for row in rows])
        return len(rows)
