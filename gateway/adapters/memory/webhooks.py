"""Webhook endpoints and their deliveries in memory."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from typing_extensions import override

from gateway.core.cursors import Place
from gateway.core.webhooks import (
    TRIES_SHOWN,
    Delivery,
    DeliveryStatus,
    DisabledFor,
    WebhookEndpoint,
)
from gateway.ports.census import Waiting
from gateway.ports.webhook_store import (
    DueEndpoint,
    EndpointChange,
    Tried,
    WebhookStore,
)


@dataclass(slots=True)
class _Row:
    """A delivery with its lease."""

    delivery: Delivery
    lease_until: datetime | None = None
    lease_op: str | None = None

    def is_due(self, now: datetime) -> bool:
        due_at = self.delivery.due_at
        free = self.lease_until is None or self.lease_until <= now
        return due_at is not None and due_at <= now and free


class MemoryWebhookStore(WebhookStore):
    """Dictionaries, under the same rules as the tables."""

    def __init__(self) -> None:
        self._endpoints: dict[str, WebhookEndpoint] = {}
        self._rows: dict[str, _Row] = {}

    def waiting(self) -> Waiting | None:
        """Return how many deliveries are to be tried, and when the first."""
        due = [row.delivery.due_at for row in self._rows.values() if row.delivery.due_at]
        return Waiting(len(due), min(due)) if due else None

    def ended(self) -> list[Delivery]:
        """Return the deliveries that nothing more comes of by itself."""
        rows = (row.delivery for row in self._rows.values())
        return [each for each in rows if each.due_at is None]

    @override
    async def add_endpoint(self, endpoint: WebhookEndpoint, most: int) -> bool:
        if len(await self.endpoints_of(endpoint.tenant)) >= most:
            return False
        self._endpoints[endpoint.endpoint_id] = endpoint
        return True

    @override
    async def get_endpoint(self, tenant: str, endpoint_id: str) -> WebhookEndpoint | None:
        found = self._endpoints.get(endpoint_id)
        return found if found and found.tenant == tenant else None

    @override
    async def endpoints_of(self, tenant: str) -> list[WebhookEndpoint]:
        mine = [each for each in self._endpoints.values() if each.tenant == tenant]
        return sorted(mine, key=lambda each: (each.created_at, each.endpoint_id))

    @override
    async def change_endpoint(
        self, tenant: str, endpoint_id: str, change: EndpointChange, at: datetime
    ) -> WebhookEndpoint | None:
        found = await self.get_endpoint(tenant, endpoint_id)
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
            self._end_pending(endpoint_id)
        self._endpoints[endpoint_id] = replace(found, updated_at=at)
        return self._endpoints[endpoint_id]

    @override
    async def rotate(
        self, tenant: str, endpoint_id: str, salt: str, previous_until: datetime, at: datetime
    ) -> WebhookEndpoint | None:
        found = await self.get_endpoint(tenant, endpoint_id)
        if found is None:
            return None
        self._endpoints[endpoint_id] = replace(
            found,
            salt=salt,
            previous_salt=found.salt,
            previous_until=previous_until,
            updated_at=at,
        )
        return self._endpoints[endpoint_id]

    @override
    async def remove_endpoint(self, tenant: str, endpoint_id: str) -> bool:
        if await self.get_endpoint(tenant, endpoint_id) is None:
            return False
        del self._endpoints[endpoint_id]
        self._rows = {
            name: row
            for name, row in self._rows.items()
            if row.delivery.endpoint_id != endpoint_id
        }
        return True

    @override
    async def add_deliveries(self, deliveries: Sequence[Delivery]) -> None:
        there = {
            (row.delivery.endpoint_id, row.delivery.event_id) for row in self._rows.values()
        }
        for each in deliveries:
            endpoint = await self.get_endpoint(each.tenant, each.endpoint_id)
            takes = endpoint is not None and endpoint.is_enabled
            if takes and (each.endpoint_id, each.event_id) not in there:
                self._rows[each.delivery_id] = _Row(each)

    @override
    async def get_delivery(self, tenant: str, delivery_id: str) -> Delivery | None:
        row = self._rows.get(delivery_id)
        return row.delivery if row and row.delivery.tenant == tenant else None

    @override
    async def deliveries_of(
        self, endpoint_id: str, after: Place | None, limit: int
    ) -> list[Delivery]:
        here = (after.created_at, after.thing_id) if after else None
        mine = [
            replace(row.delivery, body="")
            for row in self._rows.values()
            if row.delivery.endpoint_id == endpoint_id
            and (here is None or (row.delivery.created_at, row.delivery.delivery_id) < here)
        ]
        mine.sort(key=lambda each: (each.created_at, each.delivery_id), reverse=True)
        return mine[:limit]

    @override
    async def replay(
        self, tenant: str, delivery_id: str, at: datetime, retry_until: datetime
    ) -> Delivery | None:
        found = await self.get_delivery(tenant, delivery_id)
        if found is None or not self._endpoints[found.endpoint_id].is_enabled:
            return None
        again = replace(
            found,
            status=DeliveryStatus.PENDING,
            round=found.round + 1,
            round_tries=0,
            due_at=at,
            retry_until=retry_until,
        )
        self._rows[delivery_id] = _Row(again)
        return again

    @override
    async def due(self, now: datetime) -> list[DueEndpoint]:
        ids = {row.delivery.endpoint_id for row in self._rows.values() if row.is_due(now)}
        return [
            DueEndpoint(each, self._endpoints[each].failing_since is not None)
            for each in sorted(ids)
        ]

    @override
    async def lease(
        self, endpoint_id: str, now: datetime, until: datetime, op: str, limit: int
    ) -> list[Delivery]:
        due = [
            (row.delivery.due_at or now, name)
            for name, row in self._rows.items()
            if row.delivery.endpoint_id == endpoint_id and row.is_due(now)
        ]
        taken = [self._rows[name] for _, name in sorted(due)[:limit]]
        for row in taken:
            row.lease_until, row.lease_op = until, op
        return [row.delivery for row in taken]

    @override
    async def note_try(self, tried: Tried) -> bool:
        row = self._held(tried.delivery.delivery_id, tried.op)
        if row is not None:
            before = row.delivery
            after = replace(
                before,
                status=tried.status,
                tries=before.tries + 1,
                round_tries=before.round_tries + 1,
                log=(*tried.delivery.log, tried.tried)[-TRIES_SHOWN:],
                due_at=tried.due_at,
            )
            self._rows[before.delivery_id] = _Row(after)
        self._note_health(tried)
        return row is not None

    def _note_health(self, tried: Tried) -> None:
        endpoint = self._endpoints.get(tried.delivery.endpoint_id)
        if endpoint is None:
            return
        failing_since = None if tried.tried.succeeded else endpoint.failing_since
        if not tried.tried.succeeded:
            failing_since = failing_since or tried.tried.at
        endpoint = replace(endpoint, failing_since=failing_since)
        if tried.disabled_for is not None:
            if endpoint.is_enabled:
                endpoint = replace(
                    endpoint, disabled_for=tried.disabled_for, updated_at=tried.tried.at
                )
            self._end_pending(endpoint.endpoint_id)
        self._endpoints[endpoint.endpoint_id] = endpoint

    def _end_pending(self, endpoint_id: str) -> None:
        for name, row in self._rows.items():
            mine = row.delivery.endpoint_id == endpoint_id
            if mine and row.delivery.due_at is not None:
                dead = replace(row.delivery, status=DeliveryStatus.DEAD, due_at=None)
                self._rows[name] = _Row(dead)

    @override
    async def give_back(self, delivery_id: str, op: str) -> bool:
        row = self._held(delivery_id, op)
        if row is not None:
            row.lease_until, row.lease_op = None, None
        return row is not None

    def _held(self, delivery_id: str, op: str) -> _Row | None:
        row = self._rows.get(delivery_id)
        return row if row is not None and row.lease_op == op else None

    @override
    async def next_due(self) -> datetime | None:
        due = [row.delivery.due_at for row in self._rows.values() if row.delivery.due_at]
        return min(due, default=None)

    @override
    async def forget_event(self, event_id: str) -> bool:
        about = {n: row for n, row in self._rows.items() if row.delivery.event_id == event_id}
        for name in [name for name, row in about.items() if row.delivery.due_at is None]:
            del self._rows[name], about[name]
        return not about

    @override
    async def prune(self, before: datetime, limit: int) -> int:
        old = [
            (row.delivery.created_at, name)
            for name, row in self._rows.items()
            if row.delivery.due_at is None and row.delivery.created_at < before
        ]
        for _, name in sorted(old)[:limit]:
            del self._rows[name]
        return len(old[:limit])
