"""What every JobWatch promises."""

from datetime import timedelta

from gateway.core.happenings import SlotGranted
from tests.support.job_moves import change, new, running
from tests.support.jobs import NOON, a_job


async def test_silent_unclaimed_and_late_jobs_are_found(stores):
    await running(stores, "j1")
    await stores.jobs.create(new(a_job("j2", deadline_at=NOON + timedelta(seconds=5))))
    waiting = await stores.jobs.get("j2")
    await stores.jobs.commit(change(waiting, SlotGranted(), "s2"))
    later = NOON + timedelta(seconds=16)
    assert [job.id for job in await stores.job_watch.silent(later, 10)] == ["j1"]
    assert await stores.job_watch.silent(NOON, 10) == []
    assert [job.id for job in await stores.job_watch.unclaimed(10)] == ["j2"]
    assert [job.id for job in await stores.job_watch.past_deadline(later, 10)] == ["j2"]


async def test_of_the_unclaimed_those_come_first_that_were_not_asked_about_for_longest(stores):
    for n, job_id in enumerate(("j1", "j2", "j3")):
        await stores.jobs.create(new(a_job(job_id)))
        waiting = await stores.jobs.get(job_id)
        await stores.jobs.commit(change(waiting, SlotGranted(), f"s{n}"))
    for n, job_id in enumerate(("j1", "j2")):
        learnt_at = NOON + timedelta(seconds=n)
        await stores.attempts.note_runpod_job(job_id, f"r-{job_id}", 1, learnt_at)
    before = [job.id for job in await stores.job_watch.unclaimed(10)]
    await stores.attempts.note_asked("j1", "r-j1", NOON + timedelta(seconds=9))
    assert before == ["j1", "j2", "j3"]
    assert [job.id for job in await stores.job_watch.unclaimed(10)] == ["j2", "j1", "j3"]
