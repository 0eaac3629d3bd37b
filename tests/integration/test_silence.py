"""Silence: what is suspected, asked about, believed and called lost."""

import json

import pytest

from gateway.core.job import Status
from gateway.ports.compute import ComputeState
from gateway.services.claim_job import ToldToStop
from shared.work import MANIFEST


async def test_d34_a_silent_attempt_is_lost_after_60_s_and_the_next_fence_finishes(world):
    job_id, worker = await world.dispatched()
    await worker.claim()
    await world.pass_time(59)
    assert (await world.job(job_id)).status is Status.RUNNING
    await world.pass_time(15)
    fresh = world.newest_worker()
    await fresh.claim()
    await fresh.finish()
    job = await world.job(job_id)
    assert (job.status, job.fence) == ("succeeded", 2)


async def test_d34_runpods_word_that_it_ended_makes_it_lost_after_15_s(world):
    job_id, worker = await world.dispatched()
    await worker.claim()
    world.compute.set_state(worker.runpod_id, ComputeState.FAILED)
    await world.pass_time(14)
    assert (await world.job(job_id)).status is Status.RUNNING
    await world.pass_time(3)
    assert "requeued" in await world.events(job_id)


@pytest.mark.parametrize("state", [ComputeState.RUNNING, ComputeState.UNKNOWN])
async def test_a_word_that_ends_nothing_does_not_make_it_lost(world, state):
    job_id, worker = await world.dispatched()
    await worker.claim()
    world.compute.set_state(worker.runpod_id, state)
    await world.pass_time(50)
    assert (await world.job(job_id)).status is Status.RUNNING


async def test_a_runpod_that_cannot_be_asked_makes_nothing_lost_before_its_time(world):
    job_id, worker = await world.dispatched()
    await worker.claim()
    world.compute.be_unavailable()
    await world.pass_time(58)
    assert (await world.job(job_id)).status is Status.RUNNING
    await world.pass_time(5)
    assert "requeued" in await world.events(job_id)


async def test_silence_of_the_gateways_own_is_not_the_workers(world):
    job_id, worker = await world.dispatched()
    await worker.claim()
    world.clock.move(80)
    await world.gateway.tick()
    await world.pass_time(14)
    assert (await world.job(job_id)).status is Status.RUNNING
    await worker.report("heartbeat")
    await worker.finish()
    assert (await world.job(job_id)).fence == 1


async def test_a_manifest_is_a_last_word(world):
    job_id, worker = await world.dispatched()
    await worker.claim()
    final = worker.final(await worker.put("video"))
    await worker.put(MANIFEST, body=final.model_dump_json().encode())
    world.compute.set_state(worker.runpod_id, ComputeState.COMPLETED)
    await world.pass_time(20)
    assert await world.events(job_id) == ["queued", "started", "succeeded"]
    late = await worker.say(final)
    assert late.cancel is False
    assert (await world.events(job_id)).count("succeeded") == 1


@pytest.mark.parametrize(
    "body",
    [
        b"{",
        b"[]",
        json.dumps({"fence": 9, "report_no": 1, "outcome": "stopped"}).encode(),
        json.dumps({"fence": 1, "report_no": 1, "outcome": "succeeded"}).encode(),
    ],
    ids=["no json", "no report", "another fence", "outputs missing"],
)
async def test_a_manifest_that_cannot_be_believed_makes_no_success(world, body):
    job_id, worker = await world.dispatched()
    await worker.claim()
    await worker.put(MANIFEST, body=body)
    world.compute.set_state(worker.runpod_id, ComputeState.FAILED)
    await world.pass_time(20)
    assert "succeeded" not in await world.events(job_id)


@pytest.mark.parametrize("nonsense", ['"message": "\\u0000"', '"message": "", "message": ""'])
async def test_a_manifest_that_no_report_could_be_is_no_last_word(world, nonsense):
    job_id, worker = await world.dispatched()
    await worker.claim()
    failed = '{"fence": 1, "report_no": 1, "outcome": "failed", "error": {"code": "internal", '
    await worker.put(MANIFEST, body=f"{failed}{nonsense}}}}}".encode())
    world.compute.set_state(worker.runpod_id, ComputeState.FAILED)
    await world.pass_time(20)
    assert await world.events(job_id) == ["queued", "started", "requeued"]


async def test_an_attempt_that_ran_its_time_at_runpod_is_a_timeout(world):
    job_id, worker = await world.dispatched()
    for _ in range(3):
        await worker.claim()
        world.compute.set_state(worker.runpod_id, ComputeState.TIMED_OUT)
        await world.pass_time(90)
        worker = world.newest_worker()
    job = await world.job(job_id)
    assert (job.status, job.error.code, job.fence) == ("failed", "timeout", 3)


async def test_a_worker_that_reports_on_past_its_time_is_cut_off(world):
    job_id, worker = await world.dispatched()
    await worker.claim()
    for _ in range(13):
        world.clock.move(10)
        await worker.report("heartbeat")
    world.clock.move(5)
    with pytest.raises(ToldToStop):
        await worker.report("heartbeat")
    assert "requeued" in await world.events(job_id)
