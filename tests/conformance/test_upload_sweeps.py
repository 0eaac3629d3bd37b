"""What every UploadSweep promises."""

import asyncio
from datetime import timedelta

import pytest

from gateway.core.export_project import ExportClip
from gateway.core.upload import UploadStatus
from gateway.ports.job_store import FileGone
from tests.support.jobs import NOON
from tests.support.uploads import (
    ABANDONED,
    DUE,
    INPUT,
    UPLOAD,
    UPLOAD_STORES,
    an_upload,
    inputs_to_sweep,
    the_asset,
    to_sweep,
)

EARLIER = DUE - timedelta(seconds=1)


@pytest.fixture(params=UPLOAD_STORES.values(), ids=UPLOAD_STORES.keys())
async def stores(request, tmp_path):
    async with request.param(tmp_path) as stores:
        await stores.uploads.create(UPLOAD, ABANDONED)
        await stores.uploads.create(INPUT, DUE)
        yield stores


async def a_project(stores, asset_id="a1"):
    return await stores.projects.put_project("default", 1, asset_id, NOON)


async def a_clip(stores, asset_id="a1"):
    return await stores.projects.put_clip(
        ExportClip("default", 1, 0, asset_id, 0.0, None, NOON, NOON)
    )


async def a_job(stores):
    await stores.job_reads(the_asset(INPUT))


TAKERS = [a_project, a_clip, a_job]


async def test_a_pending_upload_is_swept_when_it_is_abandoned(stores):
    assert await to_sweep(stores, ABANDONED - timedelta(seconds=1)) == []
    assert await to_sweep(stores, ABANDONED) == ["u1"]


async def test_a_completed_upload_is_never_swept(stores):
    await stores.uploads.complete(the_asset(UPLOAD))
    assert await to_sweep(stores, ABANDONED + timedelta(days=365)) == []


async def test_an_aborted_upload_is_swept_once_its_urls_are_dead(stores):
    await stores.uploads.abort("default", "u1")
    assert await to_sweep(stores, UPLOAD.expires_at - timedelta(seconds=1)) == []
    assert await to_sweep(stores, UPLOAD.expires_at) == ["u1"]


async def test_what_was_swept_is_not_swept_again(stores):
    await stores.uploads.abort("default", "u1")
    await stores.upload_sweep.mark_swept("u1", None)
    await stores.uploads.abort("default", "u1")
    assert await to_sweep(stores, ABANDONED) == []


async def test_the_longest_due_are_swept_first_and_no_more_than_asked(stores):
    for n in (3, 2, 4):
        expires_at = NOON + timedelta(minutes=n)
        await stores.uploads.create(an_upload(f"u{n}", expires_at=expires_at), expires_at)
    due = await stores.upload_sweep.to_sweep(ABANDONED, 2)
    assert [upload.upload_id for upload in due] == ["u2", "u3"]


async def test_d105_a_completed_provisional_upload_is_still_to_be_swept(stores):
    await stores.uploads.complete(the_asset(INPUT))
    assert await inputs_to_sweep(stores, EARLIER) == []
    assert await inputs_to_sweep(stores) == ["in1"]


async def test_d105_what_nothing_has_taken_up_goes_and_stays_to_be_swept_until_it_is(stores):
    await stores.uploads.complete(the_asset(INPUT))
    assert await stores.upload_sweep.let_go("in1", DUE) is True
    assert await stores.assets.get("default", "a1") is None
    assert await stores.upload_sweep.let_go("in1", DUE) is True
    assert await inputs_to_sweep(stores) == ["in1"]
    await stores.upload_sweep.mark_swept("in1", DUE + timedelta(days=1))
    assert await inputs_to_sweep(stores) == []
    assert await inputs_to_sweep(stores, DUE + timedelta(days=1)) == ["in1"]
    await stores.upload_sweep.mark_swept("in1", None)
    assert await inputs_to_sweep(stores) == []
    assert (await stores.uploads.get("default", "in1")).status is UploadStatus.COMPLETE


@pytest.mark.parametrize("taken_up", TAKERS)
async def test_d105_what_something_has_taken_up_stays_for_good(stores, taken_up):
    await stores.uploads.complete(the_asset(INPUT))
    await taken_up(stores)
    assert await stores.upload_sweep.let_go("in1", DUE) is False
    assert await stores.assets.get("default", "a1") == the_asset(INPUT)
    assert await inputs_to_sweep(stores, DUE + timedelta(days=365)) == []


async def test_an_asset_lets_nobody_take_it_away_before_its_time(stores):
    await stores.uploads.complete(the_asset(INPUT))
    assert await stores.upload_sweep.let_go("in1", EARLIER) is False
    assert await inputs_to_sweep(stores) == ["in1"]


async def test_an_asset_that_is_not_provisional_is_never_let_go(stores):
    await stores.uploads.complete(the_asset(UPLOAD))
    assert await stores.upload_sweep.let_go("u1", DUE + timedelta(days=365)) is False
    assert await stores.assets.get("default", "a1") is not None


async def test_of_a_job_and_a_sweep_that_race_one_holds(stores):
    await stores.uploads.complete(the_asset(INPUT))
    submitted, gone = await asyncio.gather(
        stores.job_reads(the_asset(INPUT)),
        stores.upload_sweep.let_go("in1", DUE),
        return_exceptions=True,
    )
    assert (type(submitted), gone) in {(FileGone, True), (type(None), False)}


@pytest.mark.parametrize("taken_up", [a_project, a_clip])
async def test_of_a_project_and_a_sweep_that_race_one_holds(stores, taken_up):
    await stores.uploads.complete(the_asset(INPUT))
    taken, gone = await asyncio.gather(taken_up(stores), stores.upload_sweep.let_go("in1", DUE))
    assert (taken is None) == gone
    assert (await stores.assets.get("default", "a1") is None) == gone
