"""What every AttemptLog and Liveness promises."""

from dataclasses import replace
from datetime import timedelta

import pytest

from gateway.core import effects
from gateway.core.happenings import AttemptLost, Claimed
from gateway.core.lifecycle import decide
from gateway.ports.attempt_log import Costs, Grant
from gateway.ports.job_store import Change, NewJob
from tests.support.jobs import NOON, a_job

LATER = NOON + timedelta(seconds=10)


@pytest.fixture
async def claimed(stores):
    """A job with one open attempt."""
    job = a_job()
    first = effects.dispatch(job, at=NOON)
    await stores.jobs.create(NewJob("job:j1", job, (first,), None, 10))
    return await happen(stores, job, Claimed("n1", "r1"), NOON)


async def happen(stores, job, happening, at):
    decision = decide(job, happening, at)
    op = f"op:{decision.job.version}"
    await stores.jobs.commit(
        Change(op, job, decision.job, decision.events, decision.effects, at)
    )
    return decision.job


async def test_an_attempt_ends_when_it_was_closed(stores, claimed):
    await happen(stores, claimed, AttemptLost("worker_lost"), LATER)
    [attempt] = await stores.attempts.attempts("j1")
    assert (attempt.fence, attempt.claimed_at, attempt.ended_at) == (1, NOON, LATER)


@pytest.mark.usefixtures("claimed")
async def test_an_attempts_last_word_says_when_it_ended_and_the_first_one_stays(stores):
    for seconds in (3, 5):
        at = NOON + timedelta(seconds=seconds)
        await stores.attempts.note_last_word("j1", 1, {"outcome": "stopped"}, at)
    [attempt] = await stores.attempts.attempts("j1")
    assert attempt.ended_at == NOON + timedelta(seconds=3)


@pytest.mark.usefixtures("claimed")
async def test_grants_are_kept_by_name_until_dropped(stores):
    grant = Grant("video", "output/j1/1/video.mp4", "video/mp4", 5, "0" * 64, LATER)
    other = replace(grant, name="manifest", key="output/j1/1/manifest.json")
    larger = replace(grant, size_bytes=6)
    await stores.attempts.grant("j1", 1, [grant, other])
    await stores.attempts.grant("j1", 1, [larger])
    assert await stores.attempts.grants("j1", 1) == [other, larger]
    assert await stores.attempts.grants("j1", 2) == []
    await stores.attempts.drop_grants("j1", 1)
    assert await stores.attempts.grants("j1", 1) == []


async def test_ids_of_runpod_are_kept_once_in_order(stores):
    for runpod_id, submission, at in (("r2", 2, LATER), ("r1", 1, NOON), ("r1", 1, LATER)):
        await stores.attempts.note_runpod_job("j1", runpod_id, submission, at)
    await stores.attempts.note_asked("j1", "r1", LATER)
    known = await stores.attempts.runpod_jobs("j1")
    assert [(k.runpod_id, k.learnt_at) for k in known] == [("r1", NOON), ("r2", LATER)]
    assert known[0].asked_at == LATER


@pytest.mark.usefixtures("claimed")
async def test_a_reserve_stands_until_it_is_settled_once(stores):
    before = await stores.attempts.costs("j1")
    await stores.attempts.settle("j1", 1, 500, LATER)
    await stores.attempts.settle("j1", 1, 999, LATER)
    assert before == Costs(9000, None)
    assert await stores.attempts.costs("j1") == Costs(0, 500)


@pytest.mark.usefixtures("claimed")
async def test_a_reserve_nobody_claimed_is_released_at_no_cost(stores):
    await stores.attempts.settle("j1", 1, None, LATER)
    assert await stores.attempts.costs("j1") == Costs(0, None)


@pytest.mark.usefixtures("claimed")
async def test_the_costs_of_many_jobs_are_those_of_each(stores):
    other = a_job("j2", reserve_micro_usd=7)
    await stores.jobs.create(NewJob("job:j2", other, (), None, 10))
    await stores.attempts.settle("j1", 1, 500, LATER)
    costs = await stores.attempts.costs_of(["j2", "nobody", "j1"])
    assert costs == {"j1": Costs(0, 500), "j2": Costs(7, None), "nobody": Costs(0, None)}


async def test_hearing_goes_on_while_ticks_follow_each_other(stores):
    await stores.liveness.started(NOON)
    for seconds in (5, 15, 30):
        since = await stores.liveness.ticked(NOON + timedelta(seconds=seconds), 15.0)
        assert since == NOON


async def test_hearing_begins_anew_after_a_gap_and_after_a_start(stores):
    await stores.liveness.started(NOON)
    after_gap = await stores.liveness.ticked(NOON + timedelta(seconds=16), 15.0)
    await stores.liveness.started(NOON + timedelta(seconds=20))
    after_start = await stores.liveness.ticked(NOON + timedelta(seconds=21), 15.0)
    assert after_gap == NOON + timedelta(seconds=16)
    assert after_start == NOON + timedelta(seconds=20)
