"""What every UploadStore promises."""

import asyncio
from dataclasses import replace
from datetime import timedelta

import pytest

from gateway.core.upload import UploadStatus
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
)

PARTED = an_upload("u2", part_size_bytes=600)


@pytest.fixture(params=UPLOAD_STORES.values(), ids=UPLOAD_STORES.keys())
async def stores(request, tmp_path):
    async with request.param(tmp_path) as stores:
        await stores.uploads.create(UPLOAD, ABANDONED)
        await stores.uploads.create(PARTED, DUE)
        await stores.uploads.create(INPUT, DUE)
        yield stores


@pytest.mark.parametrize(
    "fields", [{}, {"sha256": "ab" * 32, "duration_s": 12.5, "size_bytes": 5 * 2**30}]
)
async def test_an_upload_created_is_the_upload_got(stores, fields):
    upload = an_upload("u3", **fields)
    await stores.uploads.create(upload, ABANDONED)
    assert await stores.uploads.get("default", "u3") == upload


async def test_an_upload_of_another_tenant_is_not_there(stores):
    assert await stores.uploads.get("other", "u1") is None
    assert await stores.uploads.abort("other", "u1") is None
    assert await stores.uploads.complete(the_asset(UPLOAD, tenant="other")) is None
    assert await stores.uploads.get("default", "u1") == UPLOAD
    assert await stores.assets.get("other", "a1") is None


async def test_an_upload_is_found_by_its_key_by_its_tenant_alone(stores):
    assert await stores.uploads.upload_at("default", INPUT.key) == INPUT
    assert await stores.uploads.upload_at("other", INPUT.key) is None
    assert await stores.uploads.upload_at("default", "input/u9/video.mp4") is None


async def test_a_renewed_upload_takes_name_type_size_and_expiry_and_nothing_else(stores):
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
    renewed = await stores.uploads.renew(asked, DUE + timedelta(days=1))
    assert renewed == replace(asked, key=INPUT.key, created_at=NOON, provisional=True)
    assert await stores.uploads.get("default", "in1") == renewed
    assert await inputs_to_sweep(stores) == []
    assert await inputs_to_sweep(stores, DUE + timedelta(days=1)) == ["in1"]


async def test_what_is_no_longer_pending_is_not_renewed(stores):
    done = await stores.uploads.complete(the_asset(INPUT))
    assert await stores.uploads.renew(replace(INPUT, size_bytes=7), DUE) == done
    aborted = await stores.uploads.abort("default", "u2")
    assert await stores.uploads.renew(replace(PARTED, size_bytes=7), DUE) == aborted
    assert await stores.uploads.renew(replace(PARTED, tenant="other"), DUE) is None


async def test_the_first_name_of_a_multipart_upload_stays(stores):
    named = await stores.uploads.name_multipart(PARTED, "m1")
    assert named == replace(PARTED, multipart_id="m1")
    assert await stores.uploads.name_multipart(PARTED, "m2") == named
    assert await stores.uploads.get("default", "u2") == named


async def test_of_racing_names_one_wins_and_all_hear_of_it(stores):
    names = [f"m{n}" for n in range(8)]
    answers = await asyncio.gather(
        *(stores.uploads.name_multipart(PARTED, name) for name in names)
    )
    (winner,) = {upload.multipart_id for upload in answers}
    assert (await stores.uploads.get("default", "u2")).multipart_id == winner


async def test_only_a_pending_upload_in_parts_of_the_tenants_is_named(stores):
    assert (await stores.uploads.name_multipart(INPUT, "m1")).multipart_id is None
    assert await stores.uploads.name_multipart(replace(PARTED, tenant="other"), "m1") is None
    await stores.uploads.abort("default", "u2")
    assert (await stores.uploads.name_multipart(PARTED, "m1")).multipart_id is None


async def test_a_completed_upload_names_its_asset_and_the_asset_is_there(stores):
    asset = the_asset(UPLOAD)
    done = await stores.uploads.complete(asset)
    assert done == replace(UPLOAD, status=UploadStatus.COMPLETE, asset_id="a1")
    assert await stores.uploads.get("default", "u1") == done
    assert await stores.assets.get("default", "a1") == asset


async def test_an_asset_takes_over_what_the_browser_said_of_hash_and_duration(stores):
    upload = an_upload("u3", sha256="ab" * 32, duration_s=12.5)
    await stores.uploads.create(upload, ABANDONED)
    await stores.uploads.complete(the_asset(upload))
    asset = await stores.assets.get("default", "a1")
    assert (asset.sha256, asset.duration_s) == ("ab" * 32, 12.5)


async def test_an_asset_has_the_size_and_the_hash_it_was_seen_with(stores):
    upload = an_upload("u3", size_is_limit=True, sha256="ab" * 32)
    await stores.uploads.create(upload, DUE)
    await stores.uploads.complete(the_asset(upload, size_bytes=7, sha256=None))
    asset = await stores.assets.get("default", "a1")
    assert (asset.size_bytes, asset.sha256) == (7, None)


async def test_of_racing_completions_one_wins_and_all_hear_of_it(stores):
    assets = [the_asset(UPLOAD, f"a{n}") for n in range(10)]
    answers = await asyncio.gather(*map(stores.uploads.complete, assets))
    (winner,) = {upload.asset_id for upload in answers}
    there = [
        each.asset_id for each in assets if await stores.assets.get("default", each.asset_id)
    ]
    assert there == [winner]


async def test_a_completion_may_be_repeated_word_for_word(stores):
    first = await stores.uploads.complete(the_asset(UPLOAD))
    assert await stores.uploads.complete(the_asset(UPLOAD)) == first


async def test_an_aborted_upload_stays_aborted(stores):
    aborted = await stores.uploads.abort("default", "u1")
    assert aborted == replace(UPLOAD, status=UploadStatus.ABORTED)
    assert await stores.uploads.abort("default", "u1") == aborted
    assert await stores.uploads.complete(the_asset(UPLOAD)) == aborted
    assert await stores.assets.get("default", "a1") is None


async def test_a_completed_upload_is_not_aborted(stores):
    done = await stores.uploads.complete(the_asset(UPLOAD))
    assert await stores.uploads.abort("default", "u1") == done


async def test_of_a_racing_abort_and_completion_one_holds(stores):
    answers = await asyncio.gather(
        stores.uploads.abort("default", "u1"), stores.uploads.complete(the_asset(UPLOAD))
    )
    assert len({upload.status for upload in answers}) == 1
