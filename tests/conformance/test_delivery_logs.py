"""What every DeliveryLog promises."""

from dataclasses import replace

from gateway.core.cursors import Place
from gateway.core.webhooks import DeliveryStatus
from gateway.ports.delivery_queue import Tried
from gateway.ports.webhook_endpoint_store import EndpointChange
from tests.support.deliveries import (
    LATER,
    MINUTE,
    a_delivery,
    a_try,
    an_endpoint,
    leased,
    with_delivery,
)
from tests.support.jobs import NOON


async def test_d111_what_is_another_tenants_is_not_there(stores):
    await with_delivery(stores)
    assert await stores.delivery_log.get("other", "d1") is None
    assert await stores.delivery_log.replay("other", "d1", NOON, LATER) is None
    assert await stores.delivery_log.get("default", "d1") == a_delivery()


async def test_a_page_holds_the_newest_first_without_bodies_and_goes_on_at_a_place(stores):
    endpoint = an_endpoint()
    await stores.webhook_endpoints.add(endpoint, 10)
    at = [NOON, MINUTE, MINUTE, LATER]
    made = [a_delivery(f"d{n}", at=each) for n, each in enumerate(at)]
    await stores.delivery_queue.add(made)
    first = await stores.delivery_log.page("w1", None, 2)
    rest = await stores.delivery_log.page("w1", Place(MINUTE, "d2"), 5)
    assert [each.delivery_id for each in first] == ["d3", "d2"]
    assert [each.delivery_id for each in rest] == ["d1", "d0"]
    assert first[0] == replace(made[3], body="")


async def test_a_replay_makes_a_delivery_due_again_and_an_open_lease_counts_no_more(stores):
    delivery = await with_delivery(stores)
    await leased(stores)
    again = await stores.delivery_log.replay("default", "d1", MINUTE, LATER)
    assert again == replace(delivery, round=1, due_at=MINUTE, retry_until=LATER)
    late = Tried(delivery, "op", a_try(), DeliveryStatus.DELIVERED, None)
    assert not await stores.delivery_queue.note_try(late)
    [leased_again] = await leased(stores, "op2", now=MINUTE, until=LATER)
    assert leased_again == again


async def test_a_dead_delivery_is_replayed_with_its_tries_counted_anew(stores):
    delivery = await with_delivery(stores)
    await leased(stores)
    await stores.delivery_queue.note_try(
        Tried(delivery, "op", a_try(), DeliveryStatus.DEAD, None)
    )
    again = await stores.delivery_log.replay("default", "d1", MINUTE, LATER)
    assert (again.status, again.tries, again.round_tries) == (DeliveryStatus.PENDING, 1, 0)
    assert again.log == (a_try(),)


async def test_nothing_is_replayed_to_a_disabled_endpoint(stores):
    await with_delivery(stores)
    await stores.webhook_endpoints.change("default", "w1", EndpointChange(enabled=False), NOON)
    assert await stores.delivery_log.replay("default", "d1", MINUTE, LATER) is None
    assert await stores.delivery_queue.next_due() is None
