"""Whose job comes next: no backlog of one tenant or of one kind holds up another."""

from contextlib import asynccontextmanager
from dataclasses import replace

import pytest

from gateway.settings import Limits
from gateway.wiring import kind_caps_of
from shared.errors import OperatorMustAct, TryAgainLater
from tests.support.jobs import STORES
from tests.support.world import COPY, Worker, a_world

QUICK = replace(COPY, name="test.quick")
OFFERED = {each.name: each for each in (COPY, QUICK)}
# Two slots on the endpoint are four jobs at hand.
ALL = 4


@asynccontextmanager
async def dispatching(folder, store="sqlite", **limits):
    async with a_world(STORES[store], folder, offered=OFFERED, limits=limits) as world:
        yield world


@pytest.fixture(params=STORES)
def store(request):
    return request.param


async def holding(world, kind=COPY.name):
    """Return the workers of the jobs of a kind that were submitted to RunPod."""
    workers = [Worker(world, name, asked) for name, asked in world.compute.submitted.items()]
    jobs = [(await world.job(worker.job_id), worker) for worker in workers]
    return [worker for job, worker in jobs if job.kind == kind and not job.is_final]


async def test_d147_a_backlog_of_one_tenant_does_not_hold_up_anothers_job(tmp_path, store):
    async with dispatching(tmp_path, store, open_jobs_per_tenant=40) as world:
        backlog = [await world.submit("default") for _ in range(40)]
        with pytest.raises(TryAgainLater) as refused:
            await world.submit("default")
        await world.gateway.perform()
        late = await world.submit("other")
        [first, *_] = await holding(world)
        await first.claim()
        await first.finish()
        await world.gateway.perform()
        submitted = [each.job_id for each in await holding(world)]
    assert refused.value.what == "too_many_open_jobs"
    assert late in submitted
    assert len(submitted) == ALL
    assert set(submitted) <= {late, *backlog}


async def test_d95_a_backlog_of_one_kind_leaves_slots_for_another(tmp_path, store):
    async with dispatching(tmp_path, store, running_per_kind="test.copy=3") as world:
        for _ in range(20):
            await world.submit()
        await world.gateway.perform()
        renders = await holding(world)
        await world.submit(kind=QUICK.name)
        await world.gateway.perform()
        [quick] = await holding(world, QUICK.name)
        await quick.claim()
        await quick.finish()
        ended = await world.job(quick.job_id)
        still = await holding(world)
    assert ended.status == "succeeded"
    assert len(renders) == 3
    assert [each.job_id for each in still] == [each.job_id for each in renders]


async def test_d95_a_slot_that_a_kind_gives_back_goes_on_to_it(tmp_path):
    async with dispatching(tmp_path, running_per_kind="test.copy=1") as world:
        jobs = [await world.submit() for _ in range(3)]
        await world.gateway.perform()
        [first] = await holding(world)
        await first.claim()
        await first.finish()
        await world.gateway.perform()
        [second] = await holding(world)
    assert [first.job_id, second.job_id] == jobs[:2]


async def test_a_kind_without_a_cap_may_take_every_slot(tmp_path):
    async with dispatching(tmp_path) as world:
        for _ in range(9):
            await world.submit()
        await world.gateway.perform()
        assert len(await holding(world)) == ALL


def test_caps_are_read_from_one_variable_and_a_kind_that_is_none_is_named():
    said = Limits(running_per_kind="test.copy=3, test.quick = 12").running_per_kind
    assert kind_caps_of(said, OFFERED) == {"test.copy": 3, "test.quick": 12}
    with pytest.raises(OperatorMustAct, match=r"CUTROOM_LIMITS_RUNNING_PER_KIND.*test\.slow"):
        kind_caps_of([("test.slow", 1)], OFFERED)


@pytest.mark.parametrize(
    "text", ["test.copy", "test.copy=", "test.copy=0", "=3", "a.b=1,a.b=2", "copy=1", "a.b=1.5"]
)
def test_caps_that_cannot_be_meant_are_refused(text):
    with pytest.raises(ValueError, match="running_per_kind"):
        Limits(running_per_kind=text)
