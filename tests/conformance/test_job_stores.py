"""What every JobStore and EventLog promises."""

import asyncio
import json
from dataclasses import replace
from datetime import timedelta

import pytest

from gateway.core import effects
from gateway.core.happenings import (
    AttemptLost,
    CancelAsked,
    Claimed,
    ProgressReported,
    SlotGranted,
)
from gateway.core.idempotency import IdempotencyKey
from gateway.core.job import JobFile, JobOutput, JobWarning
from gateway.core.lifecycle import decide
from gateway.ports.job_store import (
    Change,
    Committed,
    FileGone,
    JobIdTaken,
    KeyTaken,
    NewJob,
    TooManyOpenJobs,
)
from tests.support.jobs import NOON, STORES, a_job


@pytest.fixture(params=STORES.values(), ids=STORES.keys())
async def stores(request, tmp_path):
    async with request.param(tmp_path) as stores:
        yield stores


def new(job, *, op=None, key=None, limit=1000):
    bind = IdempotencyKey("POST /v1/jobs", *key) if key else None
    first = effects.dispatch(job, at=job.created_at)
    return NewJob(op or f"job:{job.id}", job, (first,), bind, limit)


def change(before, happening, op, *, at=NOON, **fields):
    decision = decide(before, happening, at)
    return Change(op, before, decision.job, decision.events, decision.effects, at, **fields)


async def running(stores, job_id="j1", **fields):
    """A job that was created, given a slot and claimed."""
    job = a_job(job_id, **fields)
    await stores.jobs.create(new(job))
    for happening in (SlotGranted(), Claimed("n1", "r1")):
        await stores.jobs.commit(change(job, happening, f"{job_id}:{job.version}"))
        job = await stores.jobs.get(job_id)
    return job


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
    assert await stores.jobs.positions(made) == {"j1": 1, "j2": 2, "j3": 0, "j0": 0}


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


async def test_the_next_slot_goes_to_the_tenant_that_holds_the_fewest(stores):
    await running(stores, "j1")
    await stores.jobs.create(new(a_job("j2")))
    later = NOON + timedelta(seconds=1)
    await stores.jobs.create(new(a_job("j3", tenant="other", created_at=later)))
    first = await stores.jobs.in_line("gpu", later)
    assert first.id == "j3"
    assert await stores.jobs.in_line("cpu", later) is None


async def test_of_a_tenants_jobs_the_next_is_of_the_kind_that_holds_the_fewest(stores):
    await running(stores, "j1")
    later = NOON + timedelta(seconds=1)
    await stores.jobs.create(new(a_job("j2")))
    await stores.jobs.create(new(a_job("j3", kind="test.quick", created_at=later)))
    assert (await stores.jobs.in_line("gpu", later)).id == "j3"


async def test_d95_a_kind_that_holds_as_many_as_it_may_waits_and_others_do_not(stores):
    await running(stores, "j1")
    await stores.jobs.create(new(a_job("j2")))
    caps = {"test.kind": 1, "test.quick": 1}
    assert await stores.jobs.in_line("gpu", NOON, caps) is None
    assert (await stores.jobs.in_line("gpu", NOON, {"test.kind": 2})).id == "j2"
    await stores.jobs.create(new(a_job("j3", kind="test.quick", tenant="other")))
    assert (await stores.jobs.in_line("gpu", NOON, caps)).id == "j3"


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


async def test_a_job_to_be_retried_is_in_line_once_its_time_has_come(stores):
    job = await running(stores)
    lost = change(job, AttemptLost("worker_lost"), "lost")
    await stores.jobs.commit(lost)
    before = lost.after.retry_at - timedelta(microseconds=1)
    assert await stores.jobs.in_line("gpu", before) is None
    assert (await stores.jobs.in_line("gpu", lost.after.retry_at)).id == "j1"


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


async def test_silent_unclaimed_and_late_jobs_are_found(stores):
    await running(stores, "j1")
    await stores.jobs.create(new(a_job("j2", deadline_at=NOON + timedelta(seconds=5))))
    waiting = await stores.jobs.get("j2")
    await stores.jobs.commit(change(waiting, SlotGranted(), "s2"))
    later = NOON + timedelta(seconds=16)
    assert [job.id for job in await stores.jobs.silent(later, 10)] == ["j1"]
    assert await stores.jobs.silent(NOON, 10) == []
    assert [job.id for job in await stores.jobs.unclaimed(10)] == ["j2"]
    assert [job.id for job in await stores.jobs.past_deadline(later, 10)] == ["j2"]


async def test_of_the_unclaimed_those_come_first_that_were_not_asked_about_for_longest(stores):
    for n, job_id in enumerate(("j1", "j2", "j3")):
        await stores.jobs.create(new(a_job(job_id)))
        waiting = await stores.jobs.get(job_id)
        await stores.jobs.commit(change(waiting, SlotGranted(), f"s{n}"))
    for n, job_id in enumerate(("j1", "j2")):
        learnt_at = NOON + timedelta(seconds=n)
        await stores.attempts.note_runpod_job(job_id, f"r-{job_id}", 1, learnt_at)
    before = [job.id for job in await stores.jobs.unclaimed(10)]
    await stores.attempts.note_asked("j1", "r-j1", NOON + timedelta(seconds=9))
    assert before == ["j1", "j2", "j3"]
    assert [job.id for job in await stores.jobs.unclaimed(10)] == ["j2", "j1", "j3"]


async def test_positions_count_the_older_jobs_that_wait(stores):
    for n in range(3):
        at = NOON + timedelta(seconds=n)
        await stores.jobs.create(new(a_job(f"j{n}", created_at=at)))
    jobs = [await stores.jobs.get(f"j{n}") for n in range(3)]
    assert await stores.jobs.positions(jobs) == {"j0": 0, "j1": 1, "j2": 2}
    assert await stores.jobs.positions(jobs[2:]) == {"j2": 2}


async def test_a_job_has_the_position_alone_that_it_has_among_others(stores):
    for job_id, endpoint in (("j2", "gpu"), ("j1", "gpu"), ("j3", "cpu"), ("j0", "gpu")):
        await stores.jobs.create(new(a_job(job_id, endpoint=endpoint)))
    granted = await stores.jobs.get("j1")
    await stores.jobs.commit(change(granted, SlotGranted(), "s1"))
    jobs = [await stores.jobs.get(f"j{n}") for n in range(4)]
    together = await stores.jobs.positions(jobs)
    alone = [await stores.jobs.positions([job]) for job in jobs]
    assert together == {"j0": 0, "j2": 1, "j3": 0}
    assert alone == [{"j0": 0}, {}, {"j2": 1}, {"j3": 0}]


async def test_a_job_whose_asset_is_gone_is_not_created(stores):
    there = a_job("j1", files=(JobFile("source", "no-such", "k", 5, "e", "video/mp4"),))
    with pytest.raises(FileGone):
        await stores.jobs.create(new(there))
    assert await stores.jobs.get("j1") is None


async def test_events_are_read_in_order_by_page(stores):
    job = await running(stores)
    for n in range(1, 5):
        at = NOON + timedelta(seconds=3 * n)
        told = change(job, ProgressReported("prepare", n / 10), f"r{n}", at=at)
        await stores.jobs.commit(told)
        job = told.after
    page = await stores.events.read("j1", 1, 2)
    rest = await stores.events.read("j1", 3, 100)
    assert [event.seq for event in page + rest] == [2, 3, 4, 5]


async def test_pruning_forgets_old_ops_and_done_effects_but_not_those_of_a_live_job(stores):
    live, ended = await running(stores, "j1"), await running(stores, "j2")
    for job in (live, ended):
        await stores.jobs.touch(f"report:{job.id}", job, NOON, {"cancel": False})
    await stores.jobs.commit(change(ended, CancelAsked(), "end"))
    for lease in await stores.effects.lease(NOON, NOON + timedelta(seconds=9), "op", 100):
        await stores.effects.done(lease, NOON)
    day_after = NOON + timedelta(hours=24)
    early = await stores.jobs.prune(NOON, 100)
    first = await stores.jobs.prune(day_after, 100)
    again = await stores.jobs.prune(day_after, 100)
    assert (early, again) == (0, 0)
    assert first > 0
    assert await stores.jobs.outcome_of("report:j2") is None
    assert await stores.jobs.outcome_of("report:j1") == {"cancel": False}


async def test_pruning_takes_no_more_than_it_is_told_to(stores):
    ended = await running(stores, "j1")
    await stores.jobs.commit(change(ended, CancelAsked(), "end"))
    day_after = NOON + timedelta(hours=24)
    assert await stores.jobs.prune(day_after, 1) == 1
