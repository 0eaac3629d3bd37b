"""What every JobPruning promises."""

from datetime import timedelta

from gateway.core.happenings import CancelAsked
from tests.support.job_moves import change, created, ended, running
from tests.support.jobs import NOON

LATER = NOON + timedelta(hours=25)


async def test_pruning_forgets_old_ops_and_done_effects_but_not_those_of_a_live_job(stores):
    live, ended = await running(stores, "j1"), await running(stores, "j2")
    for job in (live, ended):
        await stores.jobs.touch(f"report:{job.id}", job, NOON, {"cancel": False})
    await stores.jobs.commit(change(ended, CancelAsked(), "end"))
    for lease in await stores.effects.lease(NOON, NOON + timedelta(seconds=9), "op", 100):
        await stores.effects.done(lease, NOON)
    day_after = NOON + timedelta(hours=24)
    early = await stores.job_pruning.prune(NOON, 100)
    first = await stores.job_pruning.prune(day_after, 100)
    again = await stores.job_pruning.prune(day_after, 100)
    assert (early, again) == (0, 0)
    assert first > 0
    assert await stores.jobs.outcome_of("report:j2") is None
    assert await stores.jobs.outcome_of("report:j1") == {"cancel": False}


async def test_pruning_takes_no_more_than_it_is_told_to(stores):
    ended = await running(stores, "j1")
    await stores.jobs.commit(change(ended, CancelAsked(), "end"))
    day_after = NOON + timedelta(hours=24)
    assert await stores.job_pruning.prune(day_after, 1) == 1


async def test_an_ended_jobs_events_go_together_but_for_the_last_and_once(stores):
    await ended(stores, "old")
    await ended(stores, "new", at=LATER)
    await created(stores, "open")
    too_early = await stores.job_pruning.prune_events(NOON, 10)
    pruned = [await stores.job_pruning.prune_events(LATER, 10) for _ in range(2)]
    assert (too_early, pruned) == (0, [1, 0])
    [last] = await stores.events.read("old", -1, 10)
    assert (last.seq, last.type) == (3, "cancelled")
    assert len(await stores.events.read("new", -1, 10)) == 4
    assert len(await stores.events.read("open", -1, 10)) == 1


async def test_events_are_pruned_of_no_more_jobs_than_told_the_longest_ended_first(stores):
    for n in (2, 0, 1):
        await ended(stores, f"j{n}", at=NOON + timedelta(seconds=n))
    assert await stores.job_pruning.prune_events(LATER, 2) == 2
    left = [len(await stores.events.read(f"j{n}", -1, 10)) for n in range(3)]
    assert left == [1, 1, 4]


async def test_old_keys_of_ended_jobs_are_freed_and_those_of_open_ones_kept(stores):
    await ended(stores, "old", key="old")
    await created(stores, "open", key="open")
    await ended(stores, "new", key="new", created_at=LATER)
    freed = [await stores.job_pruning.prune_keys(at, 10) for at in (NOON, LATER, LATER)]
    bound = [
        await stores.jobs.bound_to("default", "POST /v1/jobs", key) is not None
        for key in ("old", "open", "new")
    ]
    assert freed == [0, 1, 0]
    assert bound == [False, True, True]


async def test_no_more_keys_are_freed_than_told(stores):
    for n in range(3):
        await ended(stores, f"j{n}", key=f"k{n}")
    assert [await stores.job_pruning.prune_keys(LATER, 2) for _ in range(3)] == [2, 1, 0]
