"""What every UploadStore promises."""

import asyncio
from dataclasses import replace
from datetime import timedelta

import pytest

from gateway.core.upload import UploadStatus
from gateway.ports.job_store import FileGone
from gateway.ports.upload_store import Deletion
from tests.support.jobs import NOON
from tests.support.uploads import UPLOAD_STORES, an_upload, the_asset

UPLOAD = an_upload()
ABANDONED = UPLOAD.expires_at + timedelta(days=1)


@pytest.fixture(params=UPLOAD_STORES.values(), ids=UPLOAD_STORES.keys())
async def stores(request, tmp_path):
    async with request.param(tmp_path) as stores:
        yield stores


@pytest.fixture
async def store(stores):
    await stores.uploads.create_upload(UPLOAD, ABANDONED)
    return stores.uploads


async def to_sweep(store, now):
    return [upload.upload_id for upload in await store.to_sweep(now, 10)]


@pytest.mark.parametrize(
    "fields", [{}, {"sha256": "ab" * 32, "duration_s": 12.5, "size_bytes": 5 * 2**30}]
)
async def test_an_upload_created_is_the_upload_got(store, fields):
    upload = an_upload("u2", **fields)
    await store.create_upload(upload, ABANDONED)
    assert await store.get_upload("default", "u2") == upload


async def test_an_upload_of_another_tenant_is_not_there(store):
    assert await store.get_upload("other", "u1") is None
    assert await store.abort_upload("other", "u1") is None
    assert await store.complete_upload(the_asset(UPLOAD, tenant="other")) is None
    assert await store.get_upload("default", "u1") == UPLOAD
    assert await store.get_asset("other", "a1") is None


async def test_a_completed_upload_names_its_asset_and_the_asset_is_there(store):
    asset = the_asset(UPLOAD)
    done = await store.complete_upload(asset)
    assert done == replace(UPLOAD, status=UploadStatus.COMPLETE, asset_id="a1")
    assert await store.get_upload("default", "u1") == done
    assert await store.get_asset("default", "a1") == asset


async def test_an_asset_takes_over_what_the_browser_said_of_hash_and_duration(store):
    upload = an_upload("u2", sha256="ab" * 32, duration_s=12.5)
    await store.create_upload(upload, ABANDONED)
    await store.complete_upload(the_asset(upload))
    asset = await store.get_asset("default", "a1")
    assert (asset.sha256, asset.duration_s) == ("ab" * 32, 12.5)


async def test_of_racing_completions_one_wins_and_all_hear_of_it(store):
    assets = [the_asset(UPLOAD, f"a{n}") for n in range(10)]
    answers = await asyncio.gather(*map(store.complete_upload, assets))
    (winner,) = {upload.asset_id for upload in answers}
    there = [
        each.asset_id for each in assets if await store.get_asset("default", each.asset_id)
    ]
    assert there == [winner]


async def test_a_completion_may_be_repeated_word_for_word(store):
    first = await store.complete_upload(the_asset(UPLOAD))
    assert await store.complete_upload(the_asset(UPLOAD)) == first


async def test_an_aborted_upload_stays_aborted(store):
    aborted = await store.abort_upload("default", "u1")
    assert aborted == replace(UPLOAD, status=UploadStatus.ABORTED)
    assert await store.abort_upload("default", "u1") == aborted
    assert await store.complete_upload(the_asset(UPLOAD)) == aborted
    assert await store.get_asset("default", "a1") is None


async def test_a_completed_upload_is_not_aborted(store):
    done = await store.complete_upload(the_asset(UPLOAD))
    assert await store.abort_upload("default", "u1") == done


async def test_of_a_racing_abort_and_completion_one_holds(store):
    answers = await asyncio.gather(
        store.abort_upload("default", "u1"), store.complete_upload(the_asset(UPLOAD))
    )
    assert len({upload.status for upload in answers}) == 1


async def test_a_deleted_asset_is_not_there_and_not_deleted_again(store):
    await store.complete_upload(the_asset(UPLOAD))
    assert await store.delete_asset("other", "a1", NOON) is Deletion.MISSING
    assert await store.delete_asset("default", "a1", NOON) is Deletion.DONE
    assert await store.get_asset("default", "a1") is None
    assert await store.delete_asset("default", "a1", NOON) is Deletion.MISSING


async def test_an_asset_an_unfinished_job_reads_is_not_deleted(stores, store):
    await store.complete_upload(the_asset(UPLOAD))
    await stores.job_reads(the_asset(UPLOAD))
    assert await store.delete_asset("default", "a1", NOON) is Deletion.IN_USE
    assert await store.get_asset("default", "a1") is not None


async def test_a_job_cannot_be_submitted_on_an_asset_that_was_deleted(stores, store):
    await store.complete_upload(the_asset(UPLOAD))
    await store.delete_asset("default", "a1", NOON)
    with pytest.raises(FileGone):
        await stores.job_reads(the_asset(UPLOAD))


async def test_of_a_racing_submit_and_deletion_one_holds(stores, store):
    await store.complete_upload(the_asset(UPLOAD))
    submitted, deleted = await asyncio.gather(
        stores.job_reads(the_asset(UPLOAD)),
        store.delete_asset("default", "a1", NOON),
        return_exceptions=True,
    )
    assert (type(submitted), deleted) in {
        (FileGone, Deletion.DONE),
        (type(None), Deletion.IN_USE),
    }


async def test_the_first_probe_stays(store):
    await store.complete_upload(the_asset(UPLOAD))
    await store.record_probe("a1", "cd" * 32, {"duration_s": 3.5, "streams": [1]})
    await store.record_probe("a1", "ef" * 32, {})
    asset = await store.get_asset("default", "a1")
    assert (asset.sha256, asset.probe) == ("cd" * 32, {"duration_s": 3.5, "streams": [1]})


async def test_a_probe_does_not_change_a_hash_the_store_has_verified(store):
    upload = an_upload("u2", sha256="ab" * 32)
    await store.create_upload(upload, ABANDONED)
    await store.complete_upload(the_asset(upload))
    await store.record_probe("a1", "cd" * 32, {})
    assert (await store.get_asset("default", "a1")).sha256 == "ab" * 32


async def test_a_probe_of_an_asset_that_is_gone_is_let_go(store):
    await store.record_probe("nobody", "cd" * 32, {})
    assert await store.get_asset("default", "nobody") is None


async def test_a_pending_upload_is_swept_when_it_is_abandoned(store):
    assert await to_sweep(store, ABANDONED - timedelta(seconds=1)) == []
    assert await to_sweep(store, ABANDONED) == ["u1"]


async def test_a_completed_upload_is_never_swept(store):
    await store.complete_upload(the_asset(UPLOAD))
    assert await to_sweep(store, ABANDONED + timedelta(days=365)) == []


async def test_an_aborted_upload_is_swept_once_its_urls_are_dead(store):
    await store.abort_upload("default", "u1")
    assert await to_sweep(store, UPLOAD.expires_at - timedelta(seconds=1)) == []
    assert await to_sweep(store, UPLOAD.expires_at) == ["u1"]


@pytest.mark.parametrize(
    ("deleted_at", "swept_at"),
    [(NOON, UPLOAD.expires_at), (ABANDONED, ABANDONED)],
    ids=["while URLs live", "after"],
)
async def test_a_deleted_assets_key_is_swept_once_its_urls_are_dead(
    store, deleted_at, swept_at
):
    await store.complete_upload(the_asset(UPLOAD))
    await store.delete_asset("default", "a1", deleted_at)
    assert await to_sweep(store, swept_at - timedelta(seconds=1)) == []
    assert await to_sweep(store, swept_at) == ["u1"]


async def test_what_was_swept_is_not_swept_again(store):
    await store.abort_upload("default", "u1")
    await store.mark_swept("u1", None)
    await store.abort_upload("default", "u1")
    assert await to_sweep(store, ABANDONED) == []


async def test_the_longest_due_are_swept_first_and_no_more_than_asked(store):
    for n in (3, 2, 4):
        expires_at = NOON + timedelta(minutes=n)
        await store.create_upload(an_upload(f"u{n}", expires_at=expires_at), expires_at)
    due = await store.to_sweep(ABANDONED, 2)
    assert [upload.upload_id for upload in due] == ["u2", "u3"]
