"""Where webhook endpoints and their deliveries are written down."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol

from gateway.core.cursors import Place
from gateway.core.webhooks import (
    Delivery,
    DeliveryStatus,
    DeliveryTry,
    DisabledFor,
    WebhookEndpoint,
)


@dataclass(frozen=True, slots=True)
class EndpointChange:
    """What an owner changes of an endpoint; None leaves a thing as it is."""

    url: str | None = field(default=None, repr=False)
    events: tuple[str, ...] | None = None
    description: str | None = None
    enabled: bool | None = None


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


class WebhookStore(Protocol):
    """Every implementation passes `tests/conformance/test_webhook_stores.py`.

    Each write is durable before it is answered, and one step. What belongs to another
    tenant is not there.
    """

    async def add_endpoint(self, endpoint: WebhookEndpoint, most: int) -> bool:
        """Keep a new endpoint; False where the tenant has `most` already."""

    async def get_endpoint(self, tenant: str, endpoint_id: str) -> WebhookEndpoint | None:
        """Return the endpoint."""

    async def endpoints_of(self, tenant: str) -> list[WebhookEndpoint]:
        """Return the tenant's endpoints, the oldest first, disabled ones too."""

    async def change_endpoint(
        self, tenant: str, endpoint_id: str, change: EndpointChange, at: datetime
    ) -> WebhookEndpoint | None:
        """Change what is named and return the endpoint as it is then; None if there is none.

        One that is enabled, or has another URL, has a clean slate; one that is disabled has
        nothing pending any more.
        """

    async def rotate(
        self, tenant: str, endpoint_id: str, salt: str, previous_until: datetime, at: datetime
    ) -> WebhookEndpoint | None:
        """Give it a new salt, its present one being the previous one until then."""

    async def remove_endpoint(self, tenant: str, endpoint_id: str) -> bool:
        """Remove the endpoint with all its deliveries; False if there is none."""

    async def add_deliveries(self, deliveries: Sequence[Delivery]) -> None:
        """Keep new deliveries, all or none.

        One of an event to an endpoint that has it already is left out, and so is one to an
        endpoint that is disabled or was removed.
        """

    async def get_delivery(self, tenant: str, delivery_id: str) -> Delivery | None:
        """Return the delivery."""

    async def deliveries_of(
        self, endpoint_id: str, after: Place | None, limit: int
    ) -> list[Delivery]:
        """Return an endpoint's deliveries older than `after`, the newest first, no bodies."""

    async def replay(
        self, tenant: str, delivery_id: str, at: datetime, retry_until: datetime
    ) -> Delivery | None:
        """Make the delivery pending again, whatever became of it, and due at once.

        A lease on it counts no more. Return it as it is then; None, and nothing changes, if
        there is none or its endpoint is disabled.
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

    async def forget_event(self, event_id: str) -> bool:
        """Forget what was delivered of an event, or given up; False while some is pending."""

    async def prune(self, before: datetime, limit: int) -> int:
        """Forget deliveries made before this and no longer pending; return how many."""
