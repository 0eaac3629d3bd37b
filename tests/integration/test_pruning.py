"""What a tick forgets, and when: settings of the group `timings`."""

import pytest

from gateway.services.prune_store import JOBS_AT_ONCE
from tests.support.jobs import STORES
from tests.support.world import a_world, calling

DAY_S = 86_400
KEY = {"Idempotency-Key": "k1"}
JOB = {"kind": "test.copy", "input": {"n": 1}}


@pytest.fixture(params=STORES.values(), ids=STORES.keys())
async def opened(request):
    return request.param


async def finished(world, **fields):
    job_id, worker = await world.dispatched(**fields)
    await worker.claim()
    await worker.finish()
    return job_id


async def ticked_after(world, seconds):
    world.clock.move(seconds)
    await world.gateway.tick()


async def test_a_days_after_its_end_a_job_keeps_its_last_event_alone(opened, tmp_path):
    async with a_world(opened, tmp_path) as world:
        job_id = await finished(world)
        await ticked_after(world, DAY_S)
        kept = await world.events(job_id)
        await ticked_after(world, 1)
        assert kept == ["queued", "started", "succeeded"]
        assert await world.events(job_id) == ["succeeded"]
        assert (await world.job(job_id)).seq == 2


async def test_how_long_events_are_kept_is_a_setting(opened, tmp_path):
    async with a_world(opened, tmp_path, timings={"events_kept_s": 60}) as world:
        job_id = await finished(world)
        await ticked_after(world, 61)
        assert await world.events(job_id) == ["succeeded"]


async def test_a_job_that_goes_on_keeps_all_its_events(opened, tmp_path):
    async with a_world(opened, tmp_path, timings={"events_kept_s": 60}) as world:
        job_id, worker = await world.dispatched()
        await worker.claim()
        await ticked_after(world, 61)
        assert (await world.events(job_id))[:2] == ["queued", "started"]


async def test_more_than_a_tick_prunes_goes_with_the_next(opened, tmp_path):
    async with a_world(opened, tmp_path, timings={"events_kept_s": 60}) as world:
        many = [await world.submit() for _ in range(JOBS_AT_ONCE + 1)]
        for job_id in many:
            await world.cases.cancel("default", job_id)
        await ticked_after(world, 61)
        first = [len(await world.events(job_id)) for job_id in many]
        await ticked_after(world, 1)
        second = [len(await world.events(job_id)) for job_id in many]
        assert (sum(first), sum(second)) == (len(many) + 1, len(many))


async def test_a_key_is_kept_a_day_and_longer_while_its_job_goes_on(opened, tmp_path):
    async with a_world(opened, tmp_path) as world:
        async with calling(world, await world.a_key()) as http:
            long = {"Idempotency-Key": "long"}
            ended = (await http.post("/v1/jobs", json=JOB, headers=KEY)).json()["id"]
            late = {**JOB, "deadline_s": 7 * DAY_S}
            open_ = (await http.post("/v1/jobs", json=late, headers=long)).json()["id"]
            await http.post(f"/v1/jobs/{ended}/cancel")
            await ticked_after(world, DAY_S)
            replay = await http.post("/v1/jobs", json=JOB, headers=KEY)
            await ticked_after(world, 1)
            anew = await http.post("/v1/jobs", json=JOB, headers=KEY)
            still = await http.post("/v1/jobs", json=late, headers=long)
        assert (replay.status_code, replay.json()["id"]) == (200, ended)
        assert (anew.status_code, still.json()["id"]) == (202, open_)


async def test_how_long_keys_are_kept_is_a_setting(opened, tmp_path):
    timings = {"idempotency_keys_kept_s": 2 * DAY_S}
    async with a_world(opened, tmp_path, timings=timings) as world:
        first = await world.submit(key="k1")
        await world.cases.cancel("default", first)
        await ticked_after(world, DAY_S + 1)
        kept = await world.submit(key="k1")
        await ticked_after(world, DAY_S)
        assert kept == first
        assert await world.submit(key="k1") != first
