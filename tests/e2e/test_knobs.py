"""Everything RunPod may do wrong, and every program dying: each job ends right, once."""

import asyncio

import psutil
import pytest

from infra.local.runpod.faults import Fault, FaultKind

pytestmark = [pytest.mark.processes, pytest.mark.asyncio(loop_scope="module")]

LONG = {"end_time": 14, "output_width": 720, "output_height": 1280}


async def expect_one_success(tried, job_id, *, attempt=1):
    """The job succeeded in this attempt, told so once, and published one object."""
    job, events = await tried.ended(job_id)
    assert (job.status, job.attempt) == ("succeeded", attempt)
    assert events.count("succeeded") == 1
    assert events.count("started") == attempt
    assert [each.name for each in job.outputs] == ["video"]
    return job, events


@pytest.mark.parametrize("effect", ["429", "500", "503"])
async def test_a_runpod_that_refuses_for_now_is_asked_until_it_takes_the_job(tried, effect):
    tried.fault(kind=FaultKind.REFUSE_RUN, effect=effect, count=2)
    await expect_one_success(tried, await tried.submit())
    assert tried.stack.emulator.faults.fired[FaultKind.REFUSE_RUN] >= 2


@pytest.mark.parametrize("effect", ["504", "reset"])
async def test_d106_a_submission_accepted_without_an_answer_is_one_attempt(tried, effect):
    tried.fault(kind=FaultKind.LOSE_RUN_ANSWER, effect=effect)
    await expect_one_success(tried, await tried.submit())


async def test_a_runpod_that_refuses_for_good_fails_the_job_for_the_operator(tried):
    tried.fault(kind=FaultKind.REFUSE_RUN, effect="401")
    job, _ = await tried.ended(await tried.submit())
    assert (job.status, job.error.who) == ("failed", "operator")


@pytest.mark.parametrize("same_pod", [False, True])
async def test_d65_a_job_delivered_twice_is_done_once(tried, same_pod):
    tried.fault(kind=FaultKind.DUPLICATE, same_pod=same_pod)
    job_id = await tried.submit()
    await expect_one_success(tried, job_id)
    following, _ = await tried.ended(await tried.submit())
    assert following.status == "succeeded"
    job, events = await tried.ended(job_id)
    assert (job.attempt, events.count("started")) == (1, 1)


@pytest.mark.parametrize("effect", ["reset", "400", "429", "500"])
async def test_a_lost_job_done_loses_nothing(tried, effect):
    tried.fault(kind=FaultKind.LOSE_DONE, effect=effect, count=3)
    await expect_one_success(tried, await tried.submit())


async def test_a_slow_queue_counts_no_attempt(tried):
    tried.fault(kind=FaultKind.SLOW_QUEUE, delay_s=3)
    await expect_one_success(tried, await tried.submit())


async def test_a_job_that_runpod_forgets_is_submitted_again(tried):
    tried.fault(kind=FaultKind.SLOW_QUEUE, delay_s=600)
    tried.stack.emulator.faults.add(Fault(FaultKind.FORGET))
    job_id = await tried.submit()
    job, _ = await expect_one_success(tried, job_id)
    assert tried.stack.emulator.faults.fired[FaultKind.FORGET] == 1
    assert job.attempt == 1


async def test_a_runpod_that_cannot_be_asked_makes_nothing_fail(tried):
    tried.fault(kind=FaultKind.BAD_STATUS, effect="500", count=None)
    await expect_one_success(tried, await tried.submit())


async def test_a_cancel_whose_stop_is_lost_still_stops_the_work(tried):
    tried.fault(kind=FaultKind.LOSE_STOP, count=None)
    job_id = await tried.submit(**LONG)
    await tried.until(job_id, "stage", "progress")
    rendering = _renderers(tried)
    await tried.call(tried.cutroom.cancel, job_id)
    async with asyncio.timeout(30):
        while any(each.is_running() for each in rendering):  # noqa: ASYNC110 - other processes
            await asyncio.sleep(0.05)
    job, events = await tried.ended(job_id)
    assert len(rendering) == 1
    assert (job.status, events[-1]) == ("cancelled", "cancelled")


async def test_d34_a_worker_killed_mid_render_is_followed_by_another(tried):
    job_id = await tried.submit(**LONG)
    await tried.until(job_id, "progress")
    [renderer] = _renderers(tried)
    [pod_id] = [
        view.pod_id for view in tried.stack.emulator.workers if _is_under(renderer, view.pid)
    ]
    tried.stack.emulator.kill_worker(pod_id)
    job, events = await expect_one_success(tried, job_id, attempt=2)
    assert "requeued" in events
    assert not renderer.is_running()
    assert job.outputs[0].name == "video"


async def test_d144_one_gateway_of_two_killed_mid_job_loses_nothing(tried):
    job_id = await tried.submit(**LONG)
    await tried.until(job_id, "progress")
    await tried.stack.gateway.kill()
    await expect_one_success(tried, job_id)
    await tried.stack.gateway.restart()


async def test_d144_all_gateways_killed_mid_job_lose_nothing(tried):
    job_id = await tried.submit(**LONG)
    await tried.until(job_id, "progress")
    await tried.kill_gateways()
    await tried.start_gateways()
    await expect_one_success(tried, job_id)


async def test_gateways_told_to_end_mid_job_lose_nothing(tried):
    job_id = await tried.submit(**LONG)
    await tried.until(job_id, "progress")
    await asyncio.gather(*(each.stop() for each in tried.stack.gateways))
    await tried.start_gateways()
    await expect_one_success(tried, job_id)


async def _submitted_while(tried, kind):
    """Return a job whose submission is on its way to RunPod, where it goes wrong."""
    fired = tried.stack.emulator.faults.fired
    fired.clear()
    job_id = await tried.submit()
    async with asyncio.timeout(30):
        while not fired[kind]:  # noqa: ASYNC110 - nobody tells
            await asyncio.sleep(0.05)
    return job_id


async def test_gateways_killed_mid_effect_perform_it_again(tried):
    tried.fault(kind=FaultKind.REFUSE_RUN, effect="hang")
    job_id = await _submitted_while(tried, FaultKind.REFUSE_RUN)
    await tried.kill_gateways()
    await tried.start_gateways()
    await expect_one_success(tried, job_id)


@pytest.mark.parametrize("number", [0, 1])
async def test_a_gateway_killed_mid_effect_leaves_it_to_the_other(tried, number):
    """One of the two cases kills who holds the effect; the other one, who does not."""
    tried.fault(kind=FaultKind.REFUSE_RUN, effect="hang")
    job_id = await _submitted_while(tried, FaultKind.REFUSE_RUN)
    await tried.stack.gateways[number].kill()
    await expect_one_success(tried, job_id)
    await tried.stack.gateways[number].restart()


async def test_gateways_killed_after_runpod_accepted_make_one_result(tried):
    tried.fault(kind=FaultKind.LOSE_RUN_ANSWER, effect="hang")
    job_id = await tried.submit()
    await tried.until(job_id, "started")
    await tried.kill_gateways()
    await tried.start_gateways()
    await expect_one_success(tried, job_id)


def _renderers(tried):
    """The processes that render now: children forked by the workers' zygotes."""
    return [
        process
        for view in tried.stack.emulator.workers
        for process in psutil.Process(view.pid).children(recursive=True)
        if _is_forked_from_a_zygote(process)
    ]


def _is_forked_from_a_zygote(process):
    parent = process.parent()
    return parent is not None and "gpu_worker.sandbox.zygote" in " ".join(parent.cmdline())


def _is_under(process, pid):
    return pid in {each.pid for each in process.parents()}
