"""What every DeliveryQueue promises."""

from dataclasses import replace
from datetime import timedelta

import pytest

from gateway.core.webhooks import TRIES_SHOWN, DeliveryStatus, DeliveryTry, DisabledFor
from gateway.ports.delivery_queue import DueEndpoint, Tried
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


async def test_a_delivery_added_is_the_delivery_got_and_due(stores):
    delivery = await with_delivery(stores)
    assert await stores.delivery_log.get("default", "d1") == delivery
    assert await stores.delivery_queue.due(NOON) == [DueEndpoint("w1", False)]
    assert await stores.delivery_queue.next_due() == NOON


async def test_d99_an_event_reaches_an_endpoint_as_one_delivery_however_often_it_is_left(
    stores,
):
    await with_delivery(stores, "d1")
    again = a_delivery("d2", event_id="evt_d1")
    await stores.delivery_queue.add([again, a_delivery("d3")])
    assert await stores.delivery_log.get("default", "d2") is None
    assert await stores.delivery_log.get("default", "d3") is not None


@pytest.mark.parametrize("fields", [None, {"disabled_for": DisabledFor.OWNER}])
async def test_an_endpoint_that_is_gone_or_disabled_gets_no_delivery(stores, fields):
    for endpoint in [an_endpoint(**fields)] if fields else []:
        await stores.webhook_endpoints.add(endpoint, 10)
    await stores.delivery_queue.add([a_delivery()])
    assert await stores.delivery_log.get("default", "d1") is None


async def test_a_lease_excludes_another_until_it_runs_out(stores):
    delivery = await with_delivery(stores)
    [mine] = await leased(stores)
    assert mine == delivery
    assert await leased(stores, "op2") == []
    assert await stores.delivery_queue.due(NOON) == []
    [theirs] = await leased(stores, "op3", now=MINUTE, until=LATER)
    assert theirs == delivery
    assert not await stores.delivery_queue.give_back("d1", "op")
    assert await stores.delivery_queue.give_back("d1", "op3")
    assert await stores.delivery_queue.due(MINUTE) == [DueEndpoint("w1", False)]


async def test_the_longest_due_are_leased_first_up_to_the_limit(stores):
    await stores.webhook_endpoints.add(an_endpoint(), 10)
    at = {"late": NOON, "early": NOON - timedelta(seconds=5), "never": LATER}
    await stores.delivery_queue.add([a_delivery(name, at=when) for name, when in at.items()])
    [first] = await leased(stores, limit=1)
    [second] = await leased(stores, "op2")
    assert (first.delivery_id, second.delivery_id) == ("early", "late")


async def test_a_try_that_was_not_taken_is_logged_and_due_again(stores):
    delivery = await with_delivery(stores)
    await leased(stores)
    tried = Tried(delivery, "op", a_try(), DeliveryStatus.PENDING, LATER)
    assert await stores.delivery_queue.note_try(tried)
    noted = await stores.delivery_log.get("default", "d1")
    assert noted == replace(delivery, tries=1, round_tries=1, log=(a_try(),), due_at=LATER)
    assert (
        await stores.delivery_queue.due(MINUTE),
        await stores.delivery_queue.due(LATER),
    ) == ([], [DueEndpoint("w1", True)])
    assert (await stores.webhook_endpoints.get("default", "w1")).failing_since == NOON


async def test_a_try_that_was_taken_ends_the_delivery_and_the_endpoint_is_well(stores):
    delivery = await with_delivery(stores, "d1", "d2")
    [first, second] = await leased(stores)
    await stores.delivery_queue.note_try(
        Tried(first, "op", a_try(), DeliveryStatus.PENDING, LATER)
    )
    taken = a_try(MINUTE, status_code=204, excerpt=None)
    await stores.delivery_queue.note_try(
        Tried(second, "op", taken, DeliveryStatus.DELIVERED, None)
    )
    noted = await stores.delivery_log.get("default", "d2")
    assert (noted.status, noted.due_at, noted.log) == (DeliveryStatus.DELIVERED, None, (taken,))
    assert (await stores.webhook_endpoints.get("default", "w1")).failing_since is None
    assert delivery.delivery_id == "d1"


async def test_an_endpoint_is_failing_since_its_first_try_that_was_not_taken(stores):
    await with_delivery(stores, "d1", "d2")
    for each, at in zip(await leased(stores), (NOON, MINUTE), strict=True):
        await stores.delivery_queue.note_try(
            Tried(each, "op", a_try(at), DeliveryStatus.PENDING, LATER)
        )
    assert (await stores.webhook_endpoints.get("default", "w1")).failing_since == NOON


async def test_a_try_under_a_lease_that_ran_out_changes_no_delivery(stores):
    delivery = await with_delivery(stores)
    await leased(stores, "dead")
    await leased(stores, "alive", now=MINUTE, until=LATER)
    late = Tried(delivery, "dead", a_try(), DeliveryStatus.DEAD, None)
    assert not await stores.delivery_queue.note_try(late)
    assert await stores.delivery_log.get("default", "d1") == delivery


async def test_a_try_that_disables_ends_all_that_is_pending(stores):
    await with_delivery(stores, "d1", "d2")
    [first] = await leased(stores, limit=1)
    gone = Tried(first, "op", a_try(), DeliveryStatus.DEAD, None, DisabledFor.GONE)
    assert await stores.delivery_queue.note_try(gone)
    endpoint = await stores.webhook_endpoints.get("default", "w1")
    assert (endpoint.disabled_for, endpoint.is_enabled) == (DisabledFor.GONE, False)
    other = await stores.delivery_log.get("default", "d2")
    assert (other.status, other.due_at) == (DeliveryStatus.DEAD, None)
    assert await stores.delivery_queue.next_due() is None


async def test_the_log_keeps_the_newest_tries(stores):
    delivery = await with_delivery(stores)
    for n in range(TRIES_SHOWN + 3):
        [delivery] = await leased(stores, f"op{n}")
        tried = DeliveryTry(n, NOON, 1, error="no answer in time")
        await stores.delivery_queue.note_try(
            Tried(delivery, f"op{n}", tried, DeliveryStatus.PENDING, NOON)
        )
    noted = await stores.delivery_log.get("default", "d1")
    assert [each.number for each in noted.log] == list(range(3, TRIES_SHOWN + 3))
    assert noted.tries == TRIES_SHOWN + 3
