"""What outlives a crash, and an outage of the store."""

import pytest

from gateway.core.job import Status
from shared.errors import (
    TryAgainLater,
)
from shared.work import Final


async def test_what_was_accepted_before_a_crash_is_done_after_it(world):
    job_id = await world.submit()
    world.gateway = world.boot()
    await world.gateway.start()
    await world.gateway.tick()
    worker = world.newest_worker()
    await worker.claim()
    world.gateway = world.boot()
    await world.gateway.start()
    await worker.finish()
    assert (await world.job(job_id)).status is Status.SUCCEEDED


async def test_an_effect_whose_performer_died_is_performed_by_another(world):
    job_id = await world.submit()
    now = world.clock.now()
    await world.stores.effects.lease(now, now.replace(minute=1), "dead", 10)
    await world.gateway.tick()
    assert (await world.job(job_id)).waiting_for == "slot"
    await world.pass_time(61)
    assert (await world.job(job_id)).waiting_for == "worker"


async def test_a_store_that_cannot_be_asked_decides_nothing(world):
    job_id, worker = await world.dispatched()
    await worker.claim()
    final = worker.final(await worker.put("video"))
    world.objects.available = False
    with pytest.raises(TryAgainLater):
        await worker.say(final)
    assert (await world.job(job_id)).status is Status.RUNNING
    world.objects.available = True
    await worker.say(final)
    assert (await world.job(job_id)).status is Status.SUCCEEDED
    assert isinstance(final, Final)
