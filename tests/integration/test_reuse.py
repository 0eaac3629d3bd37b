"""`reuse: true`: what an earlier job made of the very same work, at once and free."""

import asyncio
import hashlib
from dataclasses import replace
from io import BytesIO

import pytest

from tests.support.jobs import STORES
from tests.support.removal import LAST_URL_S, delete, finished, let_it_settle
from tests.support.upload_desk import MP4
from tests.support.world import COPY, VIDEO, a_world, calling

JOB = {"kind": "test.copy", "input": {"n": 1}}
REUSE = {**JOB, "reuse": True}


@pytest.fixture(params=STORES.values(), ids=STORES.keys())
async def world(request, tmp_path):
    async with a_world(request.param, tmp_path) as world:
        yield world


@pytest.fixture
async def http(world):
    async with calling(world, await world.a_key()) as client:
        yield client


async def asked(http, body=REUSE, status=200, **headers):
    answer = await http.post("/v1/jobs", json=body, headers=headers)
    assert answer.status_code == status
    return answer.json()


async def read(http, job_id):
    return (await http.get(f"/v1/jobs/{job_id}")).json()


def made(job):
    """What a job gave, its URLs left out."""
    stored = ("name", "key", "size_bytes", "sha256", "content_type")
    outputs = [{name: each[name] for name in stored} for each in job["outputs"]]
    return {"outputs": outputs, **{name: job[name] for name in ("result", "warnings")}}


def submitted(world):
    """How often RunPod was asked for a worker."""
    return len(world.compute.submitted)


async def there(world, job_id):
    """The objects of the job's attempts."""
    return await world.objects.list_keys(f"output/{job_id}/", None, 10)


# -- what is given ---------------------------------------------------------------------


async def test_the_same_work_again_is_done_at_once_and_asks_no_worker(world, http):
    first, _ = await finished(world)
    asks = submitted(world)
    job = await asked(http, {**REUSE, "labels": {"again": "yes"}})
    await world.gateway.perform()
    events = (await http.get(f"/v1/jobs/{job['id']}/events")).json()["events"]
    assert (job["status"], job["progress"], job["attempt"]) == ("succeeded", 1.0, 0)
    assert (job["reused_from"], job["labels"]) == (first, {"again": "yes"})
    assert made(job) == made(await read(http, first))
    assert [(each["seq"], each["type"]) for each in events] == [(0, "queued"), (1, "succeeded")]
    assert events[1]["job"]["reused_from"] == first
    assert submitted(world) == asks
    assert world.objects.get(job["outputs"][0]["url"]).status == 200


async def test_it_costs_nothing_and_takes_up_no_room(tmp_path):
    async with a_world(STORES["sqlite"], tmp_path, limits={"open_jobs_per_tenant": 1}) as world:
        async with calling(world, await world.a_key()) as http:
            await finished(world)
            await world.submit(input={"n": 2})
            job = await asked(http)
        costs = await world.stores.attempts.costs(job["id"])
    assert job["cost"] == {
        "estimated_usd": "0.0000",
        "reserved_usd": "0.0000",
        "actual_usd": "0.0000",
    }
    assert (costs.reserved_micro_usd, costs.actual_micro_usd) == (0, None)


async def test_a_job_is_made_anew_unless_reuse_is_asked_for(world, http):
    await finished(world)
    job = await asked(http, JOB, 202)
    assert (job["status"], job["reused_from"]) == ("queued", None)


async def test_a_fresh_render_gives_what_reuse_gives(world, http):
    await finished(world)
    reused = made(await asked(http))
    job = await asked(http, JOB, 202)
    await world.gateway.perform()
    worker = world.newest_worker()
    await worker.claim()
    await worker.finish()
    fresh = made(await read(http, job["id"]))
    keys = [each.pop("key") for each in (*fresh["outputs"], *reused["outputs"])]
    assert fresh == reused
    assert len(set(keys)) == 2


async def test_a_key_used_again_gives_the_same_reused_job(world, http):
    await finished(world)
    key = {"Idempotency-Key": "k1"}
    first, second = [await asked(http, **key) for _ in "12"]
    conflict = await http.post("/v1/jobs", json=JOB, headers=key)
    assert first["id"] == second["id"]
    assert (conflict.status_code, conflict.json()["code"]) == (409, "idempotency_conflict")


async def test_raced_under_one_key_they_are_one_job(world, http):
    await finished(world)
    key = {"Idempotency-Key": "k1"}
    jobs = await asyncio.gather(*(asked(http, **key) for _ in range(5)))
    assert len({job["id"] for job in jobs}) == 1
    assert len((await http.get("/v1/jobs")).json()["items"]) == 2


async def test_a_dry_run_says_whether_an_earlier_result_would_be_given(world, http):
    body = {**REUSE, "dry_run": True}
    before = await asked(http, body)
    await finished(world)
    after, without = await asked(http, body), await asked(http, {**JOB, "dry_run": True})
    jobs = (await http.get("/v1/jobs")).json()["items"]
    assert [each["would_reuse"] for each in (before, after, without)] == [False, True, False]
    assert (after["estimate"]["cost_usd"], after["outputs"]) == ("0.0000", ["video"])
    assert without["estimate"]["cost_usd"] == before["estimate"]["cost_usd"] != "0.0000"
    assert len(jobs) == 1


# -- what is the same work -------------------------------------------------------------


async def test_other_input_other_version_and_other_tenants_are_other_work(world, http):
    await finished(world)
    async with calling(world, await world.a_key("other")) as theirs:
        foreign = await asked(theirs, status=202)
    other = await asked(http, {**REUSE, "input": {"n": 2}}, 202)
    world.offered = {COPY.name: replace(COPY, version=2)}
    world.gateway = world.boot()
    async with calling(world, await world.a_key()) as newer:
        newer_version = await asked(newer, status=202)
    assert {foreign["status"], other["status"], newer_version["status"]} == {"queued"}


async def test_only_a_job_that_succeeded_is_used_again(world, http):
    _, failing = await world.dispatched()
    await failing.claim()
    await failing.fail("invalid_request")
    cancelled, _ = await world.dispatched()
    await world.cases.cancel("default", cancelled)
    assert (await asked(http, status=202))["status"] == "queued"


def of(asset_id):
    return {**REUSE, "input": {"n": 1, "source": {"asset_id": asset_id}}}


async def done_with(world, asset_id, *, sees=None):
    """Let a worker do the job of an asset, and tell what it hashes to, if anything."""
    _, worker = await world.dispatched(input=of(asset_id)["input"])
    await worker.claim()
    if sees:
        await worker.report("probe", asset="source", sha256=sees, probe={"family": "video"})
    await worker.finish()


async def test_the_same_asset_is_the_same_bytes(world, http):
    mine, other = [await world.an_asset() for _ in "12"]
    await done_with(world, mine)
    assert (await asked(http, of(mine)))["status"] == "succeeded"
    assert (await asked(http, of(other), 202))["status"] == "queued"


async def test_bytes_seen_after_the_job_was_done_leave_it_the_same_work(world, http):
    asset = await world.an_asset()
    await done_with(world, asset)
    await world.assets.record_probe(asset, "ab" * 32, {"family": "video"})
    assert (await asked(http, of(asset)))["status"] == "succeeded"


async def test_the_same_bytes_put_again_are_the_same_work_once_a_worker_has_seen_both(
    world, http
):
    first, second = [await world.an_asset() for _ in "12"]
    await done_with(world, first, sees="ab" * 32)
    unseen = await asked(http, of(second), 202)
    await world.assets.record_probe(second, "ab" * 32, {"family": "video"})
    seen = await asked(http, of(second))
    assert (unseen["status"], seen["status"]) == ("queued", "succeeded")


MP4_SHA = hashlib.sha256(MP4).hexdigest()
CLIP = {"filename": "a.mp4", "content_type": "video/mp4", "size_bytes": len(MP4)}


async def put(world, http, body, **said):
    """Upload the bytes in one PUT and return the asset."""
    upload = (await http.post("/v1/uploads", json={**CLIP, **said})).json()
    assert world.objects.put(upload["url"], body, upload["headers"]).status == 200
    return (await http.post(f"/v1/uploads/{upload['upload_id']}/complete", json={})).json()


async def put_in_parts(world, http, body, **said):
    """Upload the bytes as one part, whose hash no store verifies, and return the asset."""
    asked_for = {**CLIP, **said, "multipart": True}
    where = (
        f"/v1/uploads/{(await http.post('/v1/uploads', json=asked_for)).json()['upload_id']}"
    )
    signed = await http.post(f"{where}/parts", json={"part_numbers": [1]})
    [part] = signed.json()["parts"]
    etag = world.objects.put(part["url"], body, part["headers"]).headers["etag"].strip('"')
    parts = [{"part_number": 1, "etag": etag}]
    return (await http.post(f"{where}/complete", json={"parts": parts})).json()


async def test_a_hash_that_the_store_verified_counts_before_any_worker_has_seen_it(world, http):
    first = await put(world, http, MP4)
    await done_with(world, first["asset_id"], sees=MP4_SHA)
    again = await put(world, http, MP4, sha256=MP4_SHA)
    assert (await asked(http, of(again["asset_id"])))["status"] == "succeeded"


async def test_a_hash_that_is_only_claimed_counts_for_nothing(world, http):
    first = await put(world, http, MP4)
    await done_with(world, first["asset_id"], sees=MP4_SHA)
    other_bytes = MP4[:-1] + bytes([MP4[-1] ^ 1])
    claimed = await put_in_parts(world, http, other_bytes, sha256=MP4_SHA)
    assert claimed["sha256"] is None
    assert (await asked(http, of(claimed["asset_id"]), 202))["status"] == "queued"


async def test_an_output_that_is_read_is_its_bytes(world, http):
    first, _ = await finished(world)
    second = (await asked(http))["id"]
    read_of = [
        {"n": 3, "source": {"job_id": each, "output": "video"}} for each in (first, second)
    ]
    await finished(world, input=read_of[0])
    job = await asked(http, {**REUSE, "input": read_of[1]})
    assert job["status"] == "succeeded"


# -- what must be there ----------------------------------------------------------------


async def test_i04_nothing_is_announced_whose_object_is_gone(world, http):
    first, _ = await finished(world)
    await world.objects.delete(f"output/{first}/1/video.mp4")
    job = await asked(http, status=202)
    assert (job["status"], job["reused_from"]) == ("queued", None)


async def test_i04_an_object_that_is_another_now_is_not_given(world, http):
    first, _ = await finished(world)
    key, other = f"output/{first}/1/video.mp4", b"18 bytes, not ours"
    await world.objects.delete(key)
    await world.objects.put_file(
        key, BytesIO(other), content_type="video/mp4", size_bytes=len(other)
    )
    assert len(other) == len(VIDEO)
    assert (await asked(http, status=202))["status"] == "queued"


async def test_an_older_result_serves_where_the_newest_is_gone(world, http):
    first, _ = await finished(world)
    world.clock.move(1)
    second, _ = await finished(world)
    await world.objects.delete(f"output/{second}/1/video.mp4")
    assert (await asked(http))["reused_from"] == first


async def test_while_the_store_cannot_be_asked_nothing_is_decided(world, http):
    await finished(world)
    world.objects.available = False
    answer = await http.post("/v1/jobs", json=REUSE, headers={"Idempotency-Key": "k"})
    jobs = (await http.get("/v1/jobs")).json()["items"]
    world.objects.available = True
    assert (answer.status_code, answer.json()["code"]) == (503, "unavailable")
    assert len(jobs) == 1
    assert (await asked(http, **{"Idempotency-Key": "k"}))["status"] == "succeeded"


async def test_a_deleted_jobs_result_is_nobodys(world, http):
    first, _ = await finished(world)
    await delete(http, first)
    assert (await asked(http, status=202))["status"] == "queued"


async def test_a_job_deleted_between_the_look_and_the_write_is_not_used(world, http):
    first, _ = await finished(world)
    head = world.objects.head

    async def deleted_meanwhile(key):
        found = await head(key)
        await world.cases.delete("default", first)
        world.objects.head = head
        return found

    world.objects.head = deleted_meanwhile
    job = await asked(http, status=202)
    assert (job["status"], job["reused_from"]) == ("queued", None)


# -- whose objects they are ------------------------------------------------------------


async def test_d141_shared_objects_outlive_the_job_that_made_them(world, http):
    first, _ = await finished(world)
    reused = await asked(http)
    await delete(http, first)
    await let_it_settle(world)
    kept = await read(http, reused["id"])
    held = await there(world, first)
    assert await world.stores.jobs.get(first) is None
    assert world.objects.get(kept["outputs"][0]["url"]).status == 200
    assert held == [f"output/{first}/1/video.mp4"]
    await delete(http, reused["id"])
    await let_it_settle(world)
    assert await there(world, first) == []


async def test_d141_shared_objects_outlive_the_job_that_was_given_them(world, http):
    first, _ = await finished(world)
    reused = await asked(http)
    await delete(http, reused["id"])
    await let_it_settle(world)
    kept = await read(http, first)
    assert world.objects.get(kept["outputs"][0]["url"]).status == 200
    assert (await asked(http))["reused_from"] == first


async def test_d141_of_three_the_last_takes_them_along_whichever_it_is(world, http):
    first, _ = await finished(world)
    second = (await asked(http))["id"]
    await delete(http, first)
    await let_it_settle(world)
    third = await asked(http)
    for job_id in (second, third["id"]):
        before = await there(world, first)
        await delete(http, job_id)
        await let_it_settle(world)
        assert before == [f"output/{first}/1/video.mp4"]
    assert third["reused_from"] == first
    assert await there(world, first) == []


async def test_d141_both_deleted_at_once_leave_nothing(world, http):
    first, _ = await finished(world)
    second = (await asked(http))["id"]
    for job_id in (second, first):
        await delete(http, job_id)
    for _ in range(4):
        world.clock.move(LAST_URL_S)
        await world.gateway.tick()
    assert await there(world, first) == []
    assert [await world.stores.jobs.get(each) for each in (first, second)] == [None, None]


async def test_an_attempts_leftovers_go_and_what_is_shared_stays(world, http):
    first, _ = await finished(world)
    await asked(http)
    for _ in range(3):
        world.clock.move(LAST_URL_S)
        await world.gateway.tick()
    assert await there(world, first) == [f"output/{first}/1/video.mp4"]
