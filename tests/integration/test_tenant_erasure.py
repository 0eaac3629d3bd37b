"""A tenant's erasure: nothing of theirs is left, in no table and under no key, but a cost."""

import re
import sqlite3
from contextlib import closing

import pytest

from gateway.core.effects import erase_tenant
from gateway.ports.erasure_store import Left
from gateway.services.erase_tenant import CarryOutErasure, EraseTenant
from gateway.services.perform_effects import PutOff
from shared.errors import NotFound
from tests.support.jobs import STORES_AND_KEYS
from tests.support.mortal import Killed, Life, Mortal
from tests.support.removal import finished
from tests.support.upload_desk import MP4
from tests.support.world import a_world, calling

ACME, OTHER = "acme-corp", "other-inc"
DAY_S = 86_400
MARKS = ("acme", "holiday", "secret-label", "hooks.example.com")


in_memory = pytest.mark.parametrize("world", ["memory"], indirect=True)
in_sqlite = pytest.mark.parametrize("world", ["sqlite"], indirect=True)


@pytest.fixture(params=STORES_AND_KEYS)
async def world(request, tmp_path):
    async with a_world(STORES_AND_KEYS[request.param], tmp_path) as world:
        yield world


async def erase(world, tenant=ACME):
    """Ask for the erasure, as the command does."""
    return await EraseTenant(world.stores.erasures, world.clock, world.adapters().new_id)(
        tenant
    )


async def let_it_end(world, days=4):
    """Let URLs die and ops grow old, a tick now and then; a server's ticks are denser."""
    for _ in range(days * 2):
        world.clock.move(DAY_S / 2)
        await world.gateway.tick()
    for _ in range(3):
        world.clock.move(61)
        await world.gateway.tick()


async def live(world, tenant):
    """Do all there is to do as a tenant; return ids of what is theirs."""
    async with calling(world, await world.a_key(tenant)) as http:
        said = {"filename": "holiday.mp4", "content_type": "video/mp4", "size_bytes": len(MP4)}
        pending = (await http.post("/v1/uploads", json=said)).json()
        world.objects.put(pending["url"], MP4, pending["headers"])
        parts = (await http.post("/v1/uploads", json={**said, "multipart": True})).json()
        assets = []
        for _ in "123":
            upload = (await http.post("/v1/uploads", json=said)).json()
            world.objects.put(upload["url"], MP4, upload["headers"])
            done = await http.post(f"/v1/uploads/{upload['upload_id']}/complete", json={})
            assets.append(done.json()["asset_id"])
        await http.delete(f"/v1/assets/{assets[2]}")
        hook = {"url": "https://hooks.example.com/acme", "events": ["all"]}
        await http.post("/v1/webhook-endpoints", json=hook)
        await world.stores.export_projects.put_project(tenant, 1, assets[1], world.clock.now())
        reads = {"n": 1, "source": {"asset_id": assets[0]}}
        labels = {"secret-label": "holiday"}
        mine = {"tenant": tenant, "labels": labels}
        first, _ = await finished(world, key="secret-label-key", input=reads, **mine)
        again = await world.submit(input=reads, reuse=True, **mine)
        failed, worker = await world.dispatched(input={"n": 2}, **mine)
        await worker.claim()
        await worker.fail("invalid_request", "holiday.mp4 is broken")
        running, worker = await world.dispatched(input={"n": 3}, **mine)
        await worker.claim()
        await worker.put("video")
        waiting = await world.submit(input={"n": 4}, **mine)
        deleted, _ = await finished(world, input={"n": 5}, **mine)
        await http.delete(f"/v1/jobs/{deleted}")
    exports = world.gateway.app.state.export_inputs
    promised, signed = await exports.promise(tenant, job_id=None, **said)
    world.objects.put(signed.url, MP4, signed.headers)
    jobs = [first, again, failed, running, waiting, deleted]
    return {
        "jobs": jobs,
        "uploads": [pending["upload_id"], parts["upload_id"], promised.upload_id],
        "assets": assets,
    }


async def bucket(world):
    return await world.objects.list_keys("", None, 1000)


def dump(tmp_path):
    """All that stands in any table, a text a table."""
    with closing(sqlite3.connect(tmp_path / "cutroom.db")) as connection:
        names = connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")
        return {
            name: repr(connection.execute(f"SELECT * FROM {name}").fetchall())  # noqa: S608 - its own names
            for (name,) in names.fetchall()
        }


def tells(text, *words):
    """Which of these a table's text has, whole or as a part of something between marks."""
    return [each for each in words if re.search(rf"(?<![a-z0-9]){each}(?![a-z0-9])", text)]


async def test_nothing_of_the_tenant_is_left_in_any_table_but_what_was_spent(tmp_path):
    async with a_world(STORES_AND_KEYS["sqlite"], tmp_path) as world:
        theirs = await live(world, ACME)
        before = dump(tmp_path)
        await erase(world)
        await let_it_end(world)
        after = dump(tmp_path)
        costs = [await world.stores.attempts.costs(each) for each in theirs["jobs"]]
    ids = [*theirs["jobs"], *theirs["uploads"], *theirs["assets"]]
    told = {table: tells(text, *MARKS, *ids) for table, text in after.items()}
    spent = set(told.pop("ledger")) - set(theirs["jobs"])
    assert {mark for mark in MARKS for text in before.values() if mark in text} == set(MARKS)
    assert {table: found for table, found in told.items() if found} == {}
    assert spent == set()
    assert "erased-" in after["ledger"]
    assert sum(each.actual_micro_usd or 0 for each in costs) > 0
    assert all(each.reserved_micro_usd == 0 for each in costs)


async def test_nothing_of_the_tenant_is_left_in_the_bucket(world):
    theirs = await live(world, ACME)
    await live(world, OTHER)
    before = await bucket(world)
    await erase(world)
    await let_it_end(world)
    after = await bucket(world)
    named = [*theirs["jobs"], *theirs["uploads"]]
    mine = [key for key in before if key.startswith(ACME) or key.split("/")[1] in named]
    assert len(mine) > 5
    assert not set(mine) & set(after)
    assert [key for key in after if key.startswith(ACME)] == []
    assert [key for key in after if key.startswith(OTHER)] != []


@in_sqlite
async def test_another_tenant_loses_nothing(world):
    await live(world, ACME)
    theirs = await live(world, OTHER)
    await erase(world)
    await world.gateway.tick()
    first, again, *_ = theirs["jobs"]
    headers = await world.a_key(OTHER)
    async with calling(world, headers) as http:
        jobs = [(await http.get(f"/v1/jobs/{each}")).json() for each in (first, again)]
        asset = await http.get(f"/v1/assets/{theirs['assets'][0]}")
        hooks = await http.get("/v1/webhook-endpoints")
    assert [world.objects.get(each["outputs"][0]["url"]).status for each in jobs] == [200, 200]
    assert asset.status_code == 200
    assert len(hooks.json()["items"]) == 1


async def test_from_the_answer_on_nobody_gets_in_and_work_ends(world):
    headers = await world.a_key(ACME)
    theirs = await live(world, ACME)
    running = theirs["jobs"][3]
    _, worker = await world.dispatched(tenant=ACME)
    await worker.claim()
    async with calling(world, headers) as http:
        await erase(world)
        closed = await http.get("/v1/jobs")
        await world.gateway.tick()
        told = await worker.report("heartbeat")
        late = await http.post("/v1/jobs", json={"kind": "test.copy", "input": {"n": 9}})
    job = await world.stores.jobs.get(running)
    assert closed.status_code in (401, 403)
    assert job.status == "cancelled"
    assert await world.stores.erasures.open_jobs(ACME, 9) == []
    assert (told.cancel, late.status_code) == (True, 401)


@in_memory
async def test_objects_go_at_once_where_they_may(world):
    await live(world, ACME)
    await erase(world)
    for _ in range(3):
        await world.gateway.tick()
    left = await bucket(world)
    assert [key for key in left if key.startswith((ACME, "input/"))] == []


async def test_asked_for_again_it_is_the_same_and_done_it_is_no_tenants(world):
    await world.a_key(ACME)
    first, second = [await erase(world) for _ in "12"]
    await let_it_end(world)
    [(done, left)] = await EraseTenant(world.stores.erasures, world.clock, lambda: "x").all()
    with pytest.raises(NotFound):
        await erase(world)
    with pytest.raises(NotFound):
        await erase(world, "nobody")
    assert first == second
    assert (done.tenant, left) == (None, Left(0, 0))
    assert done.done_at is not None


@in_memory
async def test_the_name_may_be_used_anew_and_nothing_comes_back(world):
    await live(world, ACME)
    await erase(world)
    await let_it_end(world)
    async with calling(world, await world.a_key(ACME)) as http:
        jobs = (await http.get("/v1/jobs")).json()["items"]
        body = {"kind": "test.copy", "input": {"n": 1}, "reuse": True}
        anew = (await http.post("/v1/jobs", json=body)).json()
    assert jobs == []
    assert (anew["status"], anew["reused_from"]) == ("queued", None)


async def test_an_upload_that_comes_in_late_is_taken_along(world):
    """One that was let in just before, and writes its row when all others have gone."""
    await world.a_key(ACME)
    await erase(world)
    await world.gateway.tick()
    late = await world.an_asset(ACME)
    await let_it_end(world)
    assert await world.assets.get(ACME, late) is None
    assert [each.tenant for each in await world.stores.erasures.all()] == [None]


@in_memory
async def test_an_object_that_no_row_names_goes_too(world):
    await world.a_key(ACME)
    signed = world.signer.sign_put(
        f"{ACME}/uploads/stray.mp4", expires_s=60, content_type="video/mp4"
    )
    world.objects.put(signed.url, b"x", signed.headers)
    await erase(world)
    await let_it_end(world)
    assert await bucket(world) == []


@in_sqlite
@pytest.mark.parametrize("answer_lost", [False, True], ids=["before", "after"])
async def test_killed_at_any_call_it_goes_on_where_it_was(world, answer_lost):
    await live(world, ACME)
    erasure = await erase(world)
    effect = erase_tenant(erasure.id, at=world.clock.now())
    deaths = 0
    for calls in range(1, 60):
        life = Life(calls, answer_lost=answer_lost)
        try:
            await mortal_performer(world, life)(effect)
        except Killed:
            deaths += 1
        except PutOff:
            continue
    await let_it_end(world)
    assert deaths >= 5
    assert (await world.stores.erasures.get(erasure.id)).done_at is not None
    assert await bucket(world) == []


def mortal_performer(world, life):
    """What performs the effect, in a process that dies after so many calls of its ports."""
    stores = world.stores
    ports = (
        stores.erasures,
        stores.job_removal,
        world.cases.cancel.change,
        stores.uploads,
        stores.assets,
    )
    store, removal, change, uploads, assets = (Mortal(each, life) for each in ports)
    objects = Mortal(world.objects, life)
    return CarryOutErasure(
        store, removal, change, uploads, assets, objects, objects, world.clock
    )


@in_memory
async def test_a_bucket_that_fails_delays_the_end(world):
    await live(world, ACME)
    erasure = await erase(world)
    world.objects.available = False
    await let_it_end(world)
    under_way = await world.stores.erasures.get(erasure.id)
    world.objects.available = True
    await let_it_end(world)
    assert under_way.done_at is None
    assert (await world.stores.erasures.get(erasure.id)).done_at is not None
    assert await bucket(world) == []
