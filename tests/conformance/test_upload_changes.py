"""What every UploadStore promises of renewed, parted and provisional uploads."""

import asyncio
from dataclasses import replace
from datetime import timedelta

import pytest

from gateway.core.export_project import ExportClip
from gateway.core.upload import UploadStatus
from gateway.ports.job_store import FileGone
from gateway.ports.upload_store import Deletion
from tests.support.jobs import NOON
from tests.support.uploads import UPLOAD_STORES, an_upload, the_asset

INPUT = an_upload("u1", key="input/u1/video.mp4", provisional=True)
PARTED = an_upload("u2", part_size_bytes=600)
DUE = NOON + timedelta(days=1)
EARLIER = DUE - timedelta(seconds=1)


@pytest.fixture(params=UPLOAD_STORES.values(), ids=UPLOAD_STORES.keys())
async def stores(request, tmp_path):
    async with request.param(tmp_path) as stores:
        await stores.uploads.create_upload(INPUT, DUE)
        await stores.uploads.create_upload(PARTED, DUE)
        yield stores


@pytest.fixture
def store(stores):
    return stores.uploads


async def to_sweep(store, now=DUE):
    return [each.upload_id for each in await store.to_sweep(now, 10) if each.provisional]


async def a_project(stores, asset_id="a1"):
    return await stores.projects.put_project("default", 1, asset_id, NOON)


async def a_clip(stores, asset_id="a1"):
    return await stores.projects.put_clip(
        ExportClip("default", 1, 0, asset_id, 0.0, None, NOON, NOON)
    )


async def a_job(stores):
    await stores.job_reads(the_asset(INPUT))


TAKERS = [a_project, a_clip, a_job]


async def test_an_upload_is_found_by_its_key_by_its_tenant_alone(store):
    assert await store.upload_at("default", INPUT.key) == INPUT
    assert await store.upload_at("other", INPUT.key) is None
    assert await store.upload_at("default", "input/u9/video.mp4") is None


async def test_a_renewed_upload_takes_name_type_size_and_expiry_and_nothing_else(store):
    asked = replace(
        INPUT,
        key="input/elsewhere/video.mp4",
        filename="b.mov",
        content_type="video/quicktime",
        size_bytes=7,
        size_is_limit=True,
        created_at=DUE,
        expires_at=DUE,
        provisional=False,
    )
    renewed = await store.renew_upload(asked, DUE + timedelta(days=1))
    assert renewed == replace(asked, key=INPUT.key, created_at=NOON, provisional=True)
    assert await store.get_upload("default", "u1") == renewed
    assert await to_sweep(store) == []
    assert await to_sweep(store, DUE + timedelta(days=1)) == ["u1"]


async def test_what_is_no_longer_pending_is_not_renewed(store):
    done = await store.complete_upload(the_asset(INPUT))
    assert await store.renew_upload(replace(INPUT, size_bytes=7), DUE) == done
    aborted = await store.abort_upload("default", "u2")
    assert await store.renew_upload(replace(PARTED, size_bytes=7), DUE) == aborted
    assert await store.renew_upload(replace(PARTED, tenant="other"), DUE) is None


async def test_the_first_name_of_a_multipart_upload_stays(store):
    named = await store.name_multipart(PARTED, "m1")
    assert named == replace(PARTED, multipart_id="m1")
    assert await store.name_multipart(PARTED, "m2") == named
    assert await store.get_upload("default", "u2") == named


async def test_of_racing_names_one_wins_and_all_hear_of_it(store):
    names = [f"m{n}" for n in range(8)]
    answers = await asyncio.gather(*(store.name_multipart(PARTED, name) for name in names))
    (winner,) = {upload.multipart_id for upload in answers}
    assert (await store.get_upload("default", "u2")).multipart_id == winner


async def test_only_a_pending_upload_in_parts_of_the_tenants_is_named(store):
    assert (await store.name_multipart(INPUT, "m1")).multipart_id is None
    assert await store.name_multipart(replace(PARTED, tenant="other"), "m1") is None
    await store.abort_upload("default", "u2")
    assert (await store.name_multipart(PARTED, "m1")).multipart_id is None


async def test_an_asset_has_the_size_and_the_hash_it_was_seen_with(store):
    upload = an_upload("u3", size_is_limit=True, sha256="ab" * 32)
    await store.create_upload(upload, DUE)
    await store.complete_upload(the_asset(upload, size_bytes=7, sha256=None))
    asset = await store.get_asset("default", "a1")
    assert (asset.size_bytes, asset.sha256) == (7, None)


async def test_d105_a_completed_provisional_upload_is_still_to_be_swept(store):
    await store.complete_upload(the_asset(INPUT))
    assert await to_sweep(store, EARLIER) == []
    assert await to_sweep(store) == ["u1"]


async def test_d105_what_nothing_has_taken_up_goes_and_stays_to_be_swept_until_it_is(store):
    await store.complete_upload(the_asset(INPUT))
    assert await store.let_go("u1", DUE) is True
    assert await store.get_asset("default", "a1") is None
    assert await store.let_go("u1", DUE) is True
    assert await to_sweep(store) == ["u1"]
    await store.mark_swept("u1", DUE + timedelta(days=1))
    assert await to_sweep(store) == []
    assert await to_sweep(store, DUE + timedelta(days=1)) == ["u1"]
    await store.mark_swept("u1", None)
    assert await to_sweep(store) == []
    assert (await store.get_upload("default", "u1")).status is UploadStatus.COMPLETE


@pytest.mark.parametrize("taken_up", TAKERS)
async def test_d105_what_something_has_taken_up_stays_for_good(stores, store, taken_up):
    await store.complete_upload(the_asset(INPUT))
    await taken_up(stores)
    assert await store.let_go("u1", DUE) is False
    assert await store.get_asset("default", "a1") == the_asset(INPUT)
    assert await to_sweep(store, DUE + timedelta(days=365)) == []


async def test_d141_what_is_let_go_of_is_swept_unless_something_else_has_it(stores, store):
    await store.complete_upload(the_asset(INPUT))
    await store.complete_upload(the_asset(PARTED, asset_id="a2"))
    await a_project(stores)
    await store.let_go("u1", DUE)
    later, last = DUE + timedelta(days=1), DUE + timedelta(days=2)
    await store.reconsider(["a1", "a2", "a9"], later)
    early = await to_sweep(store, later - timedelta(seconds=1))
    held = await store.let_go("u1", later)
    rests = await to_sweep(store, last)
    await stores.projects.put_project("default", 1, None, NOON)
    await store.reconsider(["a1"], last)
    assert (early, held, rests) == ([], False, [])
    assert [each.upload_id for each in await store.to_sweep(last, 10)] == ["u1"]
    assert await store.let_go("u1", last) is True


async def test_reconsidering_puts_off_no_sweep(store):
    await store.complete_upload(the_asset(INPUT))
    await store.reconsider(["a1"], DUE + timedelta(days=1))
    assert await to_sweep(store) == ["u1"]


async def test_an_asset_lets_nobody_take_it_away_before_its_time(store):
    await store.complete_upload(the_asset(INPUT))
    assert await store.let_go("u1", EARLIER) is False
    assert await to_sweep(store) == ["u1"]


async def test_an_asset_that_is_not_provisional_is_never_let_go(store):
    await store.complete_upload(the_asset(PARTED))
    assert await store.let_go("u2", DUE + timedelta(days=365)) is False
    assert await store.get_asset("default", "a1") is not None


async def test_an_asset_a_project_names_may_be_deleted(stores, store):
    await store.complete_upload(the_asset(INPUT))
    await a_project(stores)
    await a_clip(stores)
    assert await store.delete_asset("default", "a1", NOON) is Deletion.DONE
    assert await store.let_go("u1", DUE) is True


async def test_of_a_job_and_a_sweep_that_race_one_holds(stores, store):
    await store.complete_upload(the_asset(INPUT))
    submitted, gone = await asyncio.gather(
        stores.job_reads(the_asset(INPUT)), store.let_go("u1", DUE), return_exceptions=True
    )
    assert (type(submitted), gone) in {(FileGone, True), (type(None), False)}


@pytest.mark.parametrize("taken_up", [a_project, a_clip])
async def test_of_a_project_and_a_sweep_that_race_one_holds(stores, store, taken_up):
    await store.complete_upload(the_asset(INPUT))
    taken, gone = await asyncio.gather(taken_up(stores), store.let_go("u1", DUE))
    assert (taken is None) == gone
    assert (await store.get_asset("default", "a1") is None) == gone
