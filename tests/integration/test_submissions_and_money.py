"""Idempotency, input files and what a job costs."""

import pytest

from shared.errors import (
    Conflict,
    NotFound,
)
from tests.support.world import VIDEO


async def test_d66_the_same_key_and_request_is_the_same_job(world):
    first = await world.submit(key="k")
    again = await world.submit(key="k")
    other = await world.submit("other", key="k")
    assert first == again
    assert other != first


async def test_d66_the_same_key_for_another_request_is_a_conflict(world):
    await world.submit(key="k")
    with pytest.raises(Conflict) as refused:
        await world.submit(key="k", input={"n": 2})
    assert refused.value.what == "idempotency_conflict"


async def test_another_tenants_asset_is_not_found(world):
    asset_id = await world.an_asset("other")
    with pytest.raises(NotFound) as refused:
        await world.submit(input={"n": 1, "source": {"asset_id": asset_id}})
    assert refused.value.what == "asset_not_found"


async def test_the_output_of_a_job_can_be_the_input_of_another(world):
    made, worker = await world.dispatched()
    await worker.claim()
    await worker.finish()
    ref = {"job_id": made, "output": "video"}
    _, second = await world.dispatched(input={"n": 1, "source": ref})
    [file] = (await second.claim()).files
    assert world.objects.get(file.url).body == VIDEO
    for wrong in ({**ref, "output": "no"}, {**ref, "job_id": second.job_id}):
        with pytest.raises(NotFound):
            await world.submit(input={"n": 1, "source": wrong})


async def test_a_job_reserves_the_worst_case_and_settles_what_it_used(world):
    job_id, worker = await world.dispatched()
    before = (await world.cases.view(await world.job(job_id)))["cost"]
    await worker.claim()
    world.clock.move(10)
    await worker.finish()
    await world.gateway.perform()
    after = (await world.cases.view(await world.job(job_id)))["cost"]
    assert before == {
        "estimated_usd": "0.0093",  # 20 s of cold start and 10 s at $0.00031
        "reserved_usd": "0.03875",  # and 100 s of limit, 5 s of idling
        "actual_usd": None,
    }
    assert after == {
        "estimated_usd": "0.0093",
        "reserved_usd": "0.0000",
        "actual_usd": "0.0031",
    }


async def test_a_lost_attempt_costs_what_it_ran_and_the_next_is_reserved(world):
    job_id, worker = await world.dispatched()
    await worker.claim()
    await world.pass_time(60)
    await world.pass_time(61)
    costs = await world.stores.attempts.costs(job_id)
    assert costs.actual_micro_usd == 310 * 60
    assert costs.reserved_micro_usd == 38750


async def test_a_cancelled_jobs_bill_ends_with_its_workers_last_word(world):
    job_id, worker = await world.dispatched()
    await worker.claim()
    world.clock.move(10)
    await world.cases.cancel("default", job_id)
    world.clock.move(3)
    await worker.say(worker.final(outcome="stopped", result=None))
    await world.pass_time(61)
    costs = await world.stores.attempts.costs(job_id)
    assert (costs.actual_micro_usd, costs.reserved_micro_usd) == (310 * 13, 0)


async def test_a_job_cancelled_before_any_claim_costs_nothing(world):
    job_id = await world.submit()
    await world.cases.cancel("default", job_id)
    await world.gateway.perform()
    costs = await world.stores.attempts.costs(job_id)
    assert (costs.actual_micro_usd, costs.reserved_micro_usd) == (None, 0)
