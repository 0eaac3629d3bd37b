"""`Prefer: wait=N` on the routes that make a job."""

import asyncio

import pytest

from tests.support.jobs import STORES
from tests.support.world import a_world, calling

JOB = {"kind": "test.copy", "input": {"n": 1}}
WAIT = {"Prefer": "wait=25"}
DO_NOT = {"Prefer": "wait=0"}


@pytest.fixture(params=STORES.values(), ids=STORES.keys())
async def world(request, tmp_path):
    async with a_world(request.param, tmp_path) as world:
        yield world


@pytest.fixture
async def http(world):
    async with calling(world, await world.a_key()) as client:
        yield client


async def worker_of(world):
    """The worker of the job that a request in flight has made."""
    before = len(world.compute.submitted)
    while len(world.compute.submitted) == before:
        await asyncio.sleep(0)
        await world.gateway.perform()
    return world.newest_worker()


async def while_it_waits(world, request):
    """Finish the job that a waiting request made; return its answer."""
    asked = asyncio.create_task(request)
    worker = await worker_of(world)
    await worker.claim()
    await worker.finish()
    return await asked


async def test_a_job_that_ends_in_time_is_200_with_its_result(world, http):
    answer = await while_it_waits(world, http.post("/v1/jobs", json=JOB, headers=WAIT))
    job = answer.json()
    assert (answer.status_code, job["status"], job["result"]) == (200, "succeeded", {"n": 1})
    assert answer.headers["preference-applied"] == "wait=25"
    assert answer.headers["location"] == f"/v1/jobs/{job['id']}"


async def test_a_retry_that_ends_in_time_is_200_with_its_result(world, http):
    old_id = await world.submit()
    await world.cases.cancel("default", old_id)
    await world.gateway.perform()
    ask = http.post(f"/v1/jobs/{old_id}/retry", headers=WAIT)
    answer = await while_it_waits(world, ask)
    job = answer.json()
    assert (answer.status_code, job["status"], job["retry_of"]) == (200, "succeeded", old_id)


async def test_a_job_that_does_not_end_in_time_is_202_as_it_stands(http):
    answer = await http.post("/v1/jobs", json=JOB, headers=DO_NOT)
    assert (answer.status_code, answer.json()["status"]) == (202, "queued")
    assert answer.headers["preference-applied"] == "wait=0"


async def test_a_replay_is_200_and_waits_too(world, http):
    key = {"Idempotency-Key": "k1"}
    first = (await http.post("/v1/jobs", json=JOB, headers=key)).json()
    again = await while_it_waits(world, http.post("/v1/jobs", json=JOB, headers=key | WAIT))
    assert (again.status_code, again.json()["id"]) == (200, first["id"])
    assert again.json()["status"] == "succeeded"


async def test_without_a_preference_nothing_is_said_of_one(http):
    answer = await http.post("/v1/jobs", json=JOB)
    assert (answer.status_code, "preference-applied" in answer.headers) == (202, False)


async def test_a_dry_run_has_nothing_to_wait_for(http):
    answer = await http.post("/v1/jobs", json={**JOB, "dry_run": True}, headers=WAIT)
    assert (answer.status_code, "preference-applied" in answer.headers) == (200, False)
