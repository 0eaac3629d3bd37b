"""What every JobLine promises."""

from datetime import timedelta

from gateway.core.happenings import AttemptLost, SlotGranted
from tests.support.job_moves import change, new, running
from tests.support.jobs import NOON, a_job


async def test_the_next_slot_goes_to_the_tenant_that_holds_the_fewest(stores):
    await running(stores, "j1")
    await stores.jobs.create(new(a_job("j2")))
    later = NOON + timedelta(seconds=1)
    await stores.jobs.create(new(a_job("j3", tenant="other", created_at=later)))
    first = await stores.job_line.in_line("gpu", later)
    assert first.id == "j3"
    assert await stores.job_line.in_line("cpu", later) is None


async def test_of_a_tenants_jobs_the_next_is_of_the_kind_that_holds_the_fewest(stores):
    await running(stores, "j1")
    later = NOON + timedelta(seconds=1)
    await stores.jobs.create(new(a_job("j2")))
    await stores.jobs.create(new(a_job("j3", kind="test.quick", created_at=later)))
    assert (await stores.job_line.in_line("gpu", later)).id == "j3"


async def test_d95_a_kind_that_holds_as_many_as_it_may_waits_and_others_do_not(stores):
    await running(stores, "j1")
    await stores.jobs.create(new(a_job("j2")))
    caps = {"test.kind": 1, "test.quick": 1}
    assert await stores.job_line.in_line("gpu", NOON, caps) is None
    assert (await stores.job_line.in_line("gpu", NOON, {"test.kind": 2})).id == "j2"
    await stores.jobs.create(new(a_job("j3", kind="test.quick", tenant="other")))
    assert (await stores.job_line.in_line("gpu", NOON, caps)).id == "j3"


async def test_a_job_to_be_retried_is_in_line_once_its_time_has_come(stores):
    job = await running(stores)
    lost = change(job, AttemptLost("worker_lost"), "lost")
    await stores.jobs.commit(lost)
    before = lost.after.retry_at - timedelta(microseconds=1)
    assert await stores.job_line.in_line("gpu", before) is None
    assert (await stores.job_line.in_line("gpu", lost.after.retry_at)).id == "j1"


async def test_positions_count_the_older_jobs_that_wait(stores):
    for n in range(3):
        at = NOON + timedelta(seconds=n)
        await stores.jobs.create(new(a_job(f"j{n}", created_at=at)))
    jobs = [await stores.jobs.get(f"j{n}") for n in range(3)]
    assert await stores.job_line.positions(jobs) == {"j0": 0, "j1": 1, "j2": 2}
    assert await stores.job_line.positions(jobs[2:]) == {"j2": 2}


async def test_a_job_has_the_position_alone_that_it_has_among_others(stores):
    for job_id, endpoint in (("j2", "gpu"), ("j1", "gpu"), ("j3", "cpu"), ("j0", "gpu")):
        await stores.jobs.create(new(a_job(job_id, endpoint=endpoint)))
    granted = await stores.jobs.get("j1")
    await stores.jobs.commit(change(granted, SlotGranted(), "s1"))
    jobs = [await stores.jobs.get(f"j{n}") for n in range(4)]
    together = await stores.job_line.positions(jobs)
    alone = [await stores.job_line.positions([job]) for job in jobs]
    assert together == {"j0": 0, "j2": 1, "j3": 0}
    assert alone == [{"j0": 0}, {}, {"j2": 1}, {"j3": 0}]
