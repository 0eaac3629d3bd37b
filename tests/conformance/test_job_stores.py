"""What every JobStore promises."""

import asyncio
import json
from dataclasses import replace
from datetime import timedelta

import pytest

from gateway.core.happenings import AttemptLost, CancelAsked, ProgressReported, SlotGranted
from gateway.core.job import JobFile, JobOutput, JobWarning
from gateway.ports.job_store import Committed, FileGone, JobIdTaken, KeyTaken, TooManyOpenJobs
from tests.support.job_moves import change, new, running
from tests.support.jobs import NOON, a_job


async def test_a_job_created_is_the_job_got_with_every_field(stores):
    job = a_job(
        labels={"clip": "7"},
        files=(JobFile("source", None, "k", 5, "e", "video/mp4"),),
        warnings=(JobWarning("crop_defaulted", "The crop was chosen."),),
        outputs=(JobOutput("video", "k2", "video/mp4", 6, "0" * 64, "e2"),),
        checkpoint={"at": 3},
        result={"frames": 10},
        retry_at=NOON + timedelta(seconds=3, microseconds=7),
    )
    await stores.jobs.create(new(job))
    assert await stores.jobs.get("j1") == job


async def test_another_tenants_job_is_not_found(stores):
    await stores.jobs.create(new(a_job()))
    assert await stores.jobs.get("j1", tenant="other") is None
    assert await stores.jobs.get("j1", tenant="default") is not None


async def test_creating_writes_event_0_the_reserve_and_the_effect(stores):
    await stores.jobs.create(new(a_job()))
    [event] = await stores.events.read("j1", -1, 10)
    [lease] = await stores.effects.lease(NOON, NOON + timedelta(seconds=9), "op", 10)
    assert (event.seq, event.type) == (0, "queued")
    assert json.loads(event.body)["job"]["status"] == "queued"
    assert (await stores.attempts.costs("j1")).reserved_micro_usd == 9000
    assert lease.effect.body == {"endpoint": "gpu"}


async def test_creating_again_under_the_same_op_writes_nothing_more(stores):
    for _ in range(2):
        await stores.jobs.create(new(a_job()))
    assert len(await stores.events.read("j1", -1, 10)) == 1


async def test_creating_tells_how_many_waited_and_a_repeat_who_waits_in_front(stores):
    later = NOON + timedelta(seconds=1)
    elsewhere = a_job("j3", endpoint="cpu", created_at=later)
    made = [a_job("j1"), a_job("j2", created_at=later), elsewhere, a_job("j0")]
    assert [await stores.jobs.create(new(job)) for job in made] == [0, 1, 0, 2]
    again = [await stores.jobs.create(new(job)) for job in made]
    assert again == [1, 2, 0, 0]
    assert await stores.job_line.positions(made) == {"j1": 1, "j2": 2, "j3": 0, "j0": 0}


async def test_of_racing_creations_under_one_key_one_is_bound(stores):
    jobs = [a_job(f"j{n}") for n in range(8)]
    attempts = (stores.jobs.create(new(job, key=("k", "hash"))) for job in jobs)
    results = await asyncio.gather(*attempts, return_exceptions=True)
    bound, request_hash = await stores.jobs.bound_to("default", "POST /v1/jobs", "k")
    assert sum(isinstance(each, KeyTaken) for each in results) == 7
    assert request_hash == "hash"
    assert [j.id for j in jobs if await stores.jobs.get(j.id)] == [bound.id]


async def test_of_racing_creations_under_one_id_one_is_made_and_the_others_are_told(stores):
    jobs = [a_job("wanted", tenant=tenant) for tenant in ("default", "other") * 3]
    attempts = (stores.jobs.create(new(job, op=f"op{n}")) for n, job in enumerate(jobs))
    results = await asyncio.gather(*attempts, return_exceptions=True)
    assert sum(isinstance(each, JobIdTaken) for each in results) == 5
    assert len(await stores.events.read("wanted", -1, 10)) == 1


async def test_a_key_belongs_to_its_tenant(stores):
    await stores.jobs.create(new(a_job("j1"), key=("k", "hash")))
    await stores.jobs.create(new(a_job("j2", tenant="other"), key=("k", "hash")))
    bound, _ = await stores.jobs.bound_to("other", "POST /v1/jobs", "k")
    assert bound.id == "j2"


async def test_the_guard_of_open_jobs_holds_in_a_race_and_leaks_nothing(stores):
    attempts = (stores.jobs.create(new(a_job(f"j{n}"), limit=7)) for n in range(20))
    results = await asyncio.gather(*attempts, return_exceptions=True)
    there = [n for n in range(20) if await stores.jobs.get(f"j{n}")]
    assert sum(isinstance(each, TooManyOpenJobs) for each in results) == 13
    assert len(there) == 7


async def test_a_job_that_ends_makes_room_for_another(stores):
    await stores.jobs.create(new(a_job("j1"), limit=1))
    job = await stores.jobs.get("j1")
    await stores.jobs.commit(change(job, CancelAsked(), "end"))
    await stores.jobs.create(new(a_job("j2"), limit=1))
    assert await stores.jobs.get("j2") is not None


async def test_a_change_is_written_whole(stores):
    job = await running(stores)
    events = await stores.events.read("j1", -1, 10)
    [attempt] = await stores.attempts.attempts("j1")
    assert (job.status, job.fence, job.holds_slot) == ("running", 1, True)
    assert [event.type for event in events] == ["queued", "started"]
    assert (attempt.nonce, attempt.ended_at) == ("n1", None)


async def test_of_two_changes_of_one_version_one_is_lost_and_leaves_no_trace(stores):
    job = a_job()
    await stores.jobs.create(new(job))
    first = change(job, CancelAsked(), "a")
    second = change(job, SlotGranted(), "b")
    answers = [await stores.jobs.commit(each) for each in (first, second)]
    assert answers == [Committed.DONE, Committed.LOST]
    assert await stores.jobs.outcome_of("b") is None
    assert (await stores.jobs.get("j1")).status == "cancelled"


async def test_a_repeated_op_is_answered_with_its_stored_outcome_and_done_once(stores):
    job = await running(stores)
    told = change(job, ProgressReported("render", 0.5), "r1", outcome={"cancel": False})
    again = replace(told, before=told.after, after=replace(told.after, version=99))
    answers = [await stores.jobs.commit(each) for each in (told, told, again)]
    assert answers == [Committed.DONE, Committed.REPEATED, Committed.REPEATED]
    assert await stores.jobs.outcome_of("r1") == {"cancel": False}
    assert [e.type for e in await stores.events.read("j1", 1, 9)] == ["stage"]


async def test_slots_are_taken_up_to_the_cap_also_in_a_race(stores):
    jobs = [a_job(f"j{n}") for n in range(9)]
    for job in jobs:
        await stores.jobs.create(new(job))
    changes = (change(job, SlotGranted(), f"s{job.id}", slot_cap=4) for job in jobs)
    answers = await asyncio.gather(*(stores.jobs.commit(each) for each in changes))
    assert answers.count(Committed.DONE) == 4
    assert answers.count(Committed.NO_SLOT) == 5


async def test_a_slot_given_back_can_be_taken(stores):
    job = await running(stores)
    await stores.jobs.create(new(a_job("j2")))
    waiting = await stores.jobs.get("j2")
    full = await stores.jobs.commit(change(waiting, SlotGranted(), "s1", slot_cap=1))
    await stores.jobs.commit(change(job, CancelAsked(), "end"))
    free = await stores.jobs.commit(change(waiting, SlotGranted(), "s2", slot_cap=1))
    assert (full, free) == (Committed.NO_SLOT, Committed.DONE)


async def test_d95_the_slots_of_a_kind_are_taken_up_to_its_cap_also_in_a_race(stores):
    kinds = {"test.kind": 2, "test.quick": 3}
    jobs = [a_job(f"{kind}-{n}", kind=kind) for kind in kinds for n in range(5)]
    for job in jobs:
        await stores.jobs.create(new(job))
    changes = [
        change(job, SlotGranted(), f"s{job.id}", slot_cap=9, kind_cap=kinds[job.kind])
        for job in jobs
    ]
    answers = await asyncio.gather(*(stores.jobs.commit(each) for each in changes))
    taken = [
        job.kind for job, said in zip(jobs, answers, strict=True) if said is Committed.DONE
    ]
    assert {kind: taken.count(kind) for kind in kinds} == kinds
    assert answers.count(Committed.NO_SLOT) == 5


async def test_a_requeued_job_has_the_next_attempts_reserve(stores):
    job = await running(stores)
    await stores.jobs.commit(change(job, AttemptLost("worker_lost"), "lost"))
    await stores.attempts.settle("j1", 1, 500, NOON)
    costs = await stores.attempts.costs("j1")
    assert (costs.reserved_micro_usd, costs.actual_micro_usd) == (9000, 500)


async def test_a_touch_moves_when_it_was_heard_and_nothing_else(stores):
    job = await running(stores)
    later = NOON + timedelta(seconds=3)
    await stores.jobs.touch("report:j1:1:1", job, later, {"cancel": False})
    heard = await stores.jobs.get("j1")
    assert heard == replace(job, seen_at=later)
    assert await stores.jobs.outcome_of("report:j1:1:1") == {"cancel": False}


async def test_a_touch_of_a_closed_attempt_moves_nothing(stores):
    job = await running(stores)
    ended = change(job, CancelAsked(), "end")
    await stores.jobs.commit(ended)
    await stores.jobs.touch("late", job, NOON + timedelta(seconds=9), {})
    assert await stores.jobs.get("j1") == ended.after


async def test_a_job_whose_asset_is_gone_is_not_created(stores):
    there = a_job("j1", files=(JobFile("source", "no-such", "k", 5, "e", "video/mp4"),))
    with pytest.raises(FileGone):
        await stores.jobs.create(new(there))
    assert await stores.jobs.get("j1") is None
