"""Hands the use cases of webhooks the ports they need."""

import hmac
import secrets
from collections.abc import Callable
from hashlib import sha256
from time import monotonic

from gateway.core.figures import CallFigures
from gateway.core.webhooks import Secrets
from gateway.ports.clock import Clock
from gateway.ports.delivery_log import DeliveryLog
from gateway.ports.delivery_queue import DeliveryQueue
from gateway.ports.delivery_removal import DeliveryRemoval
from gateway.ports.outgoing import Outgoing
from gateway.ports.webhook_endpoint_store import WebhookEndpointStore
from gateway.services.announce_event import AnnounceEvent
from gateway.services.courier import Courier
from gateway.services.deliver_webhooks import DeliverWebhooks
from gateway.services.prune_webhooks import PruneWebhooks
from gateway.services.webhook_endpoints import WebhookEndpoints
from gateway.settings import Settings


class WebhookServices:
    """The services of webhooks, each built once.

    A secret of its own is made of the gateway's, so that what signs for receivers signs
    nothing else.
    """

    def __init__(
        self,
        settings: Settings,
        store: WebhookEndpointStore,
        queue: DeliveryQueue,
        deliveries: DeliveryLog,
        removal: DeliveryRemoval,
        outgoing: Outgoing,
        clock: Clock,
        new_id: Callable[[], str],
        calls: CallFigures,
    ) -> None:
        token_secret = settings.token_secret.get_secret_value().encode()
        key = Secrets(hmac.new(token_secret, b"webhooks", sha256).digest())
        self.deliver = DeliverWebhooks(
            store, queue, outgoing, key, clock, new_id, monotonic, calls
        )
        self.courier = Courier(self.deliver, look_again_s=settings.timings.tick_s)
        self.announce = AnnounceEvent(store, queue, clock, new_id, self.courier.wake)
        self.prune = PruneWebhooks(removal, clock, settings.timings.webhook_deliveries_kept_s)
        self.endpoints = WebhookEndpoints(
            store,
            queue,
            deliveries,
            outgoing,
            key,
            clock,
            new_id,
            secrets.token_bytes,
            self.courier.wake,
            settings.limits.webhook_endpoints_per_tenant,
        )
