"""What every ErasureStore promises of a tenant that goes."""

from datetime import timedelta

import pytest

from gateway.core import effects
from gateway.core.api_keys import ApiKey
from gateway.core.happenings import CancelAsked
from gateway.core.job import JobFile
from gateway.core.lifecycle import decide
from gateway.core.upload import Asset, Upload
from gateway.ports.erasure_store import Erasure, Left
from gateway.ports.job_store import Change, Committed, NewJob
from shared.errors import TryAgainLater
from tests.support.jobs import NOON, STORES_AND_KEYS, a_job

LATER = NOON + timedelta(days=2)


@pytest.fixture(params=STORES_AND_KEYS.values(), ids=STORES_AND_KEYS.keys())
async def stores(request, tmp_path):
    async with request.param(tmp_path) as stores:
        await stores.keys.add(a_key("k1", "default"))
        await stores.keys.add(a_key("k2", "other"))
        yield stores


def a_key(key_id, tenant):
    return ApiKey(key_id, tenant, "label", "0" * 64, frozenset({"jobs"}), NOON)


async def begin(stores, tenant="default", name="e1", at=NOON):
    effect = effects.erase_tenant(name, at=at)
    return await stores.erasures.begin(Erasure(name, tenant, at), effect)


async def create(stores, job_id="j1", **fields):
    job = a_job(job_id, **fields)
    await stores.jobs.create(NewJob(f"job:{job_id}", job, (), None, 1000))
    return job


async def gone(stores, job):
    """Cancel, delete and erase a job."""
    decision = decide(job, CancelAsked(), NOON)
    change = Change("cancel", job, decision.job, decision.events, (), NOON)
    assert await stores.jobs.commit(change) is Committed.DONE
    await stores.job_removal.delete(job.tenant, job.id, NOON, effects.erase_of(job.id, at=NOON))
    await stores.job_removal.erase(job.id)


async def an_upload(stores, name, *, done=False):
    upload = Upload(name, "default", f"t/{name}", "f", "video/mp4", 5, NOON, NOON)
    await stores.uploads.create(upload, NOON)
    asset = Asset(f"a-{name}", "default", name, upload.key, "f", "video/mp4", 5, "e", NOON)
    return await stores.uploads.complete(asset) if done else upload


async def all_effects_done(stores, at=NOON):
    for lease in await stores.effects.lease(at, at + timedelta(seconds=9), "op", 100):
        await stores.effects.done(lease, at)


async def test_it_begins_once_and_nobody_gets_in_from_then_on(stores):
    first, second = await begin(stores), await begin(stores, name="e2", at=LATER)
    leases = await stores.effects.lease(LATER, LATER + timedelta(seconds=9), "op", 9)
    assert first == second == Erasure("e1", "default", NOON)
    assert [lease.effect.id for lease in leases] == ["erase-tenant:e1"]
    assert (await stores.keys.get("k1")).suspended
    assert not (await stores.keys.get("k2")).suspended
    with pytest.raises(TryAgainLater):
        await create(stores)
    assert (await create(stores, "theirs", tenant="other")).tenant == "other"
    assert await stores.erasures.all() == [first]


async def test_a_tenant_that_is_not_there_is_not_erased(stores):
    assert await begin(stores, "nobody") is None
    assert await stores.erasures.get("e1") is None
    assert await stores.effects.next_due() is None


async def test_what_is_nobody_elses_business_is_removed_at_once(stores):
    await stores.export_projects.put_project("default", 1, None, NOON)
    await stores.export_projects.put_project("other", 1, None, NOON)
    for _ in "12":
        await stores.erasures.strip("default")
    assert await stores.keys.get("k1") is None
    assert await stores.keys.get("k2") is not None
    assert await stores.export_projects.get_project("default", 1) is None
    assert await stores.export_projects.get_project("other", 1) is not None


async def test_jobs_and_uploads_that_are_there_are_found(stores):
    await create(stores, "open")
    ended = await create(stores, "ended")
    await create(stores, "theirs", tenant="other")
    decision = decide(ended, CancelAsked(), NOON)
    await stores.jobs.commit(Change("c", ended, decision.job, decision.events, (), NOON))
    pending = await an_upload(stores, "pending")
    complete = await an_upload(stores, "complete", done=True)
    await an_upload(stores, "aborted")
    await stores.uploads.abort("default", "aborted")
    found = await stores.erasures.live_uploads("default", 9)
    assert await stores.erasures.open_jobs("default", 9) == ["open"]
    assert await stores.erasures.ended_jobs("default", 9) == ["ended"]
    assert sorted(found, key=lambda each: each.upload_id) == [complete, pending]
    assert await stores.erasures.left("default") == Left(2, 3)
    assert len(await stores.erasures.live_uploads("default", 1)) == 1


async def test_rows_of_uploads_go_once_swept_and_read_by_no_job(stores):
    for name in ("swept", "read"):
        await an_upload(stores, name, done=True)
    await an_upload(stores, "pending")
    file = JobFile("source", "a-read", "t/read", 5, "e", "video/mp4")
    reader = await create(stores, files=(file,))
    early = await stores.erasures.drop_uploads("default", 9)
    decision = decide(reader, CancelAsked(), NOON)
    await stores.jobs.commit(Change("c", reader, decision.job, decision.events, (), NOON))
    for name in ("swept", "read"):
        await stores.assets.delete("default", f"a-{name}", NOON)
        await stores.upload_sweep.mark_swept(name, None)
    first = await stores.erasures.drop_uploads("default", 9)
    await stores.job_removal.delete("default", "j1", NOON, effects.erase_of("j1", at=NOON))
    await stores.job_removal.erase("j1")
    second = await stores.erasures.drop_uploads("default", 9)
    assert (early, first, second) == (0, 1, 1)
    assert await stores.erasures.left("default") == Left(0, 1)


async def test_it_is_quiet_from_when_no_job_is_there(stores):
    job = await create(stores)
    await begin(stores)
    loud = await stores.erasures.note_quiet("e1", NOON)
    await gone(stores, job)
    quiet = [await stores.erasures.note_quiet("e1", at) for at in (NOON, LATER)]
    assert loud.quiet_at is None
    assert [each.quiet_at for each in quiet] == [NOON, NOON]
    assert await stores.erasures.note_quiet("nobody", NOON) is None


async def test_it_is_finished_when_nothing_tells_of_it_any_more(stores):
    job = await create(stores)
    await stores.attempts.settle("j1", 1, 500, NOON)
    await begin(stores)
    loud = await stores.erasures.finish("e1", "alias", NOON)
    await gone(stores, job)
    await stores.erasures.note_quiet("e1", NOON)
    told_of = await stores.erasures.finish("e1", "alias", NOON)
    await all_effects_done(stores)
    await stores.job_pruning.prune(LATER, 100)
    done = [await stores.erasures.finish("e1", "alias", LATER) for _ in "12"]
    assert (loud, told_of, done) == (False, False, [True, True])
    assert await stores.erasures.get("e1") == Erasure("e1", None, NOON, NOON, LATER)
    assert (await stores.attempts.costs("j1")).actual_micro_usd == 500
    assert await begin(stores, "default", "e2") is None
    assert await begin(stores, "other", "e3") is not None


async def test_it_is_not_finished_while_an_upload_is_there(stores):
    await begin(stores)
    await an_upload(stores, "late")
    await stores.erasures.note_quiet("e1", NOON)
    await all_effects_done(stores)
    await stores.job_pruning.prune(LATER, 100)
    assert not await stores.erasures.finish("e1", "alias", LATER)
    assert (await stores.erasures.get("e1")).tenant == "default"
