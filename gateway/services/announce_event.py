"""Use case: tell a tenant's webhook endpoints that something happened."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from gateway.core.effects import Effect
from gateway.core.webhooks import RETRIED_FOR, Delivery, WebhookEndpoint, payload
from gateway.ports.clock import Clock
from gateway.ports.delivery_queue import DeliveryQueue
from gateway.ports.webhook_endpoint_store import WebhookEndpointStore


@dataclass(frozen=True, slots=True)
class AnnounceEvent:
    """Effect `webhook`: one delivery for each endpoint that wants to hear of it.

    They are sent by `DeliverWebhooks`, apart from all other effects: a receiver that is slow
    or dead holds up nothing but what is for it. Performed twice, it makes none twice.
    """

    store: WebhookEndpointStore
    queue: DeliveryQueue
    clock: Clock
    new_id: Callable[[], str]
    wake: Callable[[], None]

    async def __call__(self, effect: Effect) -> None:
        """Leave the deliveries, and say so."""
        said = effect.body
        endpoints = await self.store.all_of(said["tenant"])
        wanting = [each for each in endpoints if each.wants(said["type"])]
        if not wanting:
            return
        body = payload(said["type"], datetime.fromisoformat(said["at"]), said["data"])
        now = self.clock.now()
        await self.queue.add(
            [
                new_delivery(self.new_id(), each, said["event_id"], said["type"], body, now)
                for each in wanting
            ]
        )
        self.wake()


def new_delivery(
    delivery_id: str,
    endpoint: WebhookEndpoint,
    event_id: str,
    event_type: str,
    body: str,
    now: datetime,
) -> Delivery:
    """Return a delivery that is due at once."""
    return Delivery(
        delivery_id=delivery_id,
        tenant=endpoint.tenant,
        endpoint_id=endpoint.endpoint_id,
        event_id=event_id,
        event_type=event_type,
        body=body,
        created_at=now,
        retry_until=now + RETRIED_FOR,
        due_at=now,
    )
