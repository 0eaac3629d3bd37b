"""A job from its submission to its end, and who may speak for it."""

import pytest

from gateway.services.claim_job import ToldToStop
from shared.errors import (
    Unauthenticated,
)
from tests.support.world import VIDEO, Worker


async def test_a_job_goes_from_submission_to_success(world):
    job_id, worker = await world.dispatched()
    order = await worker.claim()
    await worker.report("progress", stage="render", progress=0.4)
    answer = await worker.finish()
    job = await world.job(job_id)
    view = await world.cases.view(job)
    assert (order.fence, order.kind, order.input["n"]) == (1, "test.copy", 1)
    assert answer.cancel is False
    assert (job.status, job.result) == ("succeeded", {"n": 1})
    assert await world.events(job_id) == ["queued", "started", "stage", "succeeded"]
    assert view["outputs"][0]["key"] == f"output/{job_id}/1/video.mp4"
    assert world.objects.get(view["outputs"][0]["url"]).body == VIDEO


async def test_runpod_is_told_ids_and_a_token_and_nothing_else(world):
    job_id, worker = await world.dispatched(labels={"secret": "prompt"})
    assert dict(worker.request.input) == {
        "v": 1,
        "job_id": job_id,
        "submission": "1",
        "claim_url": f"http://127.0.0.1:1/v1/work/{job_id}/claim",
        "token": worker.request.input["token"],
    }
    assert worker.request.execution_timeout_s == 100
    assert worker.request.ttl_s == 3600 + 600


async def test_the_work_order_gives_each_file_by_a_url_of_its_own(world):
    asset_id = await world.an_asset()
    _, worker = await world.dispatched(input={"n": 1, "source": {"asset_id": asset_id}})
    [file] = (await worker.claim()).files
    assert (file.name, file.size_bytes, file.etag) == ("source", len(VIDEO), "etag")
    assert file.url


async def test_a_probe_is_kept_with_the_asset(world):
    asset_id = await world.an_asset()
    _, worker = await world.dispatched(input={"n": 1, "source": {"asset_id": asset_id}})
    await worker.claim()
    await worker.report("probe", asset="source", sha256="a" * 64, probe={"frames": 3})
    asset = await world.assets.get("default", asset_id)
    assert (asset.sha256, asset.probe) == ("a" * 64, {"frames": 3})


async def test_a_claim_needs_the_submissions_own_token(world):
    _, worker = await world.dispatched()
    _, other = await world.dispatched()
    wrong = Worker(world, worker.runpod_id, worker.request)
    wrong.request = type(worker.request)(
        worker.request.endpoint,
        {**worker.request.input, "token": other.request.input["token"]},
        5,
        10,
    )
    with pytest.raises(Unauthenticated):
        await wrong.claim()


async def test_the_same_nonce_again_is_the_same_attempt(world):
    job_id, worker = await world.dispatched()
    first = await worker.claim("n1")
    again = await worker.claim("n1")
    assert (first.fence, first.token) == (again.fence, again.token)
    assert (await world.events(job_id)).count("started") == 1


async def test_d65_a_second_claimer_is_told_to_stop(world):
    _, worker = await world.dispatched()
    await worker.claim("n1")
    with pytest.raises(ToldToStop):
        await Worker(world, "r-again", worker.request).claim("n2")


async def test_d65_a_stale_workers_last_word_is_told_to_stop_and_changes_nothing(world):
    job_id, stale = await world.dispatched()
    await stale.claim()
    outputs = await stale.put("video")
    await world.pass_time(61)
    await world.pass_time(10)
    fresh = world.newest_worker()
    await fresh.claim()
    before = await world.job(job_id)
    with pytest.raises(ToldToStop):
        await stale.say(stale.final(outputs))
    assert await world.job(job_id) == before


async def test_an_attempt_called_lost_is_told_to_stop_though_no_higher_fence_exists(world):
    job_id, worker = await world.dispatched()
    await worker.claim("n1")
    await world.pass_time(60)
    assert (await world.job(job_id)).fence == 1
    for word in (worker.report("heartbeat"), worker.claim("n1"), worker.put("video")):
        with pytest.raises(ToldToStop):
            await word


async def test_a_forged_attempt_token_is_refused(world):
    _, worker = await world.dispatched()
    order = await worker.claim()
    number, _, mac = order.token.partition(".")
    worker.order = order.model_copy(update={"token": f"{number}.{mac[::-1]}"})
    with pytest.raises(Unauthenticated):
        await worker.report("heartbeat")


async def test_an_attempts_token_does_not_open_another_job(world):
    _, one = await world.dispatched()
    _, two = await world.dispatched()
    one_order, two_order = await one.claim(), await two.claim()
    two.order = two_order.model_copy(update={"token": one_order.token})
    with pytest.raises(Unauthenticated):
        await two.report("heartbeat")
