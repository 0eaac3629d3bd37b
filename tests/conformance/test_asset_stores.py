"""What every AssetStore promises."""

import asyncio
from datetime import timedelta

import pytest

from gateway.core.export_project import ExportClip
from gateway.ports.asset_store import Deletion
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

CLIP = ExportClip("default", 1, 0, "a1", 0.0, None, NOON, NOON)


@pytest.fixture(params=UPLOAD_STORES.values(), ids=UPLOAD_STORES.keys())
async def stores(request, tmp_path):
    async with request.param(tmp_path) as stores:
        await stores.uploads.create(UPLOAD, ABANDONED)
        await stores.uploads.create(INPUT, DUE)
        yield stores


async def test_a_deleted_asset_is_not_there_and_not_deleted_again(stores):
    await stores.uploads.complete(the_asset(UPLOAD))
    assert await stores.assets.delete("other", "a1", NOON) is Deletion.MISSING
    assert await stores.assets.delete("default", "a1", NOON) is Deletion.DONE
    assert await stores.assets.get("default", "a1") is None
    assert await stores.assets.delete("default", "a1", NOON) is Deletion.MISSING


async def test_an_asset_an_unfinished_job_reads_is_not_deleted(stores):
    await stores.uploads.complete(the_asset(UPLOAD))
    await stores.job_reads(the_asset(UPLOAD))
    assert await stores.assets.delete("default", "a1", NOON) is Deletion.IN_USE
    assert await stores.assets.get("default", "a1") is not None


async def test_a_job_cannot_be_submitted_on_an_asset_that_was_deleted(stores):
    await stores.uploads.complete(the_asset(UPLOAD))
    await stores.assets.delete("default", "a1", NOON)
    with pytest.raises(FileGone):
        await stores.job_reads(the_asset(UPLOAD))


async def test_of_a_racing_submit_and_deletion_one_holds(stores):
    await stores.uploads.complete(the_asset(UPLOAD))
    submitted, deleted = await asyncio.gather(
        stores.job_reads(the_asset(UPLOAD)),
        stores.assets.delete("default", "a1", NOON),
        return_exceptions=True,
    )
    assert (type(submitted), deleted) in {
        (FileGone, Deletion.DONE),
        (type(None), Deletion.IN_USE),
    }


async def test_an_asset_a_project_names_may_be_deleted(stores):
    await stores.uploads.complete(the_asset(INPUT))
    await stores.projects.put_project("default", 1, "a1", NOON)
    await stores.projects.put_clip(CLIP)
    assert await stores.assets.delete("default", "a1", NOON) is Deletion.DONE
    assert await stores.upload_sweep.let_go("in1", DUE) is True


@pytest.mark.parametrize(
    ("deleted_at", "swept_at"),
    [(NOON, UPLOAD.expires_at), (ABANDONED, ABANDONED)],
    ids=["while URLs live", "after"],
)
async def test_a_deleted_assets_key_is_swept_once_its_urls_are_dead(
    stores, deleted_at, swept_at
):
    await stores.uploads.complete(the_asset(UPLOAD))
    await stores.assets.delete("default", "a1", deleted_at)
    assert await to_sweep(stores, swept_at - timedelta(seconds=1)) == []
    assert await to_sweep(stores, swept_at) == ["u1"]


async def test_the_first_probe_stays(stores):
    await stores.uploads.complete(the_asset(UPLOAD))
    await stores.assets.record_probe("a1", "cd" * 32, {"duration_s": 3.5, "streams": [1]})
    await stores.assets.record_probe("a1", "ef" * 32, {})
    asset = await stores.assets.get("default", "a1")
    assert (asset.sha256, asset.probe) == ("cd" * 32, {"duration_s": 3.5, "streams": [1]})


async def test_a_probe_does_not_change_a_hash_the_store_has_verified(stores):
    upload = an_upload("u2", sha256="ab" * 32)
    await stores.uploads.create(upload, ABANDONED)
    await stores.uploads.complete(the_asset(upload))
    await stores.assets.record_probe("a1", "cd" * 32, {})
    assert (await stores.assets.get("default", "a1")).sha256 == "ab" * 32


async def test_a_probe_of_an_asset_that_is_gone_is_let_go(stores):
    await stores.assets.record_probe("nobody", "cd" * 32, {})
    assert await stores.assets.get("default", "nobody") is None


async def test_d141_what_is_let_go_of_is_swept_unless_something_else_has_it(stores):
    await stores.uploads.complete(the_asset(INPUT))
    await stores.uploads.complete(the_asset(UPLOAD, asset_id="a2"))
    await stores.projects.put_project("default", 1, "a1", NOON)
    await stores.upload_sweep.let_go("in1", DUE)
    later, last = DUE + timedelta(days=1), DUE + timedelta(days=2)
    await stores.assets.reconsider(["a1", "a2", "a9"], later)
    early = await inputs_to_sweep(stores, later - timedelta(seconds=1))
    held = await stores.upload_sweep.let_go("in1", later)
    rests = await inputs_to_sweep(stores, last)
    await stores.projects.put_project("default", 1, None, NOON)
    await stores.assets.reconsider(["a1"], last)
    assert (early, held, rests) == ([], False, [])
    assert [each.upload_id for each in await stores.upload_sweep.to_sweep(last, 10)] == ["in1"]
    assert await stores.upload_sweep.let_go("in1", last) is True


async def test_reconsidering_puts_off_no_sweep(stores):
    await stores.uploads.complete(the_asset(INPUT))
    await stores.assets.reconsider(["a1"], DUE + timedelta(days=1))
    assert await inputs_to_sweep(stores) == ["in1"]
