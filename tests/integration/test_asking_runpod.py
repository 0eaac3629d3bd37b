"""Submissions, slots and whose turn it is."""

import pytest

from gateway.core.job import Status
from gateway.ports.compute import ComputeState
from gateway.services.claim_job import ToldToStop
from shared.errors import (
    TryAgainLater,
)
from tests.support.jobs import STORES
from tests.support.world import Worker, a_world


async def test_d106_an_uncertain_submission_is_repeated_and_makes_one_attempt(world):
    job_id = await world.submit()
    world.compute.accept_and_time_out()
    await world.gateway.perform()
    await world.pass_time(5)
    first, second = (Worker(world, *each) for each in list(world.compute.submitted.items())[:2])
    await first.claim()
    with pytest.raises(ToldToStop):
        await second.claim()
    await first.finish()
    assert (await world.job(job_id)).fence == 1


async def test_a_full_runpod_is_asked_again_until_it_takes_the_job(world):
    world.compute.lose_submits(3)
    job_id = await world.submit()
    await world.pass_time(40)
    await world.newest_worker().claim()
    assert (await world.job(job_id)).status is Status.RUNNING


async def test_a_submission_runpod_refuses_fails_the_job_for_the_operator(world):
    world.compute.refuse_submits()
    job_id = await world.submit()
    await world.gateway.perform()
    job = await world.job(job_id)
    assert (job.status, job.error.who) == ("failed", "operator")


@pytest.mark.parametrize("state", [ComputeState.GONE, ComputeState.FAILED])
async def test_an_unclaimed_submission_that_ended_is_made_again(world, state):
    job_id, first = await world.dispatched()
    world.compute.set_state(first.runpod_id, state)
    await world.pass_time(10)
    second = world.newest_worker()
    await second.claim()
    assert second.request.input["submission"] == "2"
    assert (await world.job(job_id)).fence == 1


async def test_a_queue_at_runpod_counts_no_attempt(world):
    job_id, _ = await world.dispatched()
    await world.pass_time(300, step_s=5)
    job = await world.job(job_id)
    assert (job.status, job.waiting_for, job.fence) == ("queued", "worker", 0)
    assert len(world.compute.submitted) == 1


async def test_no_more_is_submitted_than_twice_the_slots(world):
    jobs = [await world.submit() for _ in range(7)]
    await world.gateway.perform()
    waiting = [(await world.job(job_id)).waiting_for for job_id in jobs]
    assert waiting == ["worker"] * 4 + ["slot"] * 3


async def test_an_end_gives_the_slot_to_the_next(world):
    jobs = [await world.submit() for _ in range(5)]
    await world.gateway.perform()
    await world.cases.cancel("default", jobs[0])
    await world.gateway.perform()
    assert (await world.job(jobs[4])).waiting_for == "worker"


async def test_d147_one_tenants_backlog_does_not_hold_up_anothers_job(world):
    mine = [await world.submit("default") for _ in range(20)]
    await world.gateway.perform()
    world.clock.move(1)
    theirs = await world.submit("other")
    await world.cases.cancel("default", mine[0])
    await world.gateway.perform()
    assert (await world.job(theirs)).waiting_for == "worker"


async def test_the_limit_of_open_jobs_is_429_and_writes_nothing(tmp_path):
    limits = {"open_jobs_per_tenant": 2}
    async with a_world(STORES["sqlite"], tmp_path, limits=limits) as world:
        for _ in range(2):
            await world.submit()
        with pytest.raises(TryAgainLater) as refused:
            await world.submit()
        assert refused.value.what == "too_many_open_jobs"
        await world.submit("other")
