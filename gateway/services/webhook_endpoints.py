"""Use cases of webhook endpoints: who is told what, where, and what became of it."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from gateway.core.cursors import Place, cursor_place, cursor_text
from gateway.core.targets import TargetRefused
from gateway.core.webhooks import (
    RETRIED_FOR,
    SALT_BYTES,
    SECRET_OVERLAP,
    TEST,
    Delivery,
    Secrets,
    WebhookEndpoint,
    payload,
)
from gateway.ports.clock import Clock
from gateway.ports.delivery_log import DeliveryLog
from gateway.ports.delivery_queue import DeliveryQueue
from gateway.ports.outgoing import Outgoing
from gateway.ports.webhook_endpoint_store import EndpointChange, WebhookEndpointStore
from gateway.services.announce_event import new_delivery
from shared.errors import Conflict, FieldError, NotFound, ValidationFailed


@dataclass(frozen=True, slots=True)
class DeliveryPage:
    """Deliveries, newest first, and what to ask for the next page with; None after the last."""

    deliveries: list[Delivery]
    next_cursor: str | None


@dataclass(frozen=True, slots=True)
class WebhookEndpoints:
    """`random(n)` gives n bytes that nobody can guess."""

    store: WebhookEndpointStore
    queue: DeliveryQueue
    log: DeliveryLog
    outgoing: Outgoing
    secrets: Secrets
    clock: Clock
    new_id: Callable[[], str]
    random: Callable[[int], bytes]
    wake: Callable[[], None]
    most_per_tenant: int

    async def create(
        self, tenant: str, url: str, events: Sequence[str], description: str
    ) -> tuple[WebhookEndpoint, str]:
        """Return a new endpoint and its secret, which is shown this once.

        Raises `ValidationFailed` (`target_not_allowed`) for an address that is not called,
        and `Conflict` (`too_many_webhook_endpoints`).
        """
        await self._check(url)
        now = self.clock.now()
        endpoint = WebhookEndpoint(
            endpoint_id=self.new_id(),
            tenant=tenant,
            url=url,
            events=tuple(events),
            description=description,
            salt=self.random(SALT_BYTES).hex(),
            created_at=now,
            updated_at=now,
        )
        if not await self.store.add(endpoint, self.most_per_tenant):
            raise Conflict(
                f"{tenant} is at its limit of webhook endpoints",
                public=f"A tenant has {self.most_per_tenant} webhook endpoints at most.",
                code="too_many_webhook_endpoints",
            )
        return endpoint, self.secrets.shown(endpoint.salt)

    async def all(self, tenant: str) -> list[WebhookEndpoint]:
        """Return the tenant's endpoints, oldest first."""
        return await self.store.all_of(tenant)

    async def get(self, tenant: str, endpoint_id: str) -> WebhookEndpoint:
        """Return the endpoint. Raises `NotFound`."""
        return _found(await self.store.get(tenant, endpoint_id))

    async def change(
        self, tenant: str, endpoint_id: str, change: EndpointChange
    ) -> WebhookEndpoint:
        """Return the endpoint as it is then. Raises as `create` and `get` do."""
        await self.get(tenant, endpoint_id)
        if change.url is not None:
            await self._check(change.url)
        now = self.clock.now()
        return _found(await self.store.change(tenant, endpoint_id, change, now))

    async def remove(self, tenant: str, endpoint_id: str) -> None:
        """Remove the endpoint with its deliveries. Raises `NotFound`."""
        if not await self.store.remove(tenant, endpoint_id):
            raise _no_such_endpoint()

    async def rotate(self, tenant: str, endpoint_id: str) -> tuple[WebhookEndpoint, str]:
        """Return the endpoint and its new secret; the old one signs too, for a day.

        Raises `NotFound`. Rotated twice in a day, the secret before the last signs no more.
        """
        now, salt = self.clock.now(), self.random(SALT_BYTES).hex()
        endpoint = await self.store.rotate(tenant, endpoint_id, salt, now + SECRET_OVERLAP, now)
        return _found(endpoint), self.secrets.shown(salt)

    async def test(self, tenant: str, endpoint_id: str) -> Delivery:
        """Return a delivery of an event that says nothing, on its way.

        Raises `NotFound`, and `Conflict` (`webhook_endpoint_disabled`).
        """
        endpoint = await self.get(tenant, endpoint_id)
        if not endpoint.is_enabled:
            raise _disabled()
        now = self.clock.now()
        body = payload(TEST, now, {"endpoint_id": endpoint_id})
        event_id = f"evt_{self.new_id()}"
        delivery = new_delivery(self.new_id(), endpoint, event_id, TEST, body, now)
        await self.queue.add([delivery])
        self.wake()
        return delivery

    async def deliveries(
        self, tenant: str, endpoint_id: str, *, limit: int, cursor: str | None
    ) -> DeliveryPage:
        """Return a page. Raises `NotFound` and `ValidationFailed` (`bad_cursor`)."""
        about = [tenant, endpoint_id]
        await self.get(tenant, endpoint_id)
        after = cursor_place(about, cursor) if cursor is not None else None
        found = await self.log.page(endpoint_id, after, limit + 1)
        kept = found[:limit]
        if len(found) <= limit:
            return DeliveryPage(kept, None)
        last = Place(kept[-1].created_at, kept[-1].delivery_id)
        return DeliveryPage(kept, cursor_text(about, last))

    async def replay(self, tenant: str, delivery_id: str) -> Delivery:
        """Return the delivery, on its way once more whatever became of it.

        Raises `NotFound`, and `Conflict` (`webhook_endpoint_disabled`).
        """
        now = self.clock.now()
        again = await self.log.replay(tenant, delivery_id, now, now + RETRIED_FOR)
        if again is None:
            if await self.log.get(tenant, delivery_id) is None:
                raise NotFound("no such delivery", public="There is no such delivery.")
            raise _disabled()
        self.wake()
        return again

    async def _check(self, url: str) -> None:
        try:
            await self.outgoing.check(url)
        except TargetRefused as error:
            raise ValidationFailed([FieldError("url", error.why)], code=error.code) from error


def _found(endpoint: WebhookEndpoint | None) -> WebhookEndpoint:
    if endpoint is None:
        raise _no_such_endpoint()
    return endpoint


def _no_such_endpoint() -> NotFound:
    return NotFound("no such webhook endpoint", public="There is no such webhook endpoint.")


def _disabled() -> Conflict:
    return Conflict(
        "webhook endpoint is disabled",
        public="The webhook endpoint is disabled. Enable it first.",
        code="webhook_endpoint_disabled",
    )
