"""Webhook endpoints in memory."""

from dataclasses import replace
from datetime import datetime

from typing_extensions import override

from gateway.adapters.memory.tables import Tables
from gateway.core.webhooks import DisabledFor, WebhookEndpoint
from gateway.ports.webhook_endpoint_store import EndpointChange, WebhookEndpointStore


class MemoryWebhookEndpointStore(WebhookEndpointStore):
    """Under the same rules as the tables."""

    def __init__(self, tables: Tables) -> None:
        self._t = tables

    @override
    async def add(self, endpoint: WebhookEndpoint, most: int) -> bool:
        if len(await self.all_of(endpoint.tenant)) >= most:
            return False
        self._t.webhook_endpoints[endpoint.endpoint_id] = endpoint
        return True

    @override
    async def get(self, tenant: str, endpoint_id: str) -> WebhookEndpoint | None:
        found = self._t.webhook_endpoints.get(endpoint_id)
        return found if found and found.tenant == tenant else None

    @override
    async def all_of(self, tenant: str) -> list[WebhookEndpoint]:
        mine = [each for each in self._t.webhook_endpoints.values() if each.tenant == tenant]
        return sorted(mine, key=lambda each: (each.created_at, each.endpoint_id))

    @override
    async def change(
        self, tenant: str, endpoint_id: str, change: EndpointChange, at: datetime
    ) -> WebhookEndpoint | None:
        found = await self.get(tenant, endpoint_id)
        if found is None:
            return None
        if change.url is not None:
            found = replace(found, url=change.url, failing_since=None)
        if change.events is not None:
            found = replace(found, events=change.events)
        if change.description is not None:
            found = replace(found, description=change.description)
        if change.enabled:
            found = replace(found, disabled_for=None, failing_since=None)
        if change.enabled is False:
            found = replace(found, disabled_for=DisabledFor.OWNER)
            self._t.end_pending(endpoint_id)
        self._t.webhook_endpoints[endpoint_id] = replace(found, updated_at=at)
        return self._t.webhook_endpoints[endpoint_id]

    @override
    async def rotate(
        self, tenant: str, endpoint_id: str, salt: str, previous_until: datetime, at: datetime
    ) -> WebhookEndpoint | None:
        found = await self.get(tenant, endpoint_id)
        if found is None:
            return None
        self._t.webhook_endpoints[endpoint_id] = replace(
            found,
            salt=salt,
            previous_salt=found.salt,
            previous_until=previous_until,
            updated_at=at,
        )
        return self._t.webhook_endpoints[endpoint_id]

    @override
    async def remove(self, tenant: str, endpoint_id: str) -> bool:
        if await self.get(tenant, endpoint_id) is None:
            return False
        self._t.forget_endpoint(endpoint_id)
        return True
