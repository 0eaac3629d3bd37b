"""What an attempt may put, what counts as made, and what is swept."""

import asyncio
from dataclasses import replace

import pytest

from shared.errors import ValidationFailed
from shared.work import OutputsRequest
from tests.support.world import LIMIT_S


@pytest.mark.parametrize(
    ("item", "field"),
    [
        ({"name": "poster"}, "items.0.name"),
        ({"content_type": "text/html"}, "items.0.content_type"),
        ({"size_bytes": 5 * 2**40}, "items.0.size_bytes"),
    ],
)
async def test_only_what_the_kind_may_make_gets_a_url(world, item, field):
    _, worker = await world.dispatched()
    order = await worker.claim()
    given = {
        "name": "video",
        "content_type": "video/mp4",
        "size_bytes": 5,
        "sha256": "0" * 64,
    }
    asked = OutputsRequest.model_validate({"fence": 1, "items": [{**given, **item}]})
    with pytest.raises(ValidationFailed) as refused:
        await world.cases.grant_outputs(worker.job_id, order.token, asked)
    assert refused.value.errors[0].field == field


async def test_a_success_whose_output_is_not_there_is_none(world):
    job_id, worker = await world.dispatched()
    await worker.claim()
    outputs = await worker.put("video")
    await world.objects.delete(f"output/{job_id}/1/video.mp4")
    await worker.say(worker.final(outputs))
    assert await world.events(job_id) == ["queued", "started", "requeued"]


async def test_a_success_that_names_another_size_is_none(world):
    job_id, worker = await world.dispatched()
    await worker.claim()
    [output] = await worker.put("video")
    lied = output.model_copy(update={"size_bytes": 5})
    await worker.say(worker.final([lied]))
    assert "succeeded" not in await world.events(job_id)


async def test_a_success_without_the_kinds_output_is_none(world):
    job_id, worker = await world.dispatched()
    await worker.claim()
    await worker.say(worker.final([]))
    assert "succeeded" not in await world.events(job_id)


async def test_a_result_that_does_not_fit_the_kind_fails_the_job(world):
    job_id, worker = await world.dispatched()
    await worker.claim()
    outputs = await worker.put("video")
    await worker.say(worker.final(outputs, result={"n": "many", "shell": "rm"}))
    job = await world.job(job_id)
    assert (job.status, job.error.code) == ("failed", "internal")


async def test_a_key_holds_the_fence_so_no_two_attempts_share_one(world):
    job_id, stale = await world.dispatched()
    await stale.claim()
    await stale.put("video")
    await world.pass_time(75)
    fresh = world.newest_worker()
    await fresh.claim()
    await fresh.finish()
    job = await world.job(job_id)
    keys = await world.objects.list_keys("output/", None, 10)
    assert job.outputs[0].key == f"output/{job_id}/2/video.mp4"
    assert f"output/{job_id}/1/video.mp4" in keys


async def test_after_the_sweep_one_published_object_remains_per_output(world):
    job_id, stale = await world.dispatched()
    await stale.claim()
    await stale.put("video")
    await world.pass_time(75)
    fresh = world.newest_worker()
    await fresh.claim()
    await fresh.finish()
    await world.pass_time(600, step_s=10)
    keys = await world.objects.list_keys("output/", None, 10)
    assert keys == [f"output/{job_id}/2/video.mp4"]


async def test_nothing_is_swept_while_a_url_still_works(world):
    job_id, worker = await world.dispatched()
    await worker.claim()
    await worker.put("video")
    await world.cases.cancel("default", job_id)
    await world.pass_time(100, step_s=10)
    assert await world.objects.list_keys("output/", None, 10)


class HeldLog:
    """An attempt log whose next grant is written only when it is let go."""

    def __init__(self, log):
        self._log = log
        self.asked, self.let_go = asyncio.Event(), asyncio.Event()

    def __getattr__(self, name):
        return getattr(self._log, name)

    async def grant(self, *given):
        self.asked.set()
        await self.let_go.wait()
        await self._log.grant(*given)


async def test_d141_a_url_that_was_on_its_way_as_the_job_ended_leaves_no_object(world):
    held = HeldLog(world.stores.attempts)
    world.stores = replace(world.stores, attempts=held)
    world.gateway = world.boot()
    job_id, worker = await world.dispatched()
    await worker.claim()
    world.clock.move(LIMIT_S - 1)
    putting = asyncio.create_task(worker.put("video"))
    await held.asked.wait()
    await world.cases.cancel("default", job_id)
    await world.pass_time(5)
    held.let_go.set()
    await putting
    late = await world.objects.list_keys("output/", None, 9)
    await world.pass_time(300, step_s=60)
    assert late == [f"output/{job_id}/1/video.mp4"]
    assert await world.objects.list_keys("output/", None, 9) == []
