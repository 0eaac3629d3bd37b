"""Where webhook endpoints are written down, as a tenant registers them."""

from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol

from gateway.core.webhooks import WebhookEndpoint


@dataclass(frozen=True, slots=True)
class EndpointChange:
    """What an owner changes of an endpoint; None leaves a thing as it is."""

    url: str | None = field(default=None, repr=False)
    events: tuple[str, ...] | None = None
    description: str | None = None
    enabled: bool | None = None


class WebhookEndpointStore(Protocol):
    """Every implementation passes `tests/conformance/test_webhook_endpoint_stores.py`.

    Each write is durable before it is answered, and one step. What belongs to another
    tenant is not there.
    """

    async def add(self, endpoint: WebhookEndpoint, most: int) -> bool:
        """Keep a new endpoint; False where the tenant has `most` already."""

    async def get(self, tenant: str, endpoint_id: str) -> WebhookEndpoint | None:
        """Return the endpoint."""

    async def all_of(self, tenant: str) -> list[WebhookEndpoint]:
        """Return the tenant's endpoints, the oldest first, disabled ones too."""

    async def change(
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

    async def remove(self, tenant: str, endpoint_id: str) -> bool:
        """Remove the endpoint with all its deliveries; False if there is none."""
