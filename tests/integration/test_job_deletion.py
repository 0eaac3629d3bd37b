"""`DELETE /v1/jobs/{id}` over HTTP; nothing beats beside."""

import asyncio

import pytest

from tests.support.jobs import STORES
from tests.support.removal import delete, finished
from tests.support.world import a_world, calling

JOB = {"kind": "test.copy", "input": {"n": 1}}


@pytest.fixture(params=STORES.values(), ids=STORES.keys())
async def world(request, tmp_path):
    async with a_world(request.param, tmp_path) as world:
        yield world


@pytest.fixture
async def http(world):
    async with calling(world, await world.a_key()) as client:
        yield client


async def test_a_deletion_is_204_without_a_word_and_again_404(world, http):
    job_id, _ = await finished(world)
    assert (await delete(http, job_id)).content == b""
    await delete(http, job_id, 404)


async def test_a_deleted_job_is_404_everywhere_at_once(world, http):
    job_id, _ = await finished(world, labels={"clip": "7"})
    await delete(http, job_id)
    asks = [
        await http.get(f"/v1/jobs/{job_id}"),
        await http.get(f"/v1/jobs/{job_id}/events"),
        await http.post(f"/v1/jobs/{job_id}/cancel"),
        await http.post(f"/v1/jobs/{job_id}/retry"),
        await http.delete(f"/v1/jobs/{job_id}"),
    ]
    reads = {"n": 1, "source": {"job_id": job_id, "output": "video"}}
    reader = await http.post("/v1/jobs", json={**JOB, "input": reads})
    lists = [await http.get(f"/v1/jobs{query}") for query in ("", "?label.clip=7")]
    assert [answer.status_code for answer in asks] == [404] * 5
    assert (reader.status_code, reader.json()["code"]) == (404, "output_not_found")
    assert [answer.json()["items"] for answer in lists] == [[], []]


async def test_what_the_caller_gave_is_gone_at_once(world, http):
    job_id, _ = await finished(world, input={"n": 7}, labels={"name": "Anna"})
    await delete(http, job_id)
    job = await world.job(job_id)
    assert (job.input, job.labels, job.result, job.checkpoint) == ({}, {}, None, None)


async def test_an_unfinished_job_is_still_running_and_cancelled_it_can_go(world, http):
    job_id, worker = await world.dispatched()
    queued = await delete(http, job_id, 409)
    await worker.claim()
    running = await delete(http, job_id, 409)
    await http.post(f"/v1/jobs/{job_id}/cancel")
    await delete(http, job_id)
    assert {queued.json()["code"], running.json()["code"]} == {"still_running"}


async def test_a_job_whose_output_is_read_is_in_use_until_its_reader_has_ended(world, http):
    source_id, _ = await finished(world)
    reads = {"n": 1, "source": {"job_id": source_id, "output": "video"}}
    reader = (await http.post("/v1/jobs", json={**JOB, "input": reads})).json()["id"]
    in_use = await delete(http, source_id, 409)
    await http.post(f"/v1/jobs/{reader}/cancel")
    await delete(http, source_id)
    assert in_use.json()["code"] == "asset_in_use"


async def test_a_deletion_that_races_a_reader_leaves_one_of_both(world, http):
    source_id, _ = await finished(world)
    reads = {"n": 1, "source": {"job_id": source_id, "output": "video"}}
    made, deleted = await asyncio.gather(
        http.post("/v1/jobs", json={**JOB, "input": reads}),
        http.delete(f"/v1/jobs/{source_id}"),
    )
    assert (made.status_code, deleted.status_code) in {(202, 409), (404, 204)}


async def test_its_idempotency_key_is_free_again(world, http):
    key = {"Idempotency-Key": "k1"}
    first = (await http.post("/v1/jobs", json=JOB, headers=key)).json()["id"]
    await http.post(f"/v1/jobs/{first}/cancel")
    await delete(http, first)
    again = await http.post("/v1/jobs", json=JOB, headers=key)
    assert (again.status_code, again.json()["id"] != first) == (202, True)


async def test_another_tenants_job_is_404_and_a_key_without_jobs_403(world, http):
    job_id, _ = await finished(world)
    other, poor = await world.a_key("other"), await world.a_key("default", "read")
    theirs = await http.delete(f"/v1/jobs/{job_id}", headers=other)
    forbidden = await http.delete(f"/v1/jobs/{job_id}", headers=poor)
    assert (theirs.status_code, forbidden.status_code) == (404, 403)
    assert (await http.get(f"/v1/jobs/{job_id}")).status_code == 200
