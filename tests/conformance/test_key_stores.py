"""What every KeyStore promises."""

import asyncio
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import timedelta

import pytest

from gateway.adapters.memory.keys import MemoryKeyStore
from gateway.adapters.sql.keys import SqlKeyStore
from gateway.adapters.sqlite.engine import SqliteEngine
from gateway.core.api_keys import ApiKey
from gateway.core.tenants import Tenant
from shared.errors import Conflict
from tests.support.databases import new_database
from tests.support.jobs import NOON

LATER = NOON + timedelta(hours=1)


@asynccontextmanager
async def in_memory(_):
    yield MemoryKeyStore()


@asynccontextmanager
async def in_sqlite(folder):
    new_database(folder / "cutroom.db", NOON)
    async with SqliteEngine(folder / "cutroom.db") as engine:
        yield SqlKeyStore(engine)


STORES = {"memory": in_memory, "sqlite": in_sqlite}


@pytest.fixture(params=STORES.values(), ids=STORES.keys())
async def store(request, tmp_path):
    async with request.param(tmp_path) as store:
        yield store


def a_key(key_id="k1", **fields):
    given = {
        "tenant": "acme",
        "label": "ci",
        "sha256": "ab" * 32,
        "scopes": frozenset({"read", "jobs"}),
        "created_at": NOON,
    }
    return ApiKey(key_id=key_id, **{**given, **fields})


async def test_a_key_added_is_the_key_got(store):
    await store.add(a_key())
    assert await store.get("k1") == a_key()


async def test_an_unknown_id_finds_nothing(store):
    assert await store.get("nobody") is None


async def test_an_id_is_given_once_also_when_raced(store):
    keys = [a_key(sha256=f"{n:064d}") for n in range(5)]
    outcomes = await asyncio.gather(*(store.add(key) for key in keys), return_exceptions=True)
    assert sorted(type(each).__name__ for each in outcomes) == ["Conflict"] * 4 + ["NoneType"]
    with pytest.raises(Conflict):
        await store.add(a_key(tenant="other"))


async def test_a_tenants_keys_come_oldest_first_and_no_others(store):
    await store.add(a_key("k2", created_at=LATER))
    await store.add(a_key("k3"))
    await store.add(a_key("k1"))
    await store.add(a_key("k0", tenant="other"))
    assert [key.key_id for key in await store.keys_of("acme")] == ["k1", "k3", "k2"]
    assert await store.keys_of("nobody") == []


async def test_a_key_is_revoked_once_and_kept(store):
    await store.add(a_key())
    assert await store.revoke("k1", LATER) is True
    assert await store.revoke("k1", LATER + timedelta(hours=1)) is False
    assert await store.revoke("nobody", LATER) is False
    assert await store.get("k1") == a_key(revoked_at=LATER)


async def test_seeding_again_changes_nothing(store):
    seeded = a_key(seeded=True)
    await store.seed([seeded], NOON)
    await store.seed([replace(seeded, created_at=LATER)], LATER)
    assert await store.keys_of("acme") == [seeded]


async def test_d85_a_key_that_is_seeded_no_more_is_revoked_and_can_come_back(store):
    old, new = a_key("old", seeded=True), a_key("new", seeded=True)
    await store.seed([old, new], NOON)
    await store.seed([new], LATER)
    assert await store.get("old") == replace(old, revoked_at=LATER)
    assert await store.get("new") == new
    await store.seed([old, new], LATER)
    assert await store.get("old") == old


async def test_seeding_none_revokes_all_that_were_seeded_and_only_those(store):
    await store.add(a_key("made"))
    await store.seed([a_key("seeded", seeded=True)], NOON)
    await store.seed([], LATER)
    assert await store.get("made") == a_key("made")
    assert (await store.get("seeded")).revoked_at == LATER


async def test_a_seed_does_not_take_over_a_key_that_was_made(store):
    await store.add(a_key("k1"))
    await store.seed([a_key("k1", seeded=True, sha256="cd" * 32)], NOON)
    assert await store.get("k1") == a_key("k1")


async def test_a_key_keeps_its_expiry_and_the_last_use_that_was_noted(store):
    await store.add(a_key(expires_at=LATER))
    await store.note_use("k1", NOON)
    await store.note_use("k1", NOON - timedelta(minutes=1))
    await store.note_use("nobody", NOON)
    assert await store.get("k1") == a_key(expires_at=LATER, last_used_at=NOON)


async def test_a_replaced_key_ends_and_the_new_one_is_there(store):
    old, new = a_key("old"), a_key("new", created_at=LATER)
    await store.add(old)
    assert await store.replace(old, new, NOON, LATER) is True
    assert await store.get("old") == replace(old, expires_at=LATER, replaced_by="new")
    assert await store.keys_of("acme") == [await store.get("old"), new]


async def test_of_racing_replacements_one_is_made(store):
    old = a_key("old")
    await store.add(old)
    racing = [store.replace(old, a_key(f"new{n}"), NOON, LATER) for n in range(5)]
    assert sorted(await asyncio.gather(*racing)) == [False] * 4 + [True]
    assert len(await store.keys_of("acme")) == 2


async def test_a_key_that_expires_sooner_is_not_given_longer_by_its_replacement(store):
    old = a_key("old", expires_at=NOON + timedelta(minutes=1))
    await store.add(old)
    await store.replace(old, a_key("new"), NOON, LATER)
    assert (await store.get("old")).expires_at == NOON + timedelta(minutes=1)


UNFIT = {
    "revoked": {"revoked_at": NOON},
    "expired": {"expires_at": NOON},
    "seeded": {"seeded": True},
}


@pytest.mark.parametrize("fields", UNFIT.values(), ids=UNFIT.keys())
async def test_what_is_not_live_or_seeded_is_not_replaced(store, fields):
    old = a_key("old", **fields)
    keep = {False: store.add, True: lambda key: store.seed([key], NOON)}[old.seeded]
    await keep(old)
    assert await store.replace(old, a_key("new"), NOON, LATER) is False
    assert await store.get("new") is None


async def test_d45_a_tenant_cannot_revoke_the_key_of_another(store):
    await store.add(a_key())
    assert await store.revoke("k1", LATER, tenant="other") is False
    assert (await store.get("k1")).revoked_at is None
    assert await store.revoke("k1", LATER, tenant="acme") is True


async def test_tenants_are_made_once_and_listed_by_name(store):
    assert await store.add_tenant(Tenant("zoo", NOON)) is True
    assert await store.add_tenant(Tenant("zoo", LATER)) is False
    await store.add(a_key())
    assert await store.tenants() == [Tenant("acme", NOON), Tenant("zoo", NOON)]


async def test_the_keys_of_a_suspended_tenant_say_so_until_it_goes_on(store):
    await store.add(a_key())
    assert await store.is_suspended("acme") is False
    assert await store.suspend("acme", NOON) is True
    await store.suspend("acme", LATER)
    assert await store.get("k1") == a_key(suspended=True)
    assert await store.is_suspended("acme") is True
    assert await store.tenants() == [Tenant("acme", NOON, NOON)]
    await store.suspend("acme", None)
    assert await store.get("k1") == a_key()
    assert await store.suspend("nobody", NOON) is False
    assert await store.is_suspended("nobody") is False
