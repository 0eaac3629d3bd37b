"""Inputs of exports that nothing has taken up go after a day (D105)."""

import pytest

from gateway.core.export_project import ExportClip
from shared.errors import NotFound
from tests.support.export_inputs import an_input, promise, refused, take
from tests.support.jobs import NOON
from tests.support.upload_desk import a_desk, code_of
from tests.support.uploads import UPLOAD_STORES

DAY_S = 24 * 3600


@pytest.fixture(params=UPLOAD_STORES)
async def desk(request, tmp_path):
    async with a_desk(request.param, tmp_path) as desk:
        yield desk


async def by_a_project(desk, asset):
    await desk.stores.projects.put_project("default", 1, asset.asset_id, NOON)


async def by_a_clip(desk, asset):
    clip = ExportClip("default", 1, 0, asset.asset_id, 0.0, None, NOON, NOON)
    await desk.stores.projects.put_clip(clip)


async def by_a_job(desk, asset):
    await desk.stores.job_reads(asset)


async def test_d105_an_input_whose_job_was_never_made_is_gone_after_the_sweep(desk):
    upload = await an_input(desk)
    asset = await take(desk, upload)
    desk.clock.move(DAY_S - 1)
    await desk.sweep()
    assert await desk.stored() == [upload.key]
    desk.clock.move(1)
    await desk.sweep()
    assert await desk.stored() == []
    gone = await desk.ask("GET", f"/assets/{asset.asset_id}")
    assert code_of(gone) == (404, "asset_not_found")
    assert await desk.stores.upload_sweep.to_sweep(desk.clock.now(), 10) == []


async def test_d105_an_input_that_was_never_put_or_never_taken_is_gone_after_the_sweep(desk):
    never_put, _ = await promise(desk)
    never_taken = await an_input(desk)
    desk.clock.move(DAY_S)
    await desk.sweep()
    assert await desk.stored() == []
    for upload in (never_put, never_taken):
        assert await refused(NotFound, take(desk, upload)) == "input_video_not_found"


@pytest.mark.parametrize("taken_up", [by_a_project, by_a_clip, by_a_job])
async def test_d105_an_input_that_was_taken_up_stays(desk, taken_up):
    upload = await an_input(desk)
    asset = await take(desk, upload)
    await taken_up(desk, asset)
    for _ in range(3):
        desk.clock.move(DAY_S)
        await desk.sweep()
    assert await desk.stored() == [upload.key]
    assert await take(desk, upload) == asset


async def test_d105_a_sweep_cut_off_by_an_outage_goes_on(desk):
    await take(desk, await an_input(desk))
    desk.clock.move(DAY_S)
    desk.objects.available = False
    with pytest.raises(Exception, match="down"):
        await desk.sweep()
    desk.objects.available = True
    await desk.sweep()
    assert await desk.stored() == []


async def test_a_store_that_is_down_when_an_input_is_taken_changes_nothing(desk):
    upload = await an_input(desk)
    desk.objects.available = False
    with pytest.raises(Exception, match="down"):
        await take(desk, upload)
    desk.objects.available = True
    assert (await take(desk, upload)).key == upload.key
