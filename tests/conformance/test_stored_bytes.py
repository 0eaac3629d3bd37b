"""What every store promises of how much a tenant has stored: the counter is the sum."""

import asyncio
import random
from dataclasses import replace
from datetime import timedelta

import pytest

from gateway.core import effects
from gateway.core.happenings import AttemptSucceeded, Claimed, SlotGranted
from gateway.core.job import JobFile, JobOutput
from gateway.core.lifecycle import decide
from gateway.ports.asset_store import Deletion
from gateway.ports.job_store import Change, Committed, NewJob
from gateway.ports.upload_store import QuotaExceeded
from tests.support.jobs import NOON, a_job, memory_stores, sqlite_stores
from tests.support.uploads import an_upload, the_asset

LATER = NOON + timedelta(days=2)
STEPS = 150


async def stored(stores, tenant="default"):
    return await stores.uploads.stored_bytes(tenant)


async def promised(stores, upload_id="u1", size_bytes=100, *, quota_bytes=None, **fields):
    upload = an_upload(upload_id, size_bytes=size_bytes, **fields)
    await stores.uploads.create(upload, LATER, quota_bytes=quota_bytes)
    return upload


async def succeeded(stores, job_id="j1", *sizes):
    """A job of the tenant that made outputs of these sizes."""
    job = a_job(job_id)
    await stores.jobs.create(NewJob(f"job:{job_id}", job, (), None, 1000))
    made = tuple(
        JobOutput(f"out{n}", f"output/{job_id}/{n}", "video/mp4", size, "ab" * 32, "e")
        for n, size in enumerate(sizes)
    )
    for happening in (SlotGranted(), Claimed("n", "r"), AttemptSucceeded({}, made)):
        decision = decide(job, happening, NOON)
        op = f"{job_id}:{job.version}"
        change = Change(op, job, decision.job, decision.events, decision.effects, NOON)
        assert await stores.jobs.commit(change) is Committed.DONE
        assert await stores.jobs.commit(change) is Committed.REPEATED
        job = decision.job


async def delete_job(stores, job_id="j1"):
    erase = effects.erase(a_job(job_id), at=NOON)
    return await stores.job_removal.delete("default", job_id, NOON, erase)


async def test_a_promise_counts_at_once_and_what_came_takes_its_place(stores):
    upload = await promised(stores, size_bytes=100, size_is_limit=True)
    assert await stored(stores) == 100
    await stores.uploads.complete(the_asset(upload, size_bytes=30))
    await stores.uploads.complete(the_asset(upload, "a2", size_bytes=70))
    assert await stored(stores) == 30
    assert await stored(stores, "other") == 0
    assert await stored(stores, "nobody") == 0


async def test_what_is_called_off_counts_no_more_however_often_it_is(stores):
    await promised(stores)
    await promised(stores, "u2", 7)
    await asyncio.gather(
        *(stores.uploads.abort(who, "u1") for who in ("other", *["default"] * 5))
    )
    assert await stored(stores) == 7


async def test_a_deleted_asset_counts_no_more_however_often_it_is(stores):
    upload = await promised(stores)
    await stores.uploads.complete(the_asset(upload))
    left = await stored(stores)
    deletions = [stores.assets.delete("default", "a1", NOON) for _ in range(5)]
    assert (await asyncio.gather(*deletions)).count(Deletion.DONE) == 1
    assert left > 0
    assert await stored(stores) == 0


async def test_an_asset_in_use_goes_on_counting(stores):
    upload = await promised(stores, size_bytes=11)
    await stores.uploads.complete(the_asset(upload, size_bytes=11))
    reads = a_job(files=(_file("a1"),))
    await stores.jobs.create(NewJob("job:j1", reads, (), None, 10))
    assert await stores.assets.delete("default", "a1", NOON) is Deletion.IN_USE
    assert await stored(stores) == 11


def _file(asset_id):
    return JobFile("source", asset_id, "key", 11, "e", "video/mp4")


async def test_a_provisional_asset_that_is_let_go_counts_no_more(stores):
    upload = await promised(stores, provisional=True)
    await stores.uploads.complete(the_asset(upload))
    assert await stores.upload_sweep.let_go("u1", LATER)
    assert await stores.upload_sweep.let_go("u1", LATER)
    assert await stored(stores) == 0


async def test_outputs_count_from_their_jobs_success_to_its_deletion(stores):
    await succeeded(stores, "j1", 40, 2)
    assert await stored(stores) == 42
    await delete_job(stores)
    await delete_job(stores)
    assert await stored(stores) == 0
    await stores.job_removal.erase("j1")
    assert await stored(stores) == 0


async def test_where_no_room_is_left_nothing_is_written(stores):
    await promised(stores, "u1", 60, quota_bytes=100)
    with pytest.raises(QuotaExceeded):
        await promised(stores, "u2", 41, quota_bytes=100)
    assert await stores.uploads.get("default", "u2") is None
    assert await stores.upload_sweep.to_sweep(LATER, 10) != []
    await promised(stores, "u3", 40, quota_bytes=100)
    assert await stored(stores) == 100


async def test_of_racing_promises_no_more_are_kept_than_there_is_room_for(stores):
    promises = (promised(stores, f"u{n}", 30, quota_bytes=100) for n in range(20))
    outcomes = await asyncio.gather(*promises, return_exceptions=True)
    assert sum(isinstance(each, QuotaExceeded) for each in outcomes) == 17
    assert await stored(stores) == 90


async def test_a_promise_that_is_repeated_counts_once(stores):
    await promised(stores, size_bytes=60, quota_bytes=100)
    await promised(stores, size_bytes=60, quota_bytes=1000)
    assert await stored(stores) == 60


async def test_a_renewed_promise_counts_for_its_new_size_if_there_is_room(stores):
    upload = await promised(stores, size_bytes=60, provisional=True)
    larger = replace(upload, size_bytes=90)
    for _ in range(2):
        await stores.uploads.renew(larger, LATER, quota_bytes=100)
    with pytest.raises(QuotaExceeded):
        await stores.uploads.renew(replace(upload, size_bytes=101), LATER, quota_bytes=100)
    assert (await stores.uploads.get("default", "u1")).size_bytes == 90
    assert await stored(stores) == 90
    await stores.uploads.abort("default", "u1")
    await stores.uploads.renew(larger, LATER, quota_bytes=1)
    assert await stored(stores) == 0


async def _anything(stores, step, chance):
    """Do one thing that may change what is stored, or may not."""
    number = chance.randrange(12)
    upload = an_upload(f"u{number}", size_bytes=chance.randrange(1, 50), provisional=True)
    match chance.randrange(8):
        case 0 | 1:
            await stores.uploads.create(upload, LATER)
        case 2:
            known = await stores.uploads.get("default", upload.upload_id)
            if known is not None:
                size = chance.randrange(1, 50)
                asset = the_asset(known, f"a{step}", size_bytes=size)
                await stores.uploads.complete(asset)
        case 3:
            await stores.uploads.abort("default", upload.upload_id)
        case 4:
            await stores.uploads.renew(upload, LATER)
        case 5:
            await stores.assets.delete("default", f"a{chance.randrange(step + 1)}", NOON)
        case 6 if await stores.uploads.get("default", upload.upload_id):
            await stores.upload_sweep.let_go(upload.upload_id, LATER)
        case 7:
            sizes = [chance.randrange(1, 9) for _ in range(chance.randrange(3))]
            await succeeded(stores, f"j{step}", *sizes)
            await delete_job(stores, f"j{chance.randrange(step + 1)}")


@pytest.mark.parametrize("seed", range(3))
async def test_d147_the_counter_equals_the_sum_after_anything(tmp_path, seed):
    async with memory_stores(tmp_path) as summing, sqlite_stores(tmp_path) as counting:
        for step in range(STEPS):
            for stores in (summing, counting):
                await _anything(stores, step, random.Random(f"{seed}:{step}"))
            assert await stored(counting) == await stored(summing), step
