"""What every RetentionStore promises of what has grown old."""

from dataclasses import replace
from datetime import timedelta

import pytest

from gateway.core import effects
from gateway.core.export_project import ExportClip
from gateway.core.happenings import AttemptSucceeded, CancelAsked, Claimed, SlotGranted
from gateway.core.job import JobFile, JobOutput
from gateway.core.lifecycle import decide
from gateway.core.retention import Due, Kept
from gateway.core.upload import Asset, Upload
from gateway.core.webhooks import DeliveryStatus
from gateway.ports.job_store import Change, Committed, FileGone, NewJob, SourceGone
from tests.support.deliveries import a_delivery, an_endpoint
from tests.support.jobs import NOON, a_job

DAY = timedelta(days=1)
BEFORE = NOON + DAY


async def create(stores, job_id="j1", **fields):
    job = a_job(job_id, **{"deadline_at": NOON + 9 * DAY, **fields})
    await stores.jobs.create(NewJob(f"job:{job_id}", job, (), None, 1000))
    return job


async def happen(stores, job, *happenings, at):
    for happening in happenings:
        decision = decide(job, happening, at)
        change = Change(f"{job.id}:{job.version}", job, decision.job, decision.events, (), at)
        assert await stores.jobs.commit(change) is Committed.DONE
        job = decision.job
    return job


async def succeeded(stores, job_id="j1", *, at=NOON, **fields):
    job = await create(stores, job_id, **fields)
    output = JobOutput("video", f"output/{job_id}/1/v.mp4", "video/mp4", 5, "0" * 64, "e")
    done = AttemptSucceeded({}, (output,), "f" * 64)
    return await happen(stores, job, SlotGranted(), Claimed("n", "r"), done, at=at)


async def an_asset(stores, name="a1", *, at=NOON):
    upload = Upload(f"u-{name}", "default", f"t/{name}", "f", "video/mp4", 5, at, at)
    asset = Asset(name, "default", upload.upload_id, upload.key, "f", "video/mp4", 5, "e", at)
    await stores.uploads.create(upload, at)
    await stores.uploads.complete(asset)
    return asset


def reads(asset="a1"):
    return (JobFile("source", asset, f"t/{asset}", 5, "e", "video/mp4"),)


def reads_output(job_id="j1"):
    return (JobFile("source", None, f"output/{job_id}", 5, "e", "video/mp4", job_id),)


async def due(stores, what, *, before=BEFORE, limit=9):
    return [each.id for each in await stores.retention.due(what, before, limit)]


async def expire(stores, job_id="j1", *, before=BEFORE):
    effect = effects.expire(job_id, at=BEFORE)
    return await stores.retention.expire_outputs(job_id, before, BEFORE, effect)


# -- outputs ---------------------------------------------------------------------------


async def test_outputs_are_due_by_when_they_were_made_the_oldest_first(stores):
    for n, hours in ((1, 2), (2, 1), (3, 30)):
        await succeeded(stores, f"j{n}", at=NOON + timedelta(hours=hours))
    await happen(stores, await create(stores, "failed"), CancelAsked(), at=NOON)
    [first, *_] = await stores.retention.due(Kept.OUTPUTS, BEFORE, 9)
    assert await due(stores, Kept.OUTPUTS) == ["j2", "j1"]
    assert await due(stores, Kept.OUTPUTS, limit=1) == ["j2"]
    assert first == Due(Kept.OUTPUTS, "j2", "default", NOON + timedelta(hours=1))


async def test_expired_outputs_leave_the_job_and_what_is_to_be_done(stores):
    before = await succeeded(stores)
    assert await expire(stores)
    assert await expire(stores)  # its answer was lost
    job = await stores.jobs.get("j1", tenant="default")
    leases = await stores.effects.lease(BEFORE, BEFORE + DAY, "op", 9)
    assert (job.status, job.outputs, job.outputs_expired_at) == (
        before.status,
        before.outputs,
        BEFORE,
    )
    assert [lease.effect.id for lease in leases] == ["expire:j1"]
    assert await due(stores, Kept.OUTPUTS) == []
    assert await stores.uploads.stored_bytes("default") == 0
    assert await stores.job_reuse.reusable("default", ["f" * 64], None, 9) == []


async def test_outputs_that_are_not_old_or_nobodys_do_not_expire(stores):
    await succeeded(stores)
    assert not await expire(stores, before=NOON)
    assert not await expire(stores, "nobody")
    assert (await stores.jobs.get("j1")).outputs_expired_at is None


async def test_an_output_that_an_open_job_reads_stays_until_that_has_ended(stores):
    await succeeded(stores)
    reader = await create(stores, "reader", files=reads_output())
    held = await due(stores, Kept.OUTPUTS), await expire(stores)
    await happen(stores, reader, CancelAsked(), at=NOON)
    assert held == ([], False)
    assert await due(stores, Kept.OUTPUTS) == ["j1"]
    assert await expire(stores)


async def test_nobody_begins_to_read_what_has_expired(stores):
    await succeeded(stores)
    await expire(stores)
    with pytest.raises(SourceGone):
        await create(stores, "reader", files=reads_output())
    assert await stores.jobs.get("reader") is None


# -- assets ----------------------------------------------------------------------------


async def test_assets_are_due_from_their_coming_or_their_last_readers_end(stores):
    for name in ("idle", "read", "open", "gone"):
        await an_asset(stores, name)
    await an_asset(stores, "new", at=BEFORE)
    await succeeded(stores, "j1", files=reads("read"), at=BEFORE + timedelta(hours=1))
    await create(stores, "j2", files=reads("open"))
    await stores.assets.delete("default", "gone", NOON)
    assert await due(stores, Kept.ASSETS) == ["idle"]
    assert await due(stores, Kept.ASSETS, before=BEFORE + DAY) == ["idle", "read", "new"]


async def test_an_asset_of_a_project_or_a_clip_stays(stores):
    for name in ("working", "source"):
        await an_asset(stores, name)
    await stores.export_projects.put_project("default", 1, "working", NOON)
    await stores.export_projects.put_clip(
        ExportClip("default", 1, 0, "source", 0, None, NOON, NOON)
    )
    assert await due(stores, Kept.ASSETS) == []
    expired = [
        await stores.retention.expire_asset(each, BEFORE, BEFORE)
        for each in ("working", "source")
    ]
    assert expired == [False, False]


async def test_an_expired_asset_is_gone_counts_nothing_and_is_swept(stores):
    await an_asset(stores)
    expired = [await stores.retention.expire_asset("a1", BEFORE, BEFORE) for _ in "12"]
    [swept] = await stores.upload_sweep.to_sweep(BEFORE, 9)
    assert expired == [True, False]
    assert await stores.assets.get("default", "a1") is None
    assert (swept.upload_id, await stores.uploads.stored_bytes("default")) == ("u-a1", 0)
    with pytest.raises(FileGone):
        await create(stores, files=reads())


async def test_an_asset_that_came_into_use_since_it_was_found_stays(stores):
    await an_asset(stores)
    found = await due(stores, Kept.ASSETS)
    await create(stores, files=reads())
    assert found == ["a1"]
    assert not await stores.retention.expire_asset("a1", BEFORE, BEFORE)
    assert await stores.assets.get("default", "a1") is not None


# -- jobs and rows ---------------------------------------------------------------------


async def test_jobs_are_due_by_their_end_unless_they_are_read_or_deleted(stores):
    await succeeded(stores, "j1", at=NOON + timedelta(hours=1))
    await happen(stores, await create(stores, "j2"), CancelAsked(), at=NOON)
    await succeeded(stores, "read")
    await create(stores, "open", files=reads_output("read"))
    await succeeded(stores, "deleted")
    erase = effects.erase_of("deleted", at=NOON)
    await stores.job_removal.delete("default", "deleted", NOON, erase)
    assert await due(stores, Kept.JOBS) == ["j2", "j1"]


async def test_rows_of_uploads_go_once_their_objects_have_for_good(stores):
    pending = Upload("u1", "default", "t/1", "f", "video/mp4", 5, NOON, NOON)
    aborted = Upload("u2", "default", "t/2", "f", "video/mp4", 5, NOON, NOON)
    for upload in (pending, aborted):
        await stores.uploads.create(upload, NOON)
    await stores.uploads.abort("default", "u2")
    for name in ("kept", "gone", "named"):
        await an_asset(stores, name)
    reader = await create(stores, files=reads("named"))
    await happen(stores, reader, CancelAsked(), at=NOON)
    for name in ("gone", "named"):
        await stores.assets.delete("default", name, NOON)
    early = await due(stores, Kept.UPLOAD_ROWS)
    for upload_id in ("u2", "u-gone", "u-named"):
        await stores.upload_sweep.mark_swept(upload_id, None)
    found = await due(stores, Kept.UPLOAD_ROWS)
    drop = stores.retention.drop_upload_row
    dropped = [
        await drop(each, BEFORE) for each in ("u1", "u2", "u-kept", "u-gone", "u-named", "u2")
    ]
    left = [
        await stores.uploads.get("default", each) is not None
        for each in ("u1", "u2", "u-kept", "u-gone", "u-named")
    ]
    assert (early, sorted(found)) == ([], ["u-gone", "u2"])
    assert dropped == [False, True, False, True, False, False]
    assert left == [True, False, True, False, True]


async def test_what_other_sweeps_take_is_told_too(stores):
    await succeeded(stores)
    await create(stores, "open")
    lease, *_ = await leased(stores)
    await stores.effects.done(lease, NOON)
    found = {what: await due(stores, what) for what in (Kept.EVENTS, Kept.OPS, Kept.EFFECTS)}
    upload = Upload("u1", "default", "t/1", "f", "video/mp4", 5, NOON, NOON)
    await stores.uploads.create(upload, NOON)
    assert found[Kept.EVENTS] == ["j1"]
    assert "job:j1" in found[Kept.OPS]
    assert "job:open" not in found[Kept.OPS]
    assert found[Kept.EFFECTS] == ["dispatch:x:1"]
    assert await due(stores, Kept.UPLOADS) == ["u1"]


async def leased(stores):
    await stores.effects.add(
        [effects.Effect("dispatch:x:1", effects.EffectKind.DISPATCH, NOON)]
    )
    return await stores.effects.lease(NOON, NOON + DAY, "op", 9)


async def test_deliveries_are_due_once_nothing_more_is_tried(stores):
    endpoint = an_endpoint()
    await stores.webhook_endpoints.add(endpoint, 10)
    ended = replace(a_delivery("d1"), due_at=None, status=DeliveryStatus.DELIVERED)
    await stores.delivery_queue.add([ended, a_delivery("d2")])
    [told] = await stores.retention.due(Kept.DELIVERIES, BEFORE, 9)
    assert told == Due(Kept.DELIVERIES, "d1", endpoint.tenant, ended.created_at)
