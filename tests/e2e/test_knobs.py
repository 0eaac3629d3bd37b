"""Everything RunPod may do wrong, and every program dying: each job ends right, once."""

import asyncio
from dataclasses import replace

import pytest

from infra.local.runpod.faults import Fault, FaultKind
from tests.e2e.conftest import expect_one_success

pytestmark = [pytest.mark.processes, pytest.mark.asyncio(loop_scope="module")]


@pytest.fixture(scope="module")
def stack_config(stack_config):
    """Two workers, for what is delivered twice or done side by side."""
    return replace(stack_config, workers=2, warm_workers=2)


@pytest.fixture(autouse=True)
def all_is_well_before(tried):
    """Nothing of what went wrong for another test goes wrong for this one."""
    tried.stack.emulator.faults.clear()


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


async def test_two_exports_are_made_side_by_side(tried):
    async with tried.held() as render:
        beside, _ = await tried.ended(await tried.submit())
    job, _ = await tried.ended(render.job_id)
    assert [job.status, beside.status] == ["succeeded", "succeeded"]
    assert job.started_at < beside.started_at
    assert beside.finished_at < job.finished_at


async def test_a_cancel_whose_stop_is_lost_still_stops_the_work(tried):
    tried.fault(kind=FaultKind.LOSE_STOP, count=None)
    async with tried.held() as render:
        await tried.call(tried.cutroom.cancel, render.job_id)
        async with asyncio.timeout(30):
            while render.process.is_running():  # noqa: ASYNC110 - another process
                await asyncio.sleep(0.05)
    job, events = await tried.ended(render.job_id)
    assert (job.status, events[-1]) == ("cancelled", "cancelled")


async def test_d34_a_worker_killed_mid_render_is_followed_by_another(tried):
    async with tried.held() as render:
        tried.stack.emulator.kill_worker(render.pod_id)
        job, events = await expect_one_success(tried, render.job_id, attempt=2)
        assert not render.process.is_running()
    assert "requeued" in events
    assert job.outputs[0].name == "video"


async def test_gateways_told_to_end_mid_job_lose_nothing(tried):
    async with tried.held() as render:
        await asyncio.gather(*(each.stop() for each in tried.stack.gateways))
        await tried.start_gateways()
    await expect_one_success(tried, render.job_id)


async def test_gateways_killed_mid_effect_perform_it_again(tried):
    tried.fault(kind=FaultKind.REFUSE_RUN, effect="hang")
    job_id = await tried.submitted_while(FaultKind.REFUSE_RUN)
    await tried.kill_gateways()
    await tried.start_gateways()
    await expect_one_success(tried, job_id)


async def test_gateways_killed_after_runpod_accepted_make_one_result(tried):
    tried.fault(kind=FaultKind.LOSE_RUN_ANSWER, effect="hang")
    job_id = await tried.submit()
    await tried.until(job_id, "started")
    await tried.kill_gateways()
    await tried.start_gateways()
    await expect_one_success(tried, job_id)
