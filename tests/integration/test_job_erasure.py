"""The effect that erases a deleted job, and what becomes of the job's worker."""

import asyncio
from io import BytesIO

import pytest

from gateway.adapters.memory.compute import MemoryCompute
from gateway.ports.compute import ComputeState
from tests.support.jobs import STORES
from tests.support.removal import LAST_URL_S, delete, finished, let_it_settle, objects_of
from tests.support.upload_desk import MP4
from tests.support.world import a_world, calling


@pytest.fixture(params=STORES.values(), ids=STORES.keys())
async def world(request, tmp_path):
    async with a_world(request.param, tmp_path) as world:
        yield world


@pytest.fixture
async def http(world):
    async with calling(world, await world.a_key()) as client:
        yield client


async def test_d141_objects_go_at_once_and_rows_once_no_url_works(world, http):
    job_id, _ = await finished(world)
    other_id, _ = await finished(world)
    before = await objects_of(world, job_id)
    await delete(http, job_id)
    await world.gateway.perform()
    at_once = await objects_of(world, job_id)
    early = await world.stores.jobs.get(job_id)
    await let_it_settle(world)
    assert (len(before), at_once) == (2, [])
    assert early is not None
    assert await world.stores.jobs.get(job_id) is None
    assert await world.events(job_id) == []
    assert f"output/{other_id}/1/video.mp4" in await objects_of(world, other_id)


async def test_d141_what_is_put_after_the_deletion_goes_too(world, http):
    job_id, worker = await world.dispatched()
    await worker.claim()
    await worker.put("video")
    await http.post(f"/v1/jobs/{job_id}/cancel")
    await delete(http, job_id)
    await world.gateway.perform()
    [key] = [grant.key for grant in await world.stores.attempts.grants(job_id, 1)]
    gone = await world.objects.head(key)
    again = BytesIO(b"put again: its URL still works")
    await world.objects.put_file(key, again, content_type="video/mp4", size_bytes=30)
    world.clock.move(LAST_URL_S + 1)
    await world.gateway.perform()
    assert gone is None
    assert await objects_of(world, job_id) == []


async def test_its_costs_are_settled_first_and_stay(world, http):
    job_id, worker = await world.dispatched()
    await worker.claim()
    world.clock.move(10)
    await http.post(f"/v1/jobs/{job_id}/cancel")
    await delete(http, job_id)
    await world.gateway.perform()
    unsettled = await world.stores.attempts.costs(job_id)
    for _ in range(5):
        world.clock.move(LAST_URL_S)
        await world.gateway.perform()
    settled = await world.stores.attempts.costs(job_id)
    assert unsettled.reserved_micro_usd > 0
    assert (settled.reserved_micro_usd, settled.actual_micro_usd) == (0, 3100)
    assert await world.stores.jobs.get(job_id) is None


async def test_a_job_nobody_claimed_goes_at_once(world, http):
    job_id = await world.submit()
    await http.post(f"/v1/jobs/{job_id}/cancel")
    await world.gateway.perform()
    await delete(http, job_id)
    await world.gateway.perform()
    assert await world.stores.jobs.get(job_id) is None
    assert await world.stores.effects.next_due() is None


async def test_a_worker_that_could_not_be_called_off_is_called_off_before_the_rows_go(
    world, http
):
    job_id, _ = await world.dispatched()
    world.compute.be_unavailable()
    await http.post(f"/v1/jobs/{job_id}/cancel")
    await delete(http, job_id)
    for _ in range(3):
        world.clock.move(LAST_URL_S)
        await world.gateway.perform()
    tried = await world.stores.jobs.get(job_id)
    world.compute.be_unavailable(False)
    for _ in range(3):
        world.clock.move(LAST_URL_S)
        await world.gateway.perform()
    assert tried is not None
    assert (await world.compute.status("gpu", "r1")).state is ComputeState.CANCELLED
    assert await world.stores.jobs.get(job_id) is None


class HeldCompute(MemoryCompute):
    """RunPod that takes its time to answer a submit."""

    def __init__(self):
        super().__init__()
        self.asked, self.answer = asyncio.Event(), asyncio.Event()

    async def submit(self, request):
        self.asked.set()
        await self.answer.wait()
        return await super().submit(request)


async def test_a_worker_learnt_of_after_the_deletion_is_called_off_before_the_rows_go(world):
    held = world.compute = HeldCompute()
    world.gateway = world.boot()
    job_id = await world.submit()
    performing = asyncio.create_task(world.gateway.perform())
    await held.asked.wait()
    await world.cases.cancel("default", job_id)
    await world.cases.delete("default", job_id)
    for _ in range(2):
        world.clock.move(5)
        await world.gateway.perform()
    held.answer.set()
    await performing
    for _ in range(3):
        world.clock.move(LAST_URL_S)
        await world.gateway.perform()
    [runpod_id] = held.submitted
    assert (await held.status("gpu", runpod_id)).state is ComputeState.CANCELLED
    assert await world.stores.jobs.get(job_id) is None


async def test_a_store_that_fails_for_a_while_delays_the_end(world, http):
    job_id, _ = await finished(world)
    await delete(http, job_id)
    world.objects.available = False
    world.clock.move(LAST_URL_S + 1)
    await world.gateway.perform()
    there = await world.stores.jobs.get(job_id)
    world.objects.available = True
    await let_it_settle(world)
    assert there is not None
    assert await world.stores.jobs.get(job_id) is None
    assert await objects_of(world, job_id) == []


async def test_nothing_is_left_to_do_for_an_erased_job(world, http):
    job_id, _ = await finished(world)
    await delete(http, job_id)
    for _ in range(4):
        world.clock.move(LAST_URL_S)
        await world.gateway.tick()
    assert await world.stores.jobs.get(job_id) is None
    assert await world.stores.effects.next_due() is None


async def test_d141_an_input_that_was_put_for_it_goes_a_day_after_it(world):
    exports = world.gateway.app.state.export_inputs
    asked = {"filename": "a.mp4", "content_type": "video/mp4", "size_bytes": len(MP4)}
    upload, signed = await exports.promise("default", job_id=None, **asked)
    assert world.objects.put(signed.url, MP4, signed.headers).status == 200
    asset = await exports.take("default", upload.key)
    jobs = [await world.submit(input={"source": {"asset_id": asset.asset_id}}) for _ in "12"]
    left = []
    for job_id in jobs:
        world.clock.move(25 * 3600)
        await world.gateway.tick()
        left.append(await world.objects.list_keys("input/", None, 9))
        await world.cases.delete("default", job_id)
        await let_it_settle(world)
    world.clock.move(25 * 3600)
    await world.gateway.tick()
    assert left == [[upload.key], [upload.key]]
    assert await world.objects.list_keys("input/", None, 9) == []


# -- its worker ------------------------------------------------------------------------


async def test_a_last_word_after_the_deletion_counts_for_the_bill_and_after_erasing_is_refused(
    world, http
):
    job_id, worker = await world.dispatched()
    order = await worker.claim()
    await http.post(f"/v1/jobs/{job_id}/cancel")
    await delete(http, job_id)
    world.clock.move(5)
    told = await worker.say(worker.final(outcome="stopped", result=None))
    for _ in range(4):
        world.clock.move(LAST_URL_S)
        await world.gateway.perform()
    mine = {"Authorization": f"Bearer {order.token}"}
    submission = {"Authorization": f"Bearer {worker.request.input['token']}"}
    final = worker.final(outcome="stopped", result=None).model_dump(mode="json")
    item = {"name": "video", "content_type": "video/mp4", "size_bytes": 1, "sha256": "0" * 64}
    facts = {"id": "w", "gpu": None, "cores": 1, "memory_mb": 1, "version": "1"}
    late = [
        await http.post(f"/v1/work/{job_id}/reports", json=final, headers=mine),
        await http.post(
            f"/v1/work/{job_id}/outputs", json={"fence": 1, "items": [item]}, headers=mine
        ),
        await http.post(
            f"/v1/work/{job_id}/claim",
            json={"nonce": "n9", "runpod_job_id": "r9", "worker": facts},
            headers=submission,
        ),
    ]
    assert told.cancel
    assert [answer.status_code for answer in late] == [401, 401, 409]
    assert (await world.stores.attempts.costs(job_id)).actual_micro_usd == 5 * 310


async def test_a_deleted_jobs_worker_is_told_to_stop(world, http):
    job_id, worker = await world.dispatched()
    order = await worker.claim()
    await http.post(f"/v1/jobs/{job_id}/cancel")
    await delete(http, job_id)
    mine = {"Authorization": f"Bearer {order.token}"}
    beat = {"type": "heartbeat", "fence": 1, "report_no": 1}
    item = {"name": "video", "content_type": "video/mp4", "size_bytes": 1, "sha256": "0" * 64}
    heard = await http.post(f"/v1/work/{job_id}/reports", json=beat, headers=mine)
    asked = await http.post(
        f"/v1/work/{job_id}/outputs", json={"fence": 1, "items": [item]}, headers=mine
    )
    assert heard.json()["cancel"] is True
    assert (asked.status_code, asked.json()) == (409, {"stop": True})
