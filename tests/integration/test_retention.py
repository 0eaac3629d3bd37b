"""What a tick lets go of by the settings of the group `retention`, and what it keeps."""

import pytest

from gateway.core.retention import Kept
from gateway.services.retain import AT_ONCE, Retain
from gateway.wiring_keeping import retain
from tests.support.jobs import STORES
from tests.support.removal import finished
from tests.support.s4 import an_s4
from tests.support.world import a_world, calling

DAY_S = 86_400
KEPT = {"outputs_days": 2, "assets_days": 2, "jobs_days": 5, "upload_rows_days": 3}


@pytest.fixture(params=STORES.values(), ids=STORES.keys())
async def opened(request):
    return request.param


async def ticked_after(world, seconds, times=1):
    for _ in range(times):
        world.clock.move(seconds)
        await world.gateway.tick()


async def bucket(world):
    return await world.objects.list_keys("", None, 100)


def source(asset_id):
    return {"n": 1, "source": {"asset_id": asset_id}}


async def put_asset(world):
    """An asset with an object of its own."""
    asset_id = await world.an_asset()
    asset = await world.assets.get("default", asset_id)
    signed = world.signer.sign_put(asset.key, expires_s=60, content_type="video/mp4")
    assert world.objects.put(signed.url, b"x", signed.headers).status == 200
    return asset


async def test_d141_of_an_aged_store_exactly_what_has_expired_goes(opened, tmp_path):
    """Referenced: an input of an open job, outputs one reads, an asset of a fresh job."""
    async with a_world(opened, tmp_path, retention=KEPT) as world:
        idle, open_input, fresh_input = [await put_asset(world) for _ in "123"]
        old, _ = await finished(world)
        read, _ = await finished(world)
        late = {"deadline_s": 7 * DAY_S}
        output = {"n": 1, "source": {"job_id": read, "output": "video"}}
        reader = await world.submit(input=output, **late)
        waiting = await world.submit(input=source(open_input.asset_id), **late)
        await ticked_after(world, 2 * DAY_S - 60)
        before = await bucket(world)
        fresh, _ = await finished(world, input=source(fresh_input.asset_id))
        await ticked_after(world, 120, times=3)
        after = await bucket(world)
        jobs = [await world.stores.jobs.get(each, tenant="default") for each in (old, read)]
        assert f"output/{old}/1/video.mp4" in before
        assert {idle.key, open_input.key, fresh_input.key} <= set(before)
        assert set(before) - set(after) == {f"output/{old}/1/video.mp4", idle.key}
        assert f"output/{read}/1/video.mp4" in after
        assert f"output/{fresh}/1/video.mp4" in after
        assert {open_input.key, fresh_input.key} <= set(after)
        assert [job.outputs_expired_at is None for job in jobs] == [False, True]
        assert {(await world.job(each)).status for each in (reader, waiting)} == {"queued"}


async def test_d141_nothing_goes_that_nobody_set_a_time_for(opened, tmp_path):
    async with a_world(opened, tmp_path) as world:
        asset = await put_asset(world)
        job_id, _ = await finished(world, input=source(asset.asset_id))
        await ticked_after(world, 4000 * DAY_S, times=3)
        job = await world.stores.jobs.get(job_id, tenant="default")
        assert await bucket(world) == [asset.key, f"output/{job_id}/1/video.mp4"]
        assert job.outputs_expired_at is None


async def test_a_job_whose_outputs_have_expired_is_shown_without_urls(opened, tmp_path):
    async with a_world(opened, tmp_path, retention=KEPT) as world:
        async with calling(world, await world.a_key()) as http:
            job_id, _ = await finished(world)
            shown = (await http.get(f"/v1/jobs/{job_id}")).json()
            await ticked_after(world, 2 * DAY_S + 1, times=2)
            expired = (await http.get(f"/v1/jobs/{job_id}")).json()
            listed = (await http.get("/v1/jobs")).json()["items"]
            reader = {"kind": "test.copy", "input": {"source": {"job_id": job_id}}}
            reader["input"]["source"]["output"] = "video"
            refused = await http.post("/v1/jobs", json=reader)
            again = {"kind": "test.copy", "input": {"n": 1}, "reuse": True}
            anew = await http.post("/v1/jobs", json=again)
        [output] = expired["outputs"]
        assert shown["outputs_expire_at"] == "2026-11-23T12:00:00.000000Z"
        assert expired["outputs_expire_at"] == "2026-11-23T12:00:01.000000Z"
        assert (expired["status"], expired["result"]) == ("succeeded", {"n": 1})
        assert (output["url"], output["expires_at"], output["name"]) == (None, None, "video")
        assert listed == [expired]
        assert (refused.status_code, refused.json()["code"]) == (404, "output_not_found")
        assert (anew.status_code, anew.json()["reused_from"]) == (202, None)


@pytest.mark.parametrize("store", STORES)
async def test_an_export_whose_output_has_expired_is_shown_without_its_url(tmp_path, store):
    async with an_s4(store, tmp_path, retention={"outputs_days": 1}) as s4:
        job_id = await s4.started()
        await s4.finished(job_id)
        before = (await s4.http.get(f"/api/jobs/{job_id}")).json()
        await ticked_after(s4.world, DAY_S + 1, times=2)
        after = (await s4.http.get(f"/api/jobs/{job_id}")).json()
    assert before["output_url"]
    assert (after["status"], after["output_url"]) == ("complete", None)


async def test_reused_outputs_age_from_when_they_were_made_and_go_with_the_last(
    opened, tmp_path
):
    again = {"input": {"n": 1}, "reuse": True}
    async with a_world(opened, tmp_path, retention={"outputs_days": 3}) as world:
        first, _ = await finished(world)
        await ticked_after(world, DAY_S)
        second = await world.submit(**again)
        await ticked_after(world, DAY_S + 1)
        too_late = await world.submit(**again)
        await ticked_after(world, DAY_S, times=2)
        expired = [(await world.job(each)).outputs_expired_at for each in (first, second)]
        assert (await world.job(second)).reused_from == first
        assert (await world.job(too_late)).reused_from is None
        assert all(expired)
        assert f"output/{first}/1/video.mp4" not in await bucket(world)


async def test_jobs_go_with_all_they_have_but_their_costs(opened, tmp_path):
    async with a_world(opened, tmp_path, retention=KEPT) as world:
        job_id, _ = await finished(world, labels={"a": "b"})
        await ticked_after(world, 5 * DAY_S + 1, times=3)
        assert await world.stores.jobs.get(job_id) is None
        assert await bucket(world) == []
        assert (await world.stores.attempts.costs(job_id)).actual_micro_usd is not None


async def test_rows_of_uploads_go_after_their_objects(opened, tmp_path):
    async with a_world(opened, tmp_path, retention=KEPT) as world:
        asset = await put_asset(world)
        await world.assets.delete("default", asset.asset_id, world.clock.now())
        await ticked_after(world, 2 * DAY_S)
        after_the_sweep = await world.uploads.get("default", asset.upload_id)
        await ticked_after(world, 2 * DAY_S)
        assert after_the_sweep is not None
        assert await world.uploads.get("default", asset.upload_id) is None


async def test_a_tick_lets_go_of_so_many_and_the_next_one_of_more(tmp_path):
    async with a_world(STORES["memory"], tmp_path, retention=KEPT) as world:
        for _ in range(AT_ONCE + 2):
            await world.an_asset()
        await ticked_after(world, 2 * DAY_S + 1)
        left = [await due(world, Kept.ASSETS)]
        await ticked_after(world, 1)
        left.append(await due(world, Kept.ASSETS))
        assert [len(each) for each in left] == [2, 0]


async def test_what_is_old_is_looked_for_now_and_then_and_not_at_each_tick(tmp_path):
    async with a_world(STORES["memory"], tmp_path, retention=KEPT) as world:
        await world.an_asset()
        await ticked_after(world, 2 * DAY_S - 1)
        for _ in range(2):
            await ticked_after(world, 2)
        early = await due(world, Kept.ASSETS)
        await ticked_after(world, 60)
        assert (len(early), await due(world, Kept.ASSETS)) == (1, [])


def of(world) -> Retain:
    """What the command has beside the gateway."""
    stores = world.stores
    return retain(world.settings, stores.retention, stores.job_removal, world.clock)


async def due(world, what):
    found = await of(world).due(100)
    [mine] = [things for rule, things in found if rule.what is what]
    return mine


async def test_a_dry_run_says_what_would_go_and_why_and_changes_nothing(opened, tmp_path):
    async with a_world(opened, tmp_path, retention=KEPT) as world:
        asset = await put_asset(world)
        job_id, _ = await finished(world)
        world.clock.move(2 * DAY_S + 1)
        before = await bucket(world)
        found = {rule.what: (rule.why, things) for rule, things in await of(world).due(100)}
        why, [output] = found[Kept.OUTPUTS]
        assert (output.id, output.tenant) == (job_id, "default")
        assert why == "kept 2 days (CUTROOM_RETENTION_OUTPUTS_DAYS)"
        assert [each.id for each in found[Kept.ASSETS][1]] == [asset.asset_id]
        assert (found[Kept.JOBS][1], found[Kept.UPLOAD_ROWS][1]) == ([], [])
        assert [each.id for each in found[Kept.EVENTS][1]] == [job_id]
        assert await bucket(world) == before
        assert await world.assets.get("default", asset.asset_id) is not None


async def test_a_class_that_is_kept_for_ever_is_not_among_what_is_due(tmp_path):
    async with a_world(STORES["memory"], tmp_path) as world:
        found = [rule.what for rule, _ in await of(world).due(1)]
    assert not {Kept.OUTPUTS, Kept.ASSETS, Kept.JOBS} & set(found)
    assert {Kept.UPLOADS, Kept.EVENTS, Kept.IDEMPOTENCY_KEYS, Kept.OPS} <= set(found)


async def test_a_store_that_fails_delays_the_objects_end(opened, tmp_path):
    async with a_world(opened, tmp_path, retention=KEPT) as world:
        job_id, _ = await finished(world)
        world.objects.available = False
        await ticked_after(world, 2 * DAY_S + 1)
        noted = (await world.job(job_id)).outputs_expired_at
        world.objects.available = True
        await ticked_after(world, 120)
        assert noted is not None
        assert await bucket(world) == []
