"""Submitting as product surfaces do: their own keys, ids and layouts."""

import asyncio

import pytest

from gateway.core.idempotency import binding
from gateway.core.surfaces import Surface
from gateway.services.job_request import JobRequest
from shared.errors import Conflict, ValidationFailed
from tests.support.jobs import STORES
from tests.support.world import a_world

ASKED = JobRequest(kind="test.copy", input={"n": 1})


def of_surface(world, key="k", canonical=None, **fields):
    bind = binding("POST /api/jobs", key, canonical or {"n": 1})
    given = {"trace": "t", "bind": bind, "surface": Surface.EXPORTS, **fields}
    return world.cases.submit("default", ASKED, **given)


async def test_a_surfaces_key_is_its_routes_own(world):
    v1 = await world.submit(key="k")
    first = await of_surface(world)
    again = await of_surface(world)
    assert first.job.id == again.job.id != v1
    assert (first.replayed, again.replayed) == (False, True)
    with pytest.raises(Conflict):
        await of_surface(world, canonical={"n": 2})


async def test_a_replay_comes_before_limits_and_files(world):
    asset = await world.an_asset()
    asked = JobRequest(kind="test.copy", input={"source": {"asset_id": asset}})
    bind = await world.cases.read_request.binding(asked, "k")
    first = await world.cases.submit("default", asked, trace="t", bind=bind)
    await world.cases.cancel("default", first.job.id)
    await world.assets.delete("default", asset, world.clock.now())
    again = await world.cases.submit("default", asked, trace="t", bind=bind)
    assert (again.job.id, again.replayed) == (first.job.id, True)
    assert (await world.cases.submit.earlier("default", bind)).job.id == first.job.id
    assert await world.cases.submit.earlier("other", bind) is None


async def test_d104_a_job_takes_the_id_it_was_promised_once(world):
    first = await of_surface(world, key=None, job_id="promised")
    second = await of_surface(world, key=None, job_id="promised")
    assert first.job.id == "promised"
    assert second.job.id != "promised"
    assert await world.events(second.job.id) == ["queued"]


async def test_d104_of_jobs_that_race_for_one_id_one_gets_it_and_all_are_made(world):
    many = (of_surface(world, key=None, job_id="promised") for _ in range(6))
    made = [each.job.id for each in await asyncio.gather(*many)]
    assert len(set(made)) == 6
    assert made.count("promised") == 1


async def test_d104_an_id_that_was_a_jobs_is_none_for_a_reused_result(world):
    await of_surface(world, key=None, job_id="promised")
    await world.cases.cancel("default", "promised")
    await world.cases.delete("default", "promised")
    await world.pass_time(3600, step_s=600)
    assert await world.stores.jobs.get("promised") is None
    _, worker = await world.dispatched()
    await worker.claim()
    await worker.finish()
    reusing = ASKED.model_copy(update={"reuse": True})
    made = await world.cases.submit("default", reusing, trace="t", job_id="promised")
    assert made.job.id != "promised"


async def test_a_replay_under_a_wanted_id_is_the_first_job(world):
    first = await of_surface(world, job_id="promised")
    again = await of_surface(world, job_id="promised")
    assert (again.job.id, again.replayed) == (first.job.id, True)


async def test_d104_an_exports_job_writes_under_its_layout_and_shows_its_output_by_name(world):
    made = await of_surface(world, key=None, retry_of="an-older-one")
    await world.gateway.perform()
    worker = world.newest_worker()
    await worker.claim()
    await worker.finish()
    job = await world.job(made.job.id)
    [output] = job.outputs
    assert (job.status, job.surface, job.retry_of) == ("succeeded", "exports", "an-older-one")
    assert (output.name, output.key) == ("video", f"output/{job.id}/1/copy.mp4")


async def test_how_many_labels_a_job_may_have_is_a_setting(tmp_path):
    limits = {"labels": 20}
    many, too_many = ({f"n{n}": "x" * 64 for n in range(count)} for count in (20, 21))
    async with a_world(STORES["sqlite"], tmp_path, limits=limits) as world:
        job_id = await world.submit(labels=many)
        with pytest.raises(ValidationFailed) as refused:
            await world.submit(labels=too_many)
        assert (await world.job(job_id)).labels == many
    assert [error.field for error in refused.value.errors] == ["labels"]


@pytest.mark.parametrize("labels", [{"": "x"}, {"x" * 65: "x"}, {"x": ""}, {"x": "y" * 65}])
async def test_a_labels_name_and_value_have_1_to_64_characters(world, labels):
    with pytest.raises(ValidationFailed) as refused:
        await world.submit(labels=labels)
    [name] = labels
    assert [error.field for error in refused.value.errors] == [f"labels.{name}"]
