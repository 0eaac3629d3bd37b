"""What every EffectQueue promises."""

import asyncio
from dataclasses import replace
from datetime import timedelta

import pytest

from gateway.core.effects import Effect, EffectKind
from gateway.ports.job_store import NewJob
from tests.support.jobs import NOON, a_job

MINUTE = NOON + timedelta(minutes=1)


@pytest.fixture
def queue(stores):
    return stores.effects


def effect(name="e1", due_at=NOON, **body):
    return Effect(name, EffectKind.SUBMIT, due_at, "j1", body)


async def test_an_effect_left_is_leased_with_all_it_says(queue):
    await queue.add([effect(submission="1")])
    [lease] = await queue.lease(NOON, MINUTE, "op", 10)
    assert (lease.effect, lease.tries) == (effect(submission="1"), 0)


async def test_an_effect_left_twice_is_one(queue):
    await queue.add([effect(n=1)])
    await queue.add([effect(n=2)])
    [lease] = await queue.lease(NOON, MINUTE, "op", 10)
    assert lease.effect.body == {"n": 1}


async def test_what_is_not_due_is_not_leased(queue):
    await queue.add([effect(due_at=MINUTE)])
    assert await queue.lease(NOON, MINUTE, "op", 10) == []
    assert await queue.next_due() == MINUTE


async def test_one_lease_excludes_another_also_in_a_race(queue):
    await queue.add([effect(f"e{n}") for n in range(10)])
    takers = (queue.lease(NOON, MINUTE, f"op{n}", 10) for n in range(5))
    taken = [lease.effect.id for leases in await asyncio.gather(*takers) for lease in leases]
    assert sorted(taken) == [f"e{n}" for n in range(10)]


async def test_a_lease_that_ran_out_is_taken_by_another_and_the_first_holds_nothing(queue):
    await queue.add([effect()])
    [dead] = await queue.lease(NOON, MINUTE, "op1", 10)
    [alive] = await queue.lease(MINUTE, MINUTE + timedelta(minutes=1), "op2", 10)
    assert alive.tries == 1
    assert await queue.done(dead, MINUTE) is False
    assert await queue.put_off(dead, MINUTE, "late") is False
    assert await queue.done(alive, MINUTE) is True


async def test_what_is_done_is_never_leased_again(queue):
    await queue.add([effect()])
    [lease] = await queue.lease(NOON, MINUTE, "op", 10)
    await queue.done(lease, NOON)
    await queue.add([effect()])
    assert await queue.lease(MINUTE, MINUTE, "op2", 10) == []
    assert await queue.next_due() is None


async def test_what_is_put_off_comes_back_when_due(queue):
    await queue.add([effect()])
    [lease] = await queue.lease(NOON, MINUTE, "op", 10)
    await queue.put_off(lease, NOON + timedelta(seconds=5), "busy")
    assert await queue.lease(NOON, MINUTE, "op2", 10) == []
    [again] = await queue.lease(NOON + timedelta(seconds=5), MINUTE, "op3", 10)
    assert again.tries == 1


async def test_the_longest_due_come_first_up_to_the_limit(queue):
    late, early = effect("b", NOON), effect("a", NOON - timedelta(seconds=1))
    await queue.add([late, early])
    [lease] = await queue.lease(NOON, MINUTE, "op", 1)
    assert lease.effect.id == "a"


async def test_what_is_undone_about_a_job_is_known_beside_the_one_that_asks(queue):
    mine, other = effect("erase"), effect("cancel")
    await queue.add([mine, Effect("d", EffectKind.DISPATCH, NOON, None)])
    alone = await queue.others_undone(mine)
    await queue.add([other])
    beside = await queue.others_undone(mine)
    leases = await queue.lease(NOON, MINUTE, "op", 10)
    leased = await queue.others_undone(mine)
    [lease] = [each for each in leases if each.effect == other]
    await queue.done(lease, NOON)
    done = await queue.others_undone(mine)
    assert (alone, beside, leased, done) == (False, True, True, False)


async def test_a_lease_names_the_trace_that_its_job_came_by(stores):
    job = a_job(trace="0af7651916cd43dd8448eb211c80319c")
    await stores.jobs.create(NewJob("op1", job, (), None, 1))
    left = [effect("mine"), Effect("d", EffectKind.DISPATCH, NOON)]
    await stores.effects.add([*left, replace(effect("gone"), job_id="erased")])
    leases = await stores.effects.lease(NOON, MINUTE, "op", 10)
    traces = {lease.effect.id: lease.trace for lease in leases}
    assert traces == {"mine": job.trace, "d": "", "gone": ""}
