"""What became of deliveries, in SQL."""

from datetime import datetime

from typing_extensions import override

from gateway.adapters.sql.engine import SqlEngine
from gateway.adapters.sql.job_changes import NEVER_LEASED
from gateway.adapters.sql.rows import to_text
from gateway.adapters.sql.webhook_rows import BESIDE_BODY, DELIVERY, delivery_of
from gateway.core.cursors import Place
from gateway.core.webhooks import Delivery
from gateway.ports.delivery_log import DeliveryLog


class SqlDeliveryLog(DeliveryLog):
    """Table `webhook_deliveries`, as a tenant looks at it."""

    def __init__(self, engine: SqlEngine) -> None:
        self._engine = engine

    @override
    async def get(self, tenant: str, delivery_id: str) -> Delivery | None:
        rows = await self._engine.fetch(
            f"SELECT {DELIVERY} FROM webhook_deliveries WHERE id = ? AND tenant = ?",
            (delivery_id, tenant),
        )
        return delivery_of(rows[0]) if rows else None

    @override
    async def page(self, endpoint_id: str, after: Place | None, limit: int) -> list[Delivery]:
        older = " AND (created_at, id) < (?, ?)" if after else ""
        place = (to_text(after.created_at), after.thing_id) if after else ()
        rows = await self._engine.fetch(
            f"SELECT {BESIDE_BODY} FROM webhook_deliveries WHERE endpoint_id = ?{older} "
            "ORDER BY created_at DESC, id DESC LIMIT ?",
            (endpoint_id, *place, limit),
        )
        return [delivery_of(row) for row in rows]

    @override
    async def replay(
        self, tenant: str, delivery_id: str, at: datetime, retry_until: datetime
    ) -> Delivery | None:
        [rows] = await self._engine.batch(
            [
                (
                    "UPDATE webhook_deliveries SET status = 'pending', round = round + 1, "
                    "round_tries = 0, due_at = ?, retry_until = ?, lease_until = ?, "
                    "lease_op = NULL WHERE id = ? AND tenant = ? AND EXISTS ("
                    "SELECT 1 FROM webhook_endpoints e WHERE e.id = endpoint_id "
                    f"AND e.disabled_for IS NULL) RETURNING {DELIVERY}",
                    (to_text(at), to_text(retry_until), NEVER_LEASED, delivery_id, tenant),
                )
            ]
        )
        return delivery_of(rows[0]) if rows else None
