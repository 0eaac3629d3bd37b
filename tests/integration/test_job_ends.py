"""How jobs fail, expire and are cancelled."""

import pytest

from gateway.core.job import Status
from gateway.services.claim_job import ToldToStop
from shared.errors import (
    Conflict,
    NotFound,
)
from shared.work import MANIFEST


async def test_d44_three_attempts_a_job_and_no_more(world):
    job_id, worker = await world.dispatched()
    for _ in range(3):
        await worker.claim()
        await worker.fail("storage_error")
        await world.pass_time(15)
        worker = world.newest_worker()
    job = await world.job(job_id)
    assert (job.status, job.error.code) == ("failed", "storage_error")
    assert len(world.compute.submitted) == 3


async def test_d44_what_cannot_be_retried_fails_at_once_in_words_for_the_person(world):
    job_id, worker = await world.dispatched()
    await worker.claim()
    await worker.fail("input_unreadable", "The file is cut short. Upload it again.")
    job = await world.job(job_id)
    assert (job.status, job.error.who) == ("failed", "caller")
    assert job.error.message == "The file is cut short. Upload it again."


async def test_an_expired_job_ends_whatever_it_waits_for(world):
    waiting = await world.submit(deadline_s=30)
    _, worker = await world.dispatched(deadline_s=30)
    await worker.claim()
    world.compute.be_unavailable()
    await world.pass_time(31)
    assert (await world.job(waiting)).status is Status.EXPIRED
    assert (await world.job(worker.job_id)).status is Status.EXPIRED


async def test_a_manifest_there_at_the_deadline_still_counts(world):
    job_id, worker = await world.dispatched(deadline_s=30)
    await worker.claim()
    final = worker.final(await worker.put("video"))
    await worker.put(MANIFEST, body=final.model_dump_json().encode())
    await world.pass_time(31)
    assert (await world.job(job_id)).status is Status.SUCCEEDED


async def test_a_cancelled_job_stops_its_worker_and_never_succeeds(world):
    job_id, worker = await world.dispatched()
    await worker.claim()
    final = worker.final(await worker.put("video"))
    await world.cases.cancel("default", job_id)
    told = await worker.report("heartbeat")
    await worker.say(final)
    await world.gateway.perform()
    assert told.cancel is True
    assert await world.events(job_id) == ["queued", "started", "cancelled"]
    assert ("gpu", worker.runpod_id) in world.compute.cancel_calls


async def test_cancelling_again_is_harmless_and_after_another_end_a_conflict(world):
    first, _ = await world.dispatched()
    second, worker = await world.dispatched()
    await worker.claim()
    await worker.finish()
    for _ in range(2):
        assert (await world.cases.cancel("default", first)).status is Status.CANCELLED
    with pytest.raises(Conflict) as refused:
        await world.cases.cancel("default", second)
    assert refused.value.what == "already_finished"


async def test_another_tenants_job_cannot_be_cancelled(world):
    job_id = await world.submit()
    with pytest.raises(NotFound):
        await world.cases.cancel("other", job_id)


async def test_a_worker_learnt_of_after_the_end_is_cancelled_too(world):
    job_id = await world.submit()
    world.compute.accept_and_time_out()
    await world.gateway.perform()
    worker = world.newest_worker()
    await world.cases.cancel("default", job_id)
    with pytest.raises(ToldToStop):
        await worker.claim()
