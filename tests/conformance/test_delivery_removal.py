"""What every DeliveryRemoval promises."""

from datetime import timedelta

from gateway.core.webhooks import DeliveryStatus
from gateway.ports.delivery_queue import Tried
from gateway.ports.webhook_endpoint_store import EndpointChange
from tests.support.deliveries import LATER, a_delivery, a_try, an_endpoint, leased
from tests.support.jobs import NOON


async def test_pruning_forgets_old_deliveries_that_have_ended_the_oldest_first(stores):
    await stores.webhook_endpoints.add(an_endpoint(), 10)
    before = NOON - timedelta(days=1)
    made = [a_delivery(f"d{n}", at=before + timedelta(minutes=n)) for n in range(4)]
    await stores.delivery_queue.add([*made, a_delivery("new")])
    for each in await leased(stores, limit=5):
        pending = each.delivery_id == "d3"
        status = DeliveryStatus.PENDING if pending else DeliveryStatus.DELIVERED
        due_at = LATER if pending else None
        await stores.delivery_queue.note_try(
            Tried(each, "op", a_try(status_code=200), status, due_at)
        )
    counts = [
        await stores.delivery_removal.prune(NOON, 2),
        await stores.delivery_removal.prune(NOON, 2),
        await stores.delivery_removal.prune(NOON, 2),
    ]
    left = await stores.delivery_log.page("w1", None, 10)
    assert counts == [2, 1, 0]
    assert [each.delivery_id for each in left] == ["new", "d3"]


async def test_an_event_is_forgotten_but_for_what_is_still_to_be_sent_of_it(stores):
    for n in (1, 2):
        await stores.webhook_endpoints.add(an_endpoint(f"w{n}"), 10)
    made = [a_delivery(f"d{n}", an_endpoint(f"w{n}"), "evt_1") for n in (1, 2)]
    await stores.delivery_queue.add([*made, a_delivery("other")])
    for each in await leased(stores):
        taken = a_try(status_code=200)
        await stores.delivery_queue.note_try(
            Tried(each, "op", taken, DeliveryStatus.DELIVERED, None)
        )
    assert not await stores.delivery_removal.forget_event("evt_1")
    assert await stores.delivery_log.get("default", "d1") is None
    assert await stores.delivery_log.get("default", "d2") == made[1]
    await stores.webhook_endpoints.change("default", "w2", EndpointChange(enabled=False), NOON)
    assert await stores.delivery_removal.forget_event("evt_1")
    assert await stores.delivery_log.get("default", "d2") is None
    assert await stores.delivery_log.get("default", "other") is not None
