"""What every JobReuse promises: jobs that come with an earlier job's outputs."""

import asyncio
from dataclasses import replace
from datetime import timedelta

import pytest

from gateway.core import effects
from gateway.core.happenings import AttemptSucceeded, Claimed, ResultReused, SlotGranted
from gateway.core.idempotency import IdempotencyKey
from gateway.core.job import JobFile, JobOutput
from gateway.core.lifecycle import decide
from gateway.ports.job_removal import Deleted
from gateway.ports.job_reuse import NewReuse
from gateway.ports.job_store import (
    Change,
    Committed,
    JobIdTaken,
    KeyTaken,
    NewJob,
    SourceGone,
)
from tests.support.jobs import NOON, a_job

NAME = "f" * 64


async def succeeded(stores, job_id="j1", *, at=NOON, name=NAME, **fields):
    """A job that has made one output."""
    job = a_job(job_id, deadline_at=at + timedelta(hours=1), **fields)
    await stores.jobs.create(NewJob(f"job:{job_id}", job, (), None, 1000))
    output = JobOutput("video", f"output/{job_id}/1/v.mp4", "video/mp4", 5, "0" * 64, "e")
    for happening in (
        SlotGranted(),
        Claimed("n1", "r1"),
        AttemptSucceeded({"n": 1}, (output,), name),
    ):
        decision = decide(job, happening, at)
        change = Change(f"{job_id}:{job.version}", job, decision.job, decision.events, (), at)
        assert await stores.jobs.commit(change) is Committed.DONE
        job = decision.job
    return job


def given(earlier, job_id="j2", *, key=None, at=NOON, **fields):
    """What is written of a job that gets the outputs of another."""
    queued = a_job(job_id, created_at=at, tenant=earlier.tenant, **fields)
    decision = decide(queued, ResultReused(earlier), at)
    bind = IdempotencyKey("POST /v1/jobs", key, "hash") if key else None
    effect = effects.announce(f"{job_id}-succeeded", queued.tenant, "job.succeeded", {}, at)
    return NewReuse(f"job:{job_id}", queued, decision.job, (effect,), bind, earlier.id)


async def delete(stores, job_id):
    erase = effects.erase(a_job(job_id), at=NOON)
    return await stores.job_removal.delete("default", job_id, NOON, erase)


async def found(stores, *names, tenant="default", since=None, limit=9):
    wanted = await stores.job_reuse.reusable(tenant, names or (NAME,), since, limit)
    return [job.id for job in wanted]


async def test_it_is_written_whole_with_both_events_and_no_money(stores):
    earlier = await succeeded(stores)
    new = given(earlier, key="k", labels={"a": "b"})
    await stores.job_reuse.create_reused(new)
    await stores.job_reuse.create_reused(new)  # its answer was lost
    log = await stores.events.read("j2", -1, 10)
    job, _ = await stores.jobs.bound_to("default", "POST /v1/jobs", "k")
    costs = await stores.attempts.costs("j2")
    due = await stores.effects.lease(NOON, NOON + timedelta(seconds=9), "op", 9)
    assert job == new.job == await stores.jobs.get("j2", tenant="default")
    assert (job.outputs, job.outputs_at) == (earlier.outputs, earlier.outputs_at)
    assert [(each.seq, each.type) for each in log] == [(0, "queued"), (1, "succeeded")]
    assert (costs.reserved_micro_usd, costs.actual_micro_usd) == (0, None)
    assert "webhook:j2-succeeded" in [lease.effect.id for lease in due]


async def test_what_succeeded_is_found_by_name_and_tenant_the_newest_made_first(stores):
    await succeeded(stores, "j1", at=NOON)
    newest = await succeeded(stores, "j2", at=NOON + timedelta(seconds=2))
    await succeeded(stores, "j3", at=NOON + timedelta(seconds=1), name="e" * 64)
    await succeeded(stores, "j4", tenant="other")
    await succeeded(stores, "j5", name=None)
    await stores.jobs.create(NewJob("job:open", a_job("open"), (), None, 1000))
    assert await found(stores) == ["j2", "j1"]
    assert await found(stores, NAME, "e" * 64) == ["j2", "j3", "j1"]
    assert await found(stores, limit=1) == ["j2"]
    assert await found(stores, since=newest.outputs_at) == ["j2"]
    assert await found(stores, tenant="other") == ["j4"]


async def test_a_deleted_jobs_outputs_are_not_found_nor_given(stores):
    earlier = await succeeded(stores)
    await delete(stores, "j1")
    with pytest.raises(SourceGone):
        await stores.job_reuse.create_reused(given(earlier, key="k"))
    assert await found(stores) == []
    assert await stores.jobs.get("j2") is None
    assert await stores.jobs.bound_to("default", "POST /v1/jobs", "k") is None


async def test_what_is_taken_or_missing_is_refused_with_nothing_written(stores):
    earlier = await succeeded(stores)
    await stores.job_reuse.create_reused(given(earlier, "j2", key="k"))
    with pytest.raises(KeyTaken):
        await stores.job_reuse.create_reused(given(earlier, "j3", key="k"))
    with pytest.raises(JobIdTaken):
        await stores.job_reuse.create_reused(replace(given(earlier, "j2"), op="another"))
    theirs = await succeeded(stores, "j9", tenant="other")
    foreign = given(theirs, "j4")
    mine = replace(foreign.job, tenant="default")
    with pytest.raises(SourceGone):
        await stores.job_reuse.create_reused(replace(foreign, job=mine))
    gone = (JobFile("source", "nowhere", "k", 5, "e", "video/mp4"),)
    read = replace(given(earlier, "j5", files=gone))
    with pytest.raises(SourceGone):
        await stores.job_reuse.create_reused(read)
    assert [await stores.jobs.get(each) for each in ("j3", "j4", "j5")] == [None] * 3


async def test_whoever_is_there_shares_and_who_is_deleted_does_not(stores):
    first = await succeeded(stores, "j1")
    alone = await stores.job_reuse.shares_outputs(first)
    new = given(first, "j2")
    await stores.job_reuse.create_reused(new)
    both = [await stores.job_reuse.shares_outputs(each) for each in (first, new.job)]
    third = given(new.job, "j3")
    await stores.job_reuse.create_reused(third)
    await delete(stores, "j1")
    left = [await stores.job_reuse.shares_outputs(each) for each in (first, new.job, third.job)]
    await delete(stores, "j2")
    last = [await stores.job_reuse.shares_outputs(each) for each in (first, new.job, third.job)]
    assert (alone, both) == (False, [True, True])
    assert third.job.reused_from == "j1"
    assert (left, last) == ([True, True, True], [True, True, False])


async def test_either_the_outputs_are_given_or_their_job_is_deleted_first(stores):
    earlier = [await succeeded(stores, f"s{n}") for n in range(5)]
    asks = [
        ask
        for n, job in enumerate(earlier)
        for ask in (
            stores.job_reuse.create_reused(given(job, f"r{n}")),
            delete(stores, f"s{n}"),
        )
    ]
    answers = await asyncio.gather(*asks, return_exceptions=True)
    made = [not isinstance(each, SourceGone) for each in answers[::2]]
    there = [await stores.jobs.get(f"r{n}") is not None for n in range(5)]
    shared = [await stores.job_reuse.shares_outputs(job) for job in earlier]
    assert set(answers[1::2]) == {Deleted.DONE}
    assert made == there == shared


async def test_outputs_count_for_each_job_that_names_them(stores):
    earlier = await succeeded(stores)
    new = given(earlier)
    await stores.job_reuse.create_reused(new)
    stored = [await stores.uploads.stored_bytes("default")]
    for job_id in ("j1", "j2"):
        await delete(stores, job_id)
        stored.append(await stores.uploads.stored_bytes("default"))
    assert stored == [10, 5, 0]
