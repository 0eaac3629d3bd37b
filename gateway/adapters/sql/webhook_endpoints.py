"""Webhook endpoints in SQL."""

from datetime import datetime

from typing_extensions import override

from gateway.adapters.sql.delivery_queue import end_pending
from gateway.adapters.sql.engine import SqlEngine, Value
from gateway.adapters.sql.rows import to_json, to_text
from gateway.adapters.sql.webhook_rows import (
    ENDPOINT,
    endpoint_cells,
    endpoint_of,
    first_endpoint,
)
from gateway.core.webhooks import DisabledFor, WebhookEndpoint
from gateway.ports.webhook_endpoint_store import EndpointChange, WebhookEndpointStore


class SqlWebhookEndpointStore(WebhookEndpointStore):
    """Table `webhook_endpoints`; what becomes of an endpoint befalls its deliveries."""

    def __init__(self, engine: SqlEngine) -> None:
        self._engine = engine

    @override
    async def add(self, endpoint: WebhookEndpoint, most: int) -> bool:
        [rows] = await self._engine.batch(
            [
                (
                    f"INSERT INTO webhook_endpoints ({ENDPOINT}) "
                    f"SELECT {', '.join('?' * 12)} WHERE "
                    "(SELECT count(*) FROM webhook_endpoints WHERE tenant = ?) < ? "
                    "RETURNING id",
                    (*endpoint_cells(endpoint), endpoint.tenant, most),
                )
            ]
        )
        return bool(rows)

    @override
    async def get(self, tenant: str, endpoint_id: str) -> WebhookEndpoint | None:
        return first_endpoint(
            await self._engine.fetch(
                f"SELECT {ENDPOINT} FROM webhook_endpoints WHERE id = ? AND tenant = ?",
                (endpoint_id, tenant),
            )
        )

    @override
    async def all_of(self, tenant: str) -> list[WebhookEndpoint]:
        rows = await self._engine.fetch(
            f"SELECT {ENDPOINT} FROM webhook_endpoints WHERE tenant = ? "
            "ORDER BY created_at, id",
            (tenant,),
        )
        return [endpoint_of(row) for row in rows]

    @override
    async def change(
        self, tenant: str, endpoint_id: str, change: EndpointChange, at: datetime
    ) -> WebhookEndpoint | None:
        sets: dict[str, Value] = {"updated_at": to_text(at)}
        if change.url is not None:
            sets |= {"url": change.url, "failing_since": None}
        if change.events is not None:
            sets["events"] = to_json(change.events)
        if change.description is not None:
            sets["description"] = change.description
        if change.enabled:
            sets |= {"disabled_for": None, "failing_since": None}
        if change.enabled is False:
            sets["disabled_for"] = DisabledFor.OWNER
        assignments = ", ".join(f"{name} = ?" for name in sets)
        mine = (endpoint_id, tenant)
        ended = [end_pending(*mine)] if change.enabled is False else []
        *_, rows = await self._engine.batch(
            [
                *ended,
                (
                    f"UPDATE webhook_endpoints SET {assignments} WHERE id = ? AND tenant = ? "
                    f"RETURNING {ENDPOINT}",
                    (*sets.values(), *mine),
                ),
            ]
        )
        return first_endpoint(rows)

    @override
    async def rotate(
        self, tenant: str, endpoint_id: str, salt: str, previous_until: datetime, at: datetime
    ) -> WebhookEndpoint | None:
        [rows] = await self._engine.batch(
            [
                (
                    "UPDATE webhook_endpoints SET previous_salt = salt, salt = ?, "
                    "previous_until = ?, updated_at = ? WHERE id = ? AND tenant = ? "
                    f"RETURNING {ENDPOINT}",
                    (salt, to_text(previous_until), to_text(at), endpoint_id, tenant),
                )
            ]
        )
        return first_endpoint(rows)

    @override
    async def remove(self, tenant: str, endpoint_id: str) -> bool:
        mine = (endpoint_id, tenant)
        *_, rows = await self._engine.batch(
            [
                (
                    "DELETE FROM webhook_deliveries WHERE endpoint_id = ? AND tenant = ?",
                    mine,
                ),
                (
                    "DELETE FROM webhook_endpoints WHERE id = ? AND tenant = ? RETURNING id",
                    mine,
                ),
            ]
        )
        return bool(rows)
