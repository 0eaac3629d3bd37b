"""`POST /v1/jobs/{id}/retry` over HTTP, on both stores; nothing beats beside."""

import asyncio
from datetime import timedelta

import pytest

from gateway.core.surfaces import Surface
from gateway.ports.asset_store import Deletion
from gateway.services.job_request import JobRequest
from tests.support.jobs import NOON, STORES
from tests.support.world import COPY, a_world, calling


@pytest.fixture(params=STORES.values(), ids=STORES.keys())
async def world(request, tmp_path):
    async with a_world(request.param, tmp_path) as world:
        yield world


@pytest.fixture
async def http(world):
    async with calling(world, await world.a_key()) as client:
        yield client


async def cancelled(world, **fields):
    job_id = await world.submit(**fields)
    await world.cases.cancel("default", job_id)
    return job_id


def retry(http, job_id, **headers):
    return http.post(f"/v1/jobs/{job_id}/retry", headers=headers)


async def test_a_retry_is_a_new_job_of_the_same_input_labels_and_limits(world, http):
    asset = await world.an_asset()
    old_id = await cancelled(
        world,
        input={"n": 7, "source": {"asset_id": asset}},
        labels={"clip": "7"},
        deadline_s=90,
    )
    world.clock.move(1000)
    answer = await retry(http, old_id)
    new = answer.json()
    old = (await http.get(f"/v1/jobs/{old_id}")).json()
    assert answer.status_code == 202
    assert answer.headers["location"] == f"/v1/jobs/{new['id']}"
    assert (new["retry_of"], new["status"], new["attempt"]) == (old_id, "queued", 0)
    assert (old["status"], old["retry_of"]) == ("cancelled", None)
    assert [new[name] for name in ("kind", "input", "labels")] == [
        old[name] for name in ("kind", "input", "labels")
    ]
    job = await world.job(new["id"])
    assert job.deadline_at - job.created_at == timedelta(seconds=90)
    assert [file.asset_id for file in job.files] == [asset]
    gone = await world.stores.assets.delete("default", asset, NOON)
    assert gone is Deletion.IN_USE


async def test_a_retried_job_runs_to_its_end(world, http):
    job_id, worker = await world.dispatched()
    await worker.claim()
    await worker.fail("input_unreadable")
    new_id = (await retry(http, job_id)).json()["id"]
    await world.gateway.perform()
    worker = world.newest_worker()
    await worker.claim()
    await worker.finish()
    assert worker.job_id == new_id
    assert (await world.job(new_id)).status == "succeeded"


async def test_a_retry_keeps_its_surface(world, http):
    asked = JobRequest(kind="test.copy", input={"n": 1})
    old = await world.cases.submit("default", asked, trace="t", surface=Surface.EXPORTS)
    await world.cases.cancel("default", old.job.id)
    new_id = (await retry(http, old.job.id)).json()["id"]
    assert (await world.job(new_id)).surface is Surface.EXPORTS


async def test_a_job_that_expired_may_be_retried(world, http):
    job_id = await world.submit(deadline_s=5)
    await world.pass_time(6)
    assert (await retry(http, job_id)).status_code == 202


async def test_a_job_that_has_not_ended_or_succeeded_is_not_retryable(world, http):
    done_id, worker = await world.dispatched()
    await worker.claim()
    running = await retry(http, done_id)
    await worker.finish()
    done = await retry(http, done_id)
    queued = await retry(http, await world.submit())
    for answer in (running, done, queued):
        assert (answer.status_code, answer.json()["code"]) == (409, "not_retryable")


async def test_a_retry_under_a_key_is_made_once_and_belongs_to_its_job(world, http):
    one, two = await cancelled(world), await cancelled(world)
    key = {"Idempotency-Key": "k1"}
    answers = [await retry(http, job_id, **key) for job_id in (one, one, two)]
    assert [answer.status_code for answer in answers] == [202, 200, 409]
    assert answers[0].json()["id"] == answers[1].json()["id"]
    assert answers[2].json()["code"] == "idempotency_conflict"


async def test_parallel_retries_under_one_key_make_one_job(world, http):
    job_id = await cancelled(world)
    posts = (retry(http, job_id, **{"Idempotency-Key": "k1"}) for _ in range(8))
    answers = await asyncio.gather(*posts)
    assert sorted(answer.status_code for answer in answers) == [200] * 7 + [202]
    assert len({answer.json()["id"] for answer in answers}) == 1


async def test_a_key_of_a_submission_is_no_key_of_a_retry(world, http):
    job_id = await cancelled(world, key="k1")
    answer = await retry(http, job_id, **{"Idempotency-Key": "k1"})
    assert answer.status_code == 202


async def test_a_retry_of_a_file_that_was_deleted_is_404_by_its_code(world, http):
    asset = await world.an_asset()
    job_id = await cancelled(world, input={"source": {"asset_id": asset}})
    assert (await http.delete(f"/v1/assets/{asset}")).status_code == 204
    answer = await retry(http, job_id)
    assert (answer.status_code, answer.json()["code"]) == (404, "asset_not_found")


async def test_a_retry_of_an_output_that_was_deleted_is_404_by_its_code(world, http):
    source_id, worker = await world.dispatched()
    await worker.claim()
    await worker.finish()
    job_id = await cancelled(world, input={"source": {"job_id": source_id, "output": "video"}})
    assert (await http.delete(f"/v1/jobs/{source_id}")).status_code == 204
    answer = await retry(http, job_id)
    assert (answer.status_code, answer.json()["code"]) == (404, "output_not_found")


@pytest.mark.parametrize("bind", [{}, {"Idempotency-Key": "k1"}])
async def test_a_retry_counts_against_the_limit_of_open_jobs(tmp_path, bind):
    limits = {"open_jobs_per_tenant": 1}
    async with (
        a_world(STORES["memory"], tmp_path, limits=limits) as world,
        calling(world, await world.a_key()) as http,
    ):
        job_id = await cancelled(world)
        await world.submit()
        answer = await retry(http, job_id, **bind)
        assert (answer.status_code, answer.json()["code"]) == (429, "too_many_open_jobs")
        assert answer.headers["retry-after"]


async def test_a_kind_that_is_offered_no_more_is_422_unknown_kind(tmp_path):
    async with a_world(STORES["memory"], tmp_path) as world:
        job_id = await cancelled(world)
        world.offered = {"test.other": COPY}
        world.gateway = world.boot()
        async with calling(world, await world.a_key()) as http:
            answer = await retry(http, job_id)
    assert (answer.status_code, answer.json()["code"]) == (422, "unknown_kind")


async def test_another_tenants_job_is_404_and_a_key_without_jobs_403(world, http):
    job_id = await cancelled(world)
    other, poor = await world.a_key("other"), await world.a_key("default", "read")
    theirs = await retry(http, job_id, **other)
    nobodys = await retry(http, "nobody")
    forbidden = await retry(http, job_id, **poor)
    assert (theirs.status_code, nobodys.status_code, forbidden.status_code) == (404, 404, 403)
    assert theirs.json()["detail"] == nobodys.json()["detail"]


async def test_a_key_that_is_none_is_422(world, http):
    job_id = await cancelled(world)
    answer = await retry(http, job_id, **{"Idempotency-Key": "x" * 129})
    assert answer.status_code == 422
