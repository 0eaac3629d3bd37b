"""What every ExportProjectStore promises."""

from dataclasses import replace
from datetime import timedelta

import pytest

from gateway.core.export_project import ExportClip, ExportProject
from gateway.core.upload import UploadStatus
from tests.support.export_projects import PROJECT_STORES
from tests.support.jobs import NOON
from tests.support.uploads import an_upload, the_asset

LATER = NOON + timedelta(hours=3)
CLIP = ExportClip("default", 7, 0, "a1", 1.5, 4.25, NOON, NOON)
WIDEST = 2**53


@pytest.fixture(params=PROJECT_STORES.values(), ids=PROJECT_STORES.keys())
async def stores(request, tmp_path):
    async with request.param(tmp_path) as stores:
        for n in (1, 2):
            upload = an_upload(f"u{n}", provisional=True)
            await stores.uploads.create(upload, NOON)
            await stores.uploads.complete(the_asset(upload, f"a{n}"))
        yield stores


@pytest.fixture
def store(stores):
    return stores.projects


@pytest.mark.parametrize("asset_id", ["a1", None])
@pytest.mark.parametrize("project_id", [1, WIDEST])
async def test_a_project_put_is_the_project_got(store, asset_id, project_id):
    project = await store.put_project("default", project_id, asset_id, NOON)
    assert project == ExportProject("default", project_id, asset_id, NOON, NOON)
    assert await store.get_project("default", project_id) == project


async def test_a_project_that_nobody_made_is_not_there(store):
    assert await store.get_project("default", 7) is None
    assert await store.get_clip("default", 7, 0) is None


async def test_a_project_put_again_keeps_when_it_was_made(store):
    await store.put_project("default", 7, "a1", NOON)
    for asset_id in ("a2", None, "a1"):
        project = await store.put_project("default", 7, asset_id, LATER)
        assert project == ExportProject("default", 7, asset_id, NOON, LATER)
        assert await store.get_project("default", 7) == project


async def test_d111_a_project_of_another_tenant_is_not_there(store):
    await store.put_project("default", 7, "a1", NOON)
    await store.put_clip(CLIP)
    assert await store.get_project("other", 7) is None
    assert await store.get_clip("other", 7, 0) is None


async def test_d111_the_same_number_is_another_project_for_another_tenant(store):
    mine = await store.put_project("default", 7, "a1", NOON)
    theirs = await store.put_project("other", 7, None, LATER)
    assert theirs == ExportProject("other", 7, None, LATER, LATER)
    assert await store.get_project("default", 7) == mine


@pytest.mark.parametrize(
    ("tenant", "asset_id"), [("default", "nobody"), ("other", "a1")], ids=["gone", "foreign"]
)
async def test_an_asset_the_tenant_does_not_have_changes_nothing(store, tenant, asset_id):
    before = await store.put_project(tenant, 8, None, NOON)
    assert await store.put_project(tenant, 8, asset_id, LATER) is None
    assert await store.put_project(tenant, 9, asset_id, LATER) is None
    wrong = replace(CLIP, tenant=tenant, project_id=10, source_asset_id=asset_id)
    assert await store.put_clip(wrong) is None
    assert await store.get_project(tenant, 8) == before
    assert await store.get_project(tenant, 9) is None
    assert await store.get_project(tenant, 10) is None
    assert await store.get_clip(tenant, 10, 0) is None


async def test_a_deleted_asset_is_no_video_for_a_project(stores, store):
    await stores.assets.delete("default", "a1", NOON)
    assert await store.put_project("default", 7, "a1", NOON) is None
    assert await store.put_clip(CLIP) is None


@pytest.mark.parametrize(
    "clip", [CLIP, replace(CLIP, clip_index=WIDEST, start_s=0.0, end_s=None)]
)
async def test_a_clip_put_is_the_clip_got(store, clip):
    assert await store.put_clip(clip) == clip
    assert await store.get_clip("default", 7, clip.clip_index) == clip


async def test_a_clip_makes_the_project_it_is_of(store):
    await store.put_clip(CLIP)
    assert await store.get_project("default", 7) == ExportProject(
        "default", 7, None, NOON, NOON
    )


async def test_a_clip_leaves_the_project_as_it_is(store):
    project = await store.put_project("default", 7, "a2", NOON)
    await store.put_clip(replace(CLIP, created_at=LATER, updated_at=LATER))
    assert await store.get_project("default", 7) == project


async def test_a_clip_put_again_is_another_with_the_same_beginning(store):
    await store.put_clip(CLIP)
    wanted = replace(
        CLIP,
        source_asset_id="a2",
        start_s=0.0,
        end_s=None,
        created_at=LATER,
        updated_at=LATER,
    )
    assert await store.put_clip(wanted) == replace(wanted, created_at=NOON)
    assert await store.get_clip("default", 7, 0) == replace(wanted, created_at=NOON)


async def test_clips_of_one_project_are_told_apart(store):
    other = replace(CLIP, clip_index=1, source_asset_id="a2")
    await store.put_clip(CLIP)
    await store.put_clip(other)
    assert await store.get_clip("default", 7, 0) == CLIP
    assert await store.get_clip("default", 7, 1) == other


async def test_what_a_project_or_a_clip_names_is_not_let_go(stores, store):
    await store.put_project("default", 7, "a1", NOON)
    await store.put_clip(replace(CLIP, source_asset_id="a2"))
    assert not await stores.upload_sweep.let_go("u1", LATER)
    assert not await stores.upload_sweep.let_go("u2", LATER)
    kept = await stores.uploads.get("default", "u1")
    assert kept.status is UploadStatus.COMPLETE
    assert await stores.assets.get("default", "a1") is not None


async def test_what_no_project_names_any_more_is_let_go(stores, store):
    await store.put_project("default", 7, "a1", NOON)
    await store.put_project("default", 7, None, NOON)
    assert await stores.upload_sweep.let_go("u1", LATER)
