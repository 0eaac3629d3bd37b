"""What every CensusTaker promises."""

from datetime import timedelta

import pytest

from gateway.core.budgets import Standing
from gateway.core.effects import Effect, EffectKind
from gateway.ports.census import Waiting
from tests.support.jobs import NOON, STORES
from tests.support.world import a_world

HOUR = timedelta(hours=1)


@pytest.fixture(params=STORES.values(), ids=STORES.keys())
async def world(request, tmp_path):
    async with a_world(request.param, tmp_path) as world:
        yield world


@pytest.fixture
def taker(world):
    return world.stores.census


async def test_where_there_is_nothing_nothing_is_counted(taker):
    census = await taker.take(NOON)
    assert (census.jobs, census.queued_since, census.effects) == ({}, {}, {})
    assert (census.attempts_open, census.attempts_ended) == (0, {})
    assert sum(census.slots_taken.values()) == 0


async def test_when_a_gateway_last_ticked_is_known(world, taker):
    await world.pass_time(3)
    assert (await taker.take(NOON)).ticked_at == NOON + timedelta(seconds=3)


async def test_what_all_tenants_reserve_and_spend_is_added_up_by_day_and_month(world, taker):
    _, worker = await world.dispatched()
    await world.submit(tenant="other")
    before = (await taker.take(NOON)).spending
    reserve = (await world.job(worker.job_id)).reserve_micro_usd
    await worker.claim()
    world.clock.move(10)
    await worker.finish()
    await world.gateway.perform()
    after = (await taker.take(NOON)).spending
    tomorrow = (await taker.take(NOON + timedelta(days=1))).spending
    assert before == {word: Standing(2 * reserve, 0) for word in ("day", "month")}
    spent = after["day"].spent_micro_usd
    assert after == {word: Standing(reserve, spent) for word in ("day", "month")}
    assert 0 < spent < reserve
    assert tomorrow == {"day": Standing(), "month": after["month"]}


async def test_webhook_deliveries_are_counted_until_nothing_is_to_be_tried(world, taker):
    webhooks = world.gateway.app.state.webhook_endpoints
    url = "https://hooks.example.com/in"
    await webhooks.create("default", url, ["job.cancelled"], "")
    assert (await taker.take(NOON)).deliveries is None
    await world.cases.cancel("default", await world.submit())
    await world.gateway.perform()
    assert (await taker.take(NOON)).deliveries == Waiting(1, NOON)


async def test_jobs_are_counted_by_kind_and_status_over_all_tenants(world, taker):
    _, worker = await world.dispatched()
    await worker.claim()
    await world.submit()
    await world.submit(tenant="other")
    await world.cases.cancel("default", await world.submit())
    assert (await taker.take(NOON)).jobs == {
        ("test.copy", "running"): 1,
        ("test.copy", "queued"): 2,
        ("test.copy", "cancelled"): 1,
    }


async def test_a_deleted_job_is_not_counted(world, taker):
    job_id = await world.submit()
    await world.cases.cancel("default", job_id)
    await world.cases.delete("default", job_id)
    assert (await taker.take(NOON)).jobs == {}


@pytest.mark.parametrize("submitted", [False, True])
async def test_the_oldest_job_nobody_works_on_is_known_by_endpoint(world, taker, submitted):
    await world.submit()
    world.clock.move(60)
    await world.submit()
    await (world.gateway.perform() if submitted else taker.take(NOON))
    assert (await taker.take(NOON)).queued_since == {"gpu": NOON}


async def test_a_job_that_waits_for_its_next_attempt_is_among_them(world, taker):
    _, worker = await world.dispatched()
    await worker.claim()
    assert (await taker.take(NOON)).queued_since == {}
    await worker.fail("temporary")
    assert (await taker.take(NOON)).queued_since == {"gpu": NOON}


async def test_slots_are_counted_until_the_attempt_ends(world, taker):
    _, worker = await world.dispatched()
    assert (await taker.take(NOON)).slots_taken == {"gpu": 1}
    await worker.claim()
    await worker.finish()
    assert (await taker.take(NOON)).slots_taken.get("gpu", 0) == 0


async def test_effects_that_are_not_done_are_counted_with_the_first_that_is_due(world, taker):
    due = [NOON + HOUR, NOON - HOUR, NOON]
    left = [Effect(f"e{n}", EffectKind.SWEEP, at, "j1") for n, at in enumerate(due)]
    await world.stores.effects.add([*left, Effect("s", EffectKind.SUBMIT, NOON, "j1")])
    [lease] = await world.stores.effects.lease(NOON, NOON + HOUR, "op", 1)
    await world.stores.effects.done(lease, NOON)
    census = await taker.take(NOON)
    assert census.effects == {"sweep": Waiting(2, NOON), "submit": Waiting(1, NOON)}


async def test_an_attempt_is_open_from_its_claim_to_its_end(world, taker):
    _, worker = await world.dispatched()
    assert await taker.attempts_open() == 0
    await worker.claim()
    assert (await taker.attempts_open(), (await taker.take(NOON)).attempts_open) == (1, 1)
    await worker.finish()
    assert (await taker.attempts_open(), (await taker.take(NOON)).attempts_open) == (0, 0)


async def test_attempts_that_failed_succeeded_and_were_lost_are_told_apart(world, taker):
    _, worker = await world.dispatched()
    await worker.claim()
    await worker.fail("temporary")
    await world.pass_time(10)
    await world.newest_worker().claim()
    await world.pass_time(80)
    last = world.newest_worker()
    await last.claim()
    await last.finish()
    assert (await taker.take(NOON)).attempts_ended == {
        "temporary": 1,
        "worker_lost": 1,
        "succeeded": 1,
    }


async def test_attempts_ended_with_their_job_bear_its_status_or_code(world, taker):
    cancelled, worker = await world.dispatched()
    await worker.claim()
    await world.cases.cancel("default", cancelled)
    _, worker = await world.dispatched()
    await worker.claim()
    await worker.fail("input_unreadable")
    _, worker = await world.dispatched(deadline_s=10)
    await worker.claim()
    await world.pass_time(11)
    assert (await taker.take(NOON)).attempts_ended == {
        "cancelled": 1,
        "input_unreadable": 1,
        "expired": 1,
    }


async def test_a_job_cancelled_before_any_claim_ends_no_attempt(world, taker):
    job_id, _ = await world.dispatched()
    await world.cases.cancel("default", job_id)
    assert (await taker.take(NOON)).attempts_ended == {}
