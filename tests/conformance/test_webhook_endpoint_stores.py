"""What every WebhookEndpointStore promises."""

from dataclasses import replace

import pytest

from gateway.core.webhooks import DeliveryStatus, DisabledFor
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


async def test_an_endpoint_added_is_the_endpoint_got_with_every_field(stores):
    whole = an_endpoint(
        previous_salt="01d",
        previous_until=LATER,
        disabled_for=DisabledFor.GONE,
        failing_since=NOON,
    )
    assert await stores.webhook_endpoints.add(whole, 10)
    assert await stores.webhook_endpoints.add(an_endpoint("w2", created_at=LATER), 10)
    assert await stores.webhook_endpoints.get("default", "w1") == whole
    assert [each.endpoint_id for each in await stores.webhook_endpoints.all_of("default")] == [
        "w1",
        "w2",
    ]


async def test_a_tenant_has_so_many_endpoints_and_no_more(stores):
    added = [await stores.webhook_endpoints.add(an_endpoint(f"w{n}"), 2) for n in range(3)]
    theirs = await stores.webhook_endpoints.add(an_endpoint("w9", "other"), 2)
    assert (added, theirs) == ([True, True, False], True)
    assert len(await stores.webhook_endpoints.all_of("default")) == 2


async def test_d111_what_is_another_tenants_is_not_there(stores):
    await with_delivery(stores)
    assert await stores.webhook_endpoints.get("other", "w1") is None
    assert await stores.webhook_endpoints.all_of("other") == []
    assert (
        await stores.webhook_endpoints.change("other", "w1", EndpointChange("x"), NOON) is None
    )
    assert await stores.webhook_endpoints.rotate("other", "w1", "new", LATER, NOON) is None
    assert not await stores.webhook_endpoints.remove("other", "w1")
    assert await stores.webhook_endpoints.get("default", "w1") == an_endpoint()
    assert await stores.delivery_log.get("default", "d1") == a_delivery()


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
async def test_a_change_touches_what_it_names(stores, change, fields):
    before = an_endpoint(failing_since=NOON)
    await stores.webhook_endpoints.add(before, 10)
    changed = await stores.webhook_endpoints.change("default", "w1", change, LATER)
    assert changed == replace(before, updated_at=LATER, **fields)
    assert await stores.webhook_endpoints.get("default", "w1") == changed


async def test_an_endpoint_enabled_again_has_a_clean_slate(stores):
    ill = an_endpoint(disabled_for=DisabledFor.FAILING, failing_since=NOON)
    await stores.webhook_endpoints.add(ill, 10)
    well = await stores.webhook_endpoints.change(
        "default", "w1", EndpointChange(enabled=True), LATER
    )
    assert well == an_endpoint(updated_at=LATER)


async def test_rotating_keeps_the_salt_before_until_then(stores):
    await stores.webhook_endpoints.add(an_endpoint(), 10)
    rotated = await stores.webhook_endpoints.rotate("default", "w1", "new", LATER, MINUTE)
    assert rotated == an_endpoint(
        salt="new", previous_salt="5a17", previous_until=LATER, updated_at=MINUTE
    )


async def test_an_endpoint_goes_with_its_deliveries(stores):
    await with_delivery(stores)
    assert await stores.webhook_endpoints.remove("default", "w1")
    assert await stores.webhook_endpoints.get("default", "w1") is None
    assert await stores.delivery_log.get("default", "d1") is None
    assert await stores.delivery_queue.due(NOON) == []


async def test_disabling_an_endpoint_ends_what_is_pending_and_loses_leases(stores):
    delivery = await with_delivery(stores)
    await leased(stores)
    await stores.webhook_endpoints.change(
        "default", "w1", EndpointChange(enabled=False), MINUTE
    )
    ended = await stores.delivery_log.get("default", "d1")
    assert (ended.status, ended.due_at) == (DeliveryStatus.DEAD, None)
    late = Tried(delivery, "op", a_try(), DeliveryStatus.PENDING, LATER)
    assert not await stores.delivery_queue.note_try(late)
