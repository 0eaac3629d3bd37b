"""How effects are performed: once each, bounded, and given back where they cannot be."""

import asyncio
from itertools import count

import pytest

from gateway.adapters.memory.effects import MemoryEffectQueue
from gateway.adapters.memory.tables import Tables
from gateway.core.effects import Effect, EffectKind
from gateway.services.perform_effects import PerformEffects, PutOff
from shared.errors import TryAgainLater
from tests.support.jobs import NOON, HandClock

LEASE_S = 10.0


@pytest.fixture
def clock():
    return HandClock()


@pytest.fixture
def queue():
    return MemoryEffectQueue(Tables())


def performing(queue, clock, performer):
    ids = count()
    performers = {EffectKind.SUBMIT: performer}
    return PerformEffects(queue, performers, clock, lambda: f"op{next(ids)}", LEASE_S)


def effect(name="e1"):
    return Effect(name, EffectKind.SUBMIT, NOON)


async def test_everything_due_is_performed_once_also_what_that_leaves(queue, clock):
    done = []

    async def perform(each):
        done.append(each.id)
        if each.id == "e1":
            await queue.add([effect("e2")])

    await queue.add([effect("e1")])
    perform_all = performing(queue, clock, perform)
    assert [await perform_all(), await perform_all()] == [2, 0]
    assert done == ["e1", "e2"]


@pytest.mark.parametrize(
    ("error", "after_s"),
    [
        (PutOff("not yet", after_s=7), 7),
        (TryAgainLater("away", public="Not now."), 2),
    ],
)
async def test_what_cannot_be_performed_is_put_off_and_done_later(queue, clock, error, after_s):
    errors = [error]

    async def perform(_):
        if errors:
            raise errors.pop()

    await queue.add([effect()])
    perform_all = performing(queue, clock, perform)
    first = await perform_all()
    too_early = await perform_all()
    clock.move(after_s)
    assert (first, too_early, await perform_all()) == (1, 0, 1)
    assert await queue.next_due() is None


async def test_one_effect_that_fails_does_not_keep_the_others_from_being_done(queue, clock):
    done = []

    async def perform(each):
        if each.id == "bad":
            raise TryAgainLater("away", public="Not now.")
        done.append(each.id)

    await queue.add([effect("bad"), effect("good")])
    await performing(queue, clock, perform)()
    assert done == ["good"]


class Deaf(MemoryEffectQueue):
    """A queue that hears the first word about an effect not at all."""

    def __init__(self, tables):
        super().__init__(tables)
        self.failures = [TryAgainLater("away", public="Not now.")]

    async def done(self, lease, now):
        if self.failures:
            raise self.failures.pop()
        return await super().done(lease, now)

    async def put_off(self, lease, due_at, error):
        if self.failures:
            raise self.failures.pop()
        return await super().put_off(lease, due_at, error)


@pytest.mark.parametrize("error", [None, PutOff("not yet", after_s=0)])
async def test_an_effect_whose_end_cannot_be_noted_is_performed_again_and_stops_no_other(
    clock, error
):
    queue, performed = Deaf(Tables()), []

    async def perform(each):
        performed.append(each.id)
        await asyncio.sleep(0)  # so that both are under way
        if error and len(performed) <= 2:
            raise error

    await queue.add([effect("e1"), effect("e2")])
    perform_all = performing(queue, clock, perform)
    await perform_all()
    clock.move(LEASE_S)
    await perform_all()
    assert set(performed[:2]) == {"e1", "e2"}
    assert performed.count("e1") == 2
    assert await queue.next_due() is None


async def test_a_performer_told_to_stop_gives_its_effect_back_at_once(queue, clock):
    begun = asyncio.Event()

    async def perform(_):
        begun.set()
        await asyncio.Event().wait()

    await queue.add([effect()])
    stopping = asyncio.create_task(performing(queue, clock, perform)())
    await begun.wait()
    while_performed = await queue.lease(NOON, NOON, "other", 1)
    stopping.cancel()
    await asyncio.wait({stopping})
    [again] = await queue.lease(NOON, NOON, "other", 1)
    assert while_performed == []
    assert again.effect.id == "e1"
