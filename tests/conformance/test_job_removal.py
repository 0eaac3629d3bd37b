"""What every JobRemoval promises, and every JobStore of what was deleted."""

import asyncio
from datetime import timedelta

import pytest

from gateway.core import effects
from gateway.core.happenings import CancelAsked
from gateway.core.job import JobFile
from gateway.ports.attempt_log import Costs, Grant
from gateway.ports.job_removal import Deleted
from gateway.ports.job_store import Change, Committed, JobIdTaken, NewJob, SourceGone
from tests.support.job_moves import created, ended, happen
from tests.support.jobs import NOON, a_job

LATER = NOON + timedelta(hours=25)


def reads(source):
    """The file of a job that reads another's output."""
    return (JobFile("source", None, f"output/{source}", 5, "e", "video/mp4", source),)


async def delete(stores, job_id="j1", tenant="default"):
    erase = effects.erase(a_job(job_id), at=NOON)
    return await stores.job_removal.delete(tenant, job_id, NOON, erase)


async def due(stores, at=NOON):
    leases = await stores.effects.lease(at, at + timedelta(seconds=9), "op", 100)
    return [lease.effect.kind for lease in leases]


async def test_a_deleted_job_is_its_tenants_no_more_but_is_there_for_its_bill(stores):
    await ended(stores, labels={"a": "b"})
    assert await delete(stores) is Deleted.DONE
    assert await stores.jobs.get("j1", tenant="default") is None
    job = await stores.jobs.get("j1")
    assert (job.input, job.labels, job.status) == ({}, {}, "cancelled")
    assert "erase" in await due(stores)


async def test_of_racing_deletions_one_is_done(stores):
    await ended(stores)
    answers = await asyncio.gather(*(delete(stores) for _ in range(5)))
    assert answers.count(Deleted.DONE) == 1
    assert answers.count(Deleted.MISSING) == 4


async def test_what_is_not_there_or_anothers_or_unfinished_is_not_deleted(stores):
    unfinished = await created(stores, "open", key="k")
    await ended(stores, "theirs", tenant="other")
    answers = [await delete(stores, job_id) for job_id in ("nobody", "theirs", "open")]
    assert answers == [Deleted.MISSING, Deleted.MISSING, Deleted.UNFINISHED]
    assert await stores.jobs.get("open", tenant="default") == unfinished
    assert await stores.jobs.get("theirs", tenant="other") is not None
    assert (await stores.jobs.bound_to("default", "POST /v1/jobs", "k"))[0] == unfinished
    assert "erase" not in await due(stores)


async def test_a_job_whose_output_is_read_is_not_deleted_until_its_reader_has_ended(stores):
    await ended(stores, "source")
    reader = await created(stores, "reader", files=reads("source"))
    assert await delete(stores, "source") is Deleted.IN_USE
    await happen(stores, reader, CancelAsked())
    assert await delete(stores, "source") is Deleted.DONE


async def test_a_job_that_reads_a_deleted_one_is_not_created(stores):
    await ended(stores, "source")
    await delete(stores, "source")
    with pytest.raises(SourceGone):
        await created(stores, "reader", files=reads("source"))
    with pytest.raises(SourceGone):
        await created(stores, "spy", tenant="other", files=reads("source"))
    assert await stores.jobs.get("reader") is None


async def test_either_the_reader_is_created_or_its_source_is_deleted(stores):
    for n in range(5):
        await ended(stores, f"s{n}")
    asks = [
        ask
        for n in range(5)
        for ask in (created(stores, f"r{n}", files=reads(f"s{n}")), delete(stores, f"s{n}"))
    ]
    answers = await asyncio.gather(*asks, return_exceptions=True)
    made = [not isinstance(each, SourceGone) for each in answers[::2]]
    assert [each is Deleted.DONE for each in answers[1::2]] == [not each for each in made]


async def test_a_deleted_jobs_idempotency_keys_are_free(stores):
    await ended(stores, key="k")
    await delete(stores)
    assert await stores.jobs.bound_to("default", "POST /v1/jobs", "k") is None
    await created(stores, "j2", key="k")
    assert (await stores.jobs.bound_to("default", "POST /v1/jobs", "k"))[0].id == "j2"


async def test_erasing_leaves_nothing_of_a_job_but_its_costs(stores):
    await ended(stores, files=(), labels={"a": "b"})
    grant = Grant("video", "output/j1/1/video.mp4", "video/mp4", 5, "0" * 64, NOON)
    await stores.attempts.grant("j1", 1, [grant])
    await stores.attempts.note_runpod_job("j1", "r1", 1, NOON)
    await stores.attempts.settle("j1", 1, 500, NOON)
    await delete(stores)
    for _ in range(2):
        await stores.job_removal.erase("j1")
    left = [
        await stores.jobs.get("j1"),
        await stores.events.read("j1", -1, 10),
        await stores.attempts.attempts("j1"),
        await stores.attempts.grants("j1", 1),
        await stores.attempts.runpod_jobs("j1"),
    ]
    assert left == [None, [], [], [], []]
    assert await stores.attempts.costs("j1") == Costs(0, 500)


async def test_only_a_deleted_job_is_erased(stores):
    job = await ended(stores)
    await stores.job_removal.erase("j1")
    assert await stores.jobs.get("j1") == job
    assert len(await stores.events.read("j1", -1, 10)) == 4


async def test_an_erased_jobs_id_is_nobody_elses(stores):
    await ended(stores)
    await delete(stores)
    await stores.job_removal.erase("j1")
    job = a_job("j1", tenant="other")
    with pytest.raises(JobIdTaken):
        await stores.jobs.create(NewJob("another-op", job, (), None, 1000))


async def test_a_change_of_an_erased_job_is_lost_and_a_touch_does_nothing(stores):
    job = await ended(stores)
    await delete(stores)
    await stores.job_removal.erase("j1")
    late = Change("late", job, job, (), (), NOON)
    assert await stores.jobs.commit(late) is Committed.LOST
    await stores.jobs.touch("later", job, NOON, {})
    assert await stores.jobs.get("j1") is None
    assert await stores.job_pruning.prune(LATER, 100) > 0
