"""What every WebhookStore promises."""

from dataclasses import replace
from datetime import timedelta

import pytest

from gateway.core.cursors import Place
from gateway.core.webhooks import (
    TRIES_SHOWN,
    DeliveryStatus,
    DeliveryTry,
    DisabledFor,
    WebhookEndpoint,
)
from gateway.ports.webhook_store import DueEndpoint, EndpointChange, Tried
from gateway.services.announce_event import new_delivery
from tests.support.jobs import NOON, STORES

MINUTE = NOON + timedelta(minutes=1)
LATER = NOON + timedelta(hours=3)


@pytest.fixture(params=STORES.values(), ids=STORES.keys())
async def store(request, tmp_path):
    async with request.param(tmp_path) as stores:
        yield stores.webhooks


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


async def with_delivery(store, *ids):
    await store.add_endpoint(an_endpoint(), 10)
    deliveries = [a_delivery(each) for each in ids or ("d1",)]
    await store.add_deliveries(deliveries)
    return deliveries[0]


async def leased(store, op="op", now=NOON, until=MINUTE, limit=10):
    return await store.lease("w1", now, until, op, limit)


async def test_an_endpoint_added_is_the_endpoint_got_with_every_field(store):
    whole = an_endpoint(
        previous_salt="01d",
        previous_until=LATER,
        disabled_for=DisabledFor.GONE,
        failing_since=NOON,
    )
    assert await store.add_endpoint(whole, 10)
    assert await store.add_endpoint(an_endpoint("w2", created_at=LATER), 10)
    assert await store.get_endpoint("default", "w1") == whole
    assert [each.endpoint_id for each in await store.endpoints_of("default")] == ["w1", "w2"]


async def test_a_tenant_has_so_many_endpoints_and_no_more(store):
    added = [await store.add_endpoint(an_endpoint(f"w{n}"), 2) for n in range(3)]
    theirs = await store.add_endpoint(an_endpoint("w9", "other"), 2)
    assert (added, theirs) == ([True, True, False], True)
    assert len(await store.endpoints_of("default")) == 2


async def test_d111_what_is_another_tenants_is_not_there(store):
    await with_delivery(store)
    assert await store.get_endpoint("other", "w1") is None
    assert await store.endpoints_of("other") == []
    assert await store.change_endpoint("other", "w1", EndpointChange("x"), NOON) is None
    assert await store.rotate("other", "w1", "new", LATER, NOON) is None
    assert not await store.remove_endpoint("other", "w1")
    assert await store.get_delivery("other", "d1") is None
    assert await store.replay("other", "d1", NOON, LATER) is None
    assert await store.get_endpoint("default", "w1") == an_endpoint()
    assert await store.get_delivery("default", "d1") == a_delivery()


@pytest.mark.parametrize(
    ("change", "fields"),
    [
        (EndpointChange(), {}),
        (EndpointChange(events=("all",)), {"events": ("all",)}),
        (EndpointChange(description=""), {"description": ""}),
        (
            EndpointChange("https://x.example.com/"),
            {"url": "https://x.example.com/", "failing_since": None},
        ),
        (EndpointChange(enabled=True), {"failing_since": None}),
        (EndpointChange(enabled=False), {"disabled_for": DisabledFor.OWNER}),
    ],
)
async def test_a_change_touches_what_it_names(store, change, fields):
    before = an_endpoint(failing_since=NOON)
    await store.add_endpoint(before, 10)
    changed = await store.change_endpoint("default", "w1", change, LATER)
    assert changed == replace(before, updated_at=LATER, **fields)
    assert await store.get_endpoint("default", "w1") == changed


async def test_an_endpoint_enabled_again_has_a_clean_slate(store):
    ill = an_endpoint(disabled_for=DisabledFor.FAILING, failing_since=NOON)
    await store.add_endpoint(ill, 10)
    well = await store.change_endpoint("default", "w1", EndpointChange(enabled=True), LATER)
    assert well == an_endpoint(updated_at=LATER)


async def test_rotating_keeps_the_salt_before_until_then(store):
    await store.add_endpoint(an_endpoint(), 10)
    rotated = await store.rotate("default", "w1", "new", LATER, MINUTE)
    assert rotated == an_endpoint(
        salt="new", previous_salt="5a17", previous_until=LATER, updated_at=MINUTE
    )


async def test_an_endpoint_goes_with_its_deliveries(store):
    await with_delivery(store)
    assert await store.remove_endpoint("default", "w1")
    assert await store.get_endpoint("default", "w1") is None
    assert await store.get_delivery("default", "d1") is None
    assert await store.due(NOON) == []


async def test_a_delivery_added_is_the_delivery_got_and_due(store):
    delivery = await with_delivery(store)
    assert await store.get_delivery("default", "d1") == delivery
    assert await store.due(NOON) == [DueEndpoint("w1", False)]
    assert await store.next_due() == NOON


async def test_d99_an_event_reaches_an_endpoint_as_one_delivery_however_often_it_is_left(store):
    await with_delivery(store, "d1")
    again = a_delivery("d2", event_id="evt_d1")
    await store.add_deliveries([again, a_delivery("d3")])
    assert await store.get_delivery("default", "d2") is None
    assert await store.get_delivery("default", "d3") is not None


@pytest.mark.parametrize("fields", [None, {"disabled_for": DisabledFor.OWNER}])
async def test_an_endpoint_that_is_gone_or_disabled_gets_no_delivery(store, fields):
    for endpoint in [an_endpoint(**fields)] if fields else []:
        await store.add_endpoint(endpoint, 10)
    await store.add_deliveries([a_delivery()])
    assert await store.get_delivery("default", "d1") is None


async def test_a_page_holds_the_newest_first_without_bodies_and_goes_on_at_a_place(store):
    endpoint = an_endpoint()
    await store.add_endpoint(endpoint, 10)
    at = [NOON, MINUTE, MINUTE, LATER]
    made = [a_delivery(f"d{n}", at=each) for n, each in enumerate(at)]
    await store.add_deliveries(made)
    first = await store.deliveries_of("w1", None, 2)
    rest = await store.deliveries_of("w1", Place(MINUTE, "d2"), 5)
    assert [each.delivery_id for each in first] == ["d3", "d2"]
    assert [each.delivery_id for each in rest] == ["d1", "d0"]
    assert first[0] == replace(made[3], body="")


async def test_a_lease_excludes_another_until_it_runs_out(store):
    delivery = await with_delivery(store)
    [mine] = await leased(store)
    assert mine == delivery
    assert await leased(store, "op2") == []
    assert await store.due(NOON) == []
    [theirs] = await leased(store, "op3", now=MINUTE, until=LATER)
    assert theirs == delivery
    assert not await store.give_back("d1", "op")
    assert await store.give_back("d1", "op3")
    assert await store.due(MINUTE) == [DueEndpoint("w1", False)]


async def test_the_longest_due_are_leased_first_up_to_the_limit(store):
    await store.add_endpoint(an_endpoint(), 10)
    at = {"late": NOON, "early": NOON - timedelta(seconds=5), "never": LATER}
    await store.add_deliveries([a_delivery(name, at=when) for name, when in at.items()])
    [first] = await leased(store, limit=1)
    [second] = await leased(store, "op2")
    assert (first.delivery_id, second.delivery_id) == ("early", "late")


async def test_a_try_that_was_not_taken_is_logged_and_due_again(store):
    delivery = await with_delivery(store)
    await leased(store)
    tried = Tried(delivery, "op", a_try(), DeliveryStatus.PENDING, LATER)
    assert await store.note_try(tried)
    noted = await store.get_delivery("default", "d1")
    assert noted == replace(delivery, tries=1, round_tries=1, log=(a_try(),), due_at=LATER)
    assert (await store.due(MINUTE), await store.due(LATER)) == ([], [DueEndpoint("w1", True)])
    assert (await store.get_endpoint("default", "w1")).failing_since == NOON


async def test_a_try_that_was_taken_ends_the_delivery_and_the_endpoint_is_well(store):
    delivery = await with_delivery(store, "d1", "d2")
    [first, second] = await leased(store)
    await store.note_try(Tried(first, "op", a_try(), DeliveryStatus.PENDING, LATER))
    taken = a_try(MINUTE, status_code=204, excerpt=None)
    await store.note_try(Tried(second, "op", taken, DeliveryStatus.DELIVERED, None))
    noted = await store.get_delivery("default", "d2")
    assert (noted.status, noted.due_at, noted.log) == (DeliveryStatus.DELIVERED, None, (taken,))
    assert (await store.get_endpoint("default", "w1")).failing_since is None
    assert delivery.delivery_id == "d1"


async def test_an_endpoint_is_failing_since_its_first_try_that_was_not_taken(store):
    await with_delivery(store, "d1", "d2")
    for each, at in zip(await leased(store), (NOON, MINUTE), strict=True):
        await store.note_try(Tried(each, "op", a_try(at), DeliveryStatus.PENDING, LATER))
    assert (await store.get_endpoint("default", "w1")).failing_since == NOON


async def test_a_try_under_a_lease_that_ran_out_changes_no_delivery(store):
    delivery = await with_delivery(store)
    await leased(store, "dead")
    await leased(store, "alive", now=MINUTE, until=LATER)
    late = Tried(delivery, "dead", a_try(), DeliveryStatus.DEAD, None)
    assert not await store.note_try(late)
    assert await store.get_delivery("default", "d1") == delivery


async def test_a_try_that_disables_ends_all_that_is_pending(store):
    await with_delivery(store, "d1", "d2")
    [first] = await leased(store, limit=1)
    gone = Tried(first, "op", a_try(), DeliveryStatus.DEAD, None, DisabledFor.GONE)
    assert await store.note_try(gone)
    endpoint = await store.get_endpoint("default", "w1")
    assert (endpoint.disabled_for, endpoint.is_enabled) == (DisabledFor.GONE, False)
    other = await store.get_delivery("default", "d2")
    assert (other.status, other.due_at) == (DeliveryStatus.DEAD, None)
    assert await store.next_due() is None


async def test_disabling_an_endpoint_ends_what_is_pending_and_loses_leases(store):
    delivery = await with_delivery(store)
    await leased(store)
    await store.change_endpoint("default", "w1", EndpointChange(enabled=False), MINUTE)
    ended = await store.get_delivery("default", "d1")
    assert (ended.status, ended.due_at) == (DeliveryStatus.DEAD, None)
    late = Tried(delivery, "op", a_try(), DeliveryStatus.PENDING, LATER)
    assert not await store.note_try(late)


async def test_the_log_keeps_the_newest_tries(store):
    delivery = await with_delivery(store)
    for n in range(TRIES_SHOWN + 3):
        [delivery] = await leased(store, f"op{n}")
        tried = DeliveryTry(n, NOON, 1, error="no answer in time")
        await store.note_try(Tried(delivery, f"op{n}", tried, DeliveryStatus.PENDING, NOON))
    noted = await store.get_delivery("default", "d1")
    assert [each.number for each in noted.log] == list(range(3, TRIES_SHOWN + 3))
    assert noted.tries == TRIES_SHOWN + 3


async def test_a_replay_makes_a_delivery_due_again_and_an_open_lease_counts_no_more(store):
    delivery = await with_delivery(store)
    await leased(store)
    again = await store.replay("default", "d1", MINUTE, LATER)
    assert again == replace(delivery, round=1, due_at=MINUTE, retry_until=LATER)
    late = Tried(delivery, "op", a_try(), DeliveryStatus.DELIVERED, None)
    assert not await store.note_try(late)
    [leased_again] = await leased(store, "op2", now=MINUTE, until=LATER)
    assert leased_again == again


async def test_a_dead_delivery_is_replayed_with_its_tries_counted_anew(store):
    delivery = await with_delivery(store)
    await leased(store)
    await store.note_try(Tried(delivery, "op", a_try(), DeliveryStatus.DEAD, None))
    again = await store.replay("default", "d1", MINUTE, LATER)
    assert (again.status, again.tries, again.round_tries) == (DeliveryStatus.PENDING, 1, 0)
    assert again.log == (a_try(),)


async def test_nothing_is_replayed_to_a_disabled_endpoint(store):
    await with_delivery(store)
    await store.change_endpoint("default", "w1", EndpointChange(enabled=False), NOON)
    assert await store.replay("default", "d1", MINUTE, LATER) is None
    assert await store.next_due() is None


async def test_pruning_forgets_old_deliveries_that_have_ended_the_oldest_first(store):
    await store.add_endpoint(an_endpoint(), 10)
    before = NOON - timedelta(days=1)
    made = [a_delivery(f"d{n}", at=before + timedelta(minutes=n)) for n in range(4)]
    await store.add_deliveries([*made, a_delivery("new")])
    for each in await leased(store, limit=5):
        pending = each.delivery_id == "d3"
        status = DeliveryStatus.PENDING if pending else DeliveryStatus.DELIVERED
        due_at = LATER if pending else None
        await store.note_try(Tried(each, "op", a_try(status_code=200), status, due_at))
    counts = [
        await store.prune(NOON, 2),
        await store.prune(NOON, 2),
        await store.prune(NOON, 2),
    ]
    left = await store.deliveries_of("w1", None, 10)
    assert counts == [2, 1, 0]
    assert [each.delivery_id for each in left] == ["new", "d3"]


async def test_an_event_is_forgotten_but_for_what_is_still_to_be_sent_of_it(store):
    for n in (1, 2):
        await store.add_endpoint(an_endpoint(f"w{n}"), 10)
    made = [a_delivery(f"d{n}", an_endpoint(f"w{n}"), "evt_1") for n in (1, 2)]
    await store.add_deliveries([*made, a_delivery("other")])
    for each in await leased(store):
        taken = a_try(status_code=200)
        await store.note_try(Tried(each, "op", taken, DeliveryStatus.DELIVERED, None))
    assert not await store.forget_event("evt_1")
    assert await store.get_delivery("default", "d1") is None
    assert await store.get_delivery("default", "d2") == made[1]
    await store.change_endpoint("default", "w2", EndpointChange(enabled=False), NOON)
    assert await store.forget_event("evt_1")
    assert await store.get_delivery("default", "d2") is None
    assert await store.get_delivery("default", "other") is not None
