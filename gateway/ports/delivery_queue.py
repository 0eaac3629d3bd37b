"""Deliveries to webhook endpoints, as they are left, leased and tried."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from gateway.core.webhooks import Delivery, DeliveryStatus, DeliveryTry, DisabledFor


@dataclass(frozen=True, slots=True)
class DueEndpoint:
    """An endpoint with deliveries that are due; `is_failing`: the last one was not taken."""

    endpoint_id: str
    is_failing: bool


@dataclass(frozen=True, slots=True)
class Tried:
    """What a try of a leased delivery made of it, and of its endpoint.

    `disabled_for`: the endpoint is called no more.
    """

    delivery: Delivery
    op: str
    tried: DeliveryTry
    status: DeliveryStatus
    due_at: datetime | None
    disabled_for: DisabledFor | None = None


class DeliveryQueue(Protocol):
    """Every implementation passes `tests/conformance/test_delivery_queues.py`.

    Each write is durable before it is answered, and one step.
    """

    async def add(self, deliveries: Sequence[Delivery]) -> None:
        """Keep new deliveries, all or none.

        One of an event to an endpoint that has it already is left out, and so is one to an
        endpoint that is disabled or was removed.
        """

    async def due(self, now: datetime) -> list[DueEndpoint]:
        """Return the endpoints with deliveries that are due and not leased."""

    async def lease(
        self, endpoint_id: str, now: datetime, until: datetime, op: str, limit: int
    ) -> list[Delivery]:
        """Take deliveries of an endpoint that are due and not leased, the longest due first."""

    async def note_try(self, tried: Tried) -> bool:
        """Note a try and what came of it; False where the lease is no longer held.

        The endpoint is failing since its first try that was not taken after one that was. One
        that is disabled by it has nothing pending any more.
        """

    async def give_back(self, delivery_id: str, op: str) -> bool:
        """Let go of a lease without a try; False where it is no longer held."""

    async def next_due(self) -> datetime | None:
        """When the next pending delivery is due, or was."""
