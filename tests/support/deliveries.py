"""Webhook endpoints and deliveries to them, as the suites of their stores begin."""

from datetime import timedelta

from gateway.core.webhooks import DeliveryTry, WebhookEndpoint
from gateway.services.announce_event import new_delivery
from tests.support.jobs import NOON

MINUTE = NOON + timedelta(minutes=1)
LATER = NOON + timedelta(hours=3)


def an_endpoint(endpoint_id="w1", tenant="default", **fields):
    given = {
        "url": f"https://hooks.example.com/{endpoint_id}",
        "events": ("job.succeeded", "budget.alert"),
        "description": "é 😀",
        "salt": "5a17",
        "created_at": NOON,
        "updated_at": NOON,
    }
    return WebhookEndpoint(endpoint_id, tenant, **{**given, **fields})


def a_delivery(delivery_id="d1", endpoint=None, event_id=None, at=NOON):
    endpoint = endpoint or an_endpoint()
    event_id = event_id or f"evt_{delivery_id}"
    return new_delivery(delivery_id, endpoint, event_id, "job.succeeded", '{"a":"é"}', at)


def a_try(at=NOON, **fields):
    return DeliveryTry(1, at, 12, **{"status_code": 500, "excerpt": "oh", **fields})


async def with_delivery(stores, *ids):
    await stores.webhook_endpoints.add(an_endpoint(), 10)
    deliveries = [a_delivery(each) for each in ids or ("d1",)]
    await stores.delivery_queue.add(deliveries)
    return deliveries[0]


async def leased(stores, op="op", now=NOON, until=MINUTE, limit=10):
    return await stores.delivery_queue.lease("w1", now, until, op, limit)
