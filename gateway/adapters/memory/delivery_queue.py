"""Deliveries that are left, leased and tried, in memory."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime

from typing_extensions import override

from gateway.adapters.memory.tables import DeliveryRow, Tables
from gateway.core.webhooks import TRIES_SHOWN, Delivery
from gateway.ports.delivery_queue import DeliveryQueue, DueEndpoint, Tried


class MemoryDeliveryQueue(DeliveryQueue):
    """Under the same rules as the tables."""

    def __init__(self, tables: Tables) -> None:
        self._t = tables

    @override
    async def add(self, deliveries: Sequence[Delivery]) -> None:
        there = {
            (row.delivery.endpoint_id, row.delivery.event_id)
            for row in self._t.deliveries.values()
        }
        for each in deliveries:
            endpoint = self._t.webhook_endpoints.get(each.endpoint_id)
            takes = endpoint and endpoint.tenant == each.tenant and endpoint.is_enabled
            if takes and (each.endpoint_id, each.event_id) not in there:
                self._t.deliveries[each.delivery_id] = DeliveryRow(each)

    @override
    async def due(self, now: datetime) -> list[DueEndpoint]:
        ids = {
            row.delivery.endpoint_id for row in self._t.deliveries.values() if row.is_due(now)
        }
        return [
            DueEndpoint(each, self._t.webhook_endpoints[each].failing_since is not None)
            for each in sorted(ids)
        ]

    @override
    async def lease(
        self, endpoint_id: str, now: datetime, until: datetime, op: str, limit: int
    ) -> list[Delivery]:
        due = [
            (row.delivery.due_at or now, name)
            for name, row in self._t.deliveries.items()
            if row.delivery.endpoint_id == endpoint_id and row.is_due(now)
        ]
        taken = [self._t.deliveries[name] for _, name in sorted(due)[:limit]]
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
            self._t.deliveries[before.delivery_id] = DeliveryRow(after)
        self._note_health(tried)
        return row is not None

    def _note_health(self, tried: Tried) -> None:
        endpoint = self._t.webhook_endpoints.get(tried.delivery.endpoint_id)
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
            self._t.end_pending(endpoint.endpoint_id)
        self._t.webhook_endpoints[endpoint.endpoint_id] = endpoint

    @override
    async def give_back(self, delivery_id: str, op: str) -> bool:
        row = self._held(delivery_id, op)
        if row is not None:
            row.lease_until, row.lease_op = None, None
        return row is not None

    def _held(self, delivery_id: str, op: str) -> DeliveryRow | None:
        row = self._t.deliveries.get(delivery_id)
        return row if row is not None and row.lease_op == op else None

    @override
    async def next_due(self) -> datetime | None:
        due = [
            row.delivery.due_at for row in self._t.deliveries.values() if row.delivery.due_at
        ]
        return min(due, default=None)
