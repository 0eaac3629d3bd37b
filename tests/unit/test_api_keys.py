"""Keys: their form, their hashes, and whom they let in."""

import os
from datetime import timedelta

import pytest

from gateway.adapters.memory.keys import MemoryKeyStore
from gateway.core import api_keys
from gateway.core.api_keys import Caller
from gateway.services.api_keys import ApiKeys
from gateway.services.tenants import Tenants
from shared.errors import (
    Conflict,
    Forbidden,
    NotFound,
    TryAgainLater,
    Unauthenticated,
    ValidationFailed,
)
from tests.support.jobs import HandClock

ALL = frozenset({"jobs", "uploads", "read", "admin"})


@pytest.fixture
def keys():
    return ApiKeys(CountingStore(), HandClock(), os.urandom)


class CountingStore(MemoryKeyStore):
    """Keys in memory, that counts what is written of their use, or has no room for it."""

    def __init__(self):
        super().__init__()
        self.noted = 0
        self.is_full = False

    async def note_use(self, key_id, at):
        if self.is_full:
            raise TryAgainLater("the disk is full", public="Later.")
        self.noted += 1
        await super().note_use(key_id, at)


def test_a_key_holds_its_id_and_256_bits_in_lower_case_base32():
    text = api_keys.new_key(bytes(42))
    assert text == f"ck_{'a' * 16}_{'a' * 52}"
    assert api_keys.id_of(text) == "a" * 16


def test_a_key_is_made_of_exactly_the_bytes_it_needs():
    with pytest.raises(ValueError, match="42 random bytes"):
        api_keys.new_key(bytes(41))


@pytest.mark.parametrize(
    "text",
    ["plain-key", "ck_short", "ck_id_" + "a" * 51, "ck_id_" + "A" * 52, "ck_i.d_" + "a" * 52],
)
def test_a_key_of_another_form_goes_by_its_own_hash(text):
    assert api_keys.id_of(text) == f"env_{api_keys.hash_of(text)[:32]}"


async def test_a_new_key_lets_its_tenant_in_with_its_scopes(keys):
    text, key = await keys.create("acme", ["read"], label="ci")
    assert await keys.verify(text) == Caller("acme", frozenset({"read"}), key.key_id)


async def test_what_is_kept_does_not_hold_the_key(keys):
    text, key = await keys.create("acme")
    assert text not in repr(key) + key.sha256
    assert key.sha256 not in repr(key)
    assert await keys.keys_of("acme") == [key]


WRONG = {
    "empty": lambda key: "",
    "last letter": lambda key: key[:-1] + ("a" if key[-1] != "a" else "b"),
    "upper case": str.upper,
    "space behind": lambda key: key + " ",
    "other secret": lambda key: key.rpartition("_")[0] + "_" + "a" * 52,
    "hash": api_keys.hash_of,
    "long": lambda key: "x" * 100_000,
    "no text": lambda key: "\udcff\0",
}


@pytest.mark.parametrize("wrong", WRONG.values(), ids=WRONG.keys())
async def test_anything_but_the_key_itself_is_refused(keys, wrong):
    text, _ = await keys.create("acme")
    with pytest.raises(Unauthenticated):
        await keys.verify(wrong(text))


async def test_a_revoked_key_lets_nobody_in(keys):
    text, key = await keys.create("acme")
    await keys.revoke(key.key_id)
    with pytest.raises(Unauthenticated):
        await keys.verify(text)
    with pytest.raises(NotFound):
        await keys.revoke(key.key_id)


@pytest.mark.parametrize(
    ("tenant", "scopes", "fields"),
    [
        ("a/b", ["read"], ["tenant"]),
        ("output", ["read"], ["tenant"]),
        ("project_x", ["read"], ["tenant"]),
        ("", ["read"], ["tenant"]),
        ("a" * 65, ["read"], ["tenant"]),
        ("acme", [], ["scopes"]),
        ("..", ["write"], ["tenant", "scopes"]),
    ],
)
async def test_d52_a_tenant_or_scope_that_cannot_be_is_named(keys, tenant, scopes, fields):
    with pytest.raises(ValidationFailed) as refused:
        await keys.create(tenant, scopes)
    assert [error.field for error in refused.value.errors] == fields


async def test_d85_old_and_new_key_both_work_during_a_rotation_and_then_only_the_new(keys):
    old, new = "an-old-key-of-another-form", api_keys.new_key(bytes(42))
    await keys.seed([old, new])
    assert {(await keys.verify(each)).tenant for each in (old, new)} == {"default"}
    assert (await keys.verify(old)).scopes == ALL
    await keys.seed([new])
    assert (await keys.verify(new)).tenant == "default"
    with pytest.raises(Unauthenticated):
        await keys.verify(old)


async def test_d120_an_empty_variable_seeds_no_key(keys):
    await keys.seed(["", "a-real-key"])
    assert len(await keys.keys_of("default")) == 1
    with pytest.raises(Unauthenticated):
        await keys.verify("")


DAY = timedelta(days=1)


async def test_a_key_opens_until_it_expires_and_not_an_instant_longer(keys):
    text, key = await keys.create("acme", lives=DAY)
    keys.clock.move(DAY.total_seconds() - 1)
    assert (await keys.verify(text)).key_id == key.key_id
    keys.clock.move(1)
    with pytest.raises(Unauthenticated):
        await keys.verify(text)


@pytest.mark.parametrize("lives", [timedelta(0), -DAY, timedelta(days=4000)])
async def test_a_life_that_cannot_be_is_refused(keys, lives):
    with pytest.raises(ValidationFailed) as refused:
        await keys.create("acme", lives=lives)
    assert [error.field for error in refused.value.errors] == ["expires"]


async def test_d85_a_rotated_key_goes_on_for_the_grace_and_the_new_one_has_its_scopes(keys):
    old_text, old = await keys.create("acme", ["read"], label="ci")
    new_text, new = await keys.rotate(old.key_id, grace=DAY)
    assert (new.tenant, new.scopes, new.label) == ("acme", frozenset({"read"}), "ci")
    assert {(await keys.verify(each)).tenant for each in (old_text, new_text)} == {"acme"}
    keys.clock.move(DAY.total_seconds())
    assert (await keys.verify(new_text)).key_id == new.key_id
    with pytest.raises(Unauthenticated):
        await keys.verify(old_text)


async def test_without_grace_the_old_key_ends_as_the_new_one_is_made(keys):
    old_text, old = await keys.create("acme")
    await keys.rotate(old.key_id, grace=timedelta(0))
    with pytest.raises(Unauthenticated):
        await keys.verify(old_text)


async def test_a_key_is_replaced_once_and_an_environments_key_in_the_environment(keys):
    _, old = await keys.create("acme")
    await keys.rotate(old.key_id, grace=DAY)
    await keys.seed(["a-key-of-the-environment"])
    for key_id in (old.key_id, api_keys.id_of("a-key-of-the-environment")):
        with pytest.raises(Conflict):
            await keys.rotate(key_id, grace=DAY)


async def test_d45_an_admin_of_one_tenant_touches_no_key_of_another(keys):
    text, theirs = await keys.create("acme")
    with pytest.raises(NotFound):
        await keys.rotate(theirs.key_id, grace=DAY, tenant="other")
    with pytest.raises(NotFound):
        await keys.revoke(theirs.key_id, tenant="other")
    assert await keys.keys_of("acme") == [theirs]
    assert (await keys.verify(text)).tenant == "acme"


async def test_the_use_of_a_key_is_noted_once_in_a_while_and_not_at_each(keys):
    text, key = await keys.create("acme")
    for _ in range(600):
        await keys.verify(text)
        keys.clock.move(2)
    assert keys.store.noted == 2
    [noted] = await keys.keys_of("acme")
    assert noted.last_used_at == key.created_at + timedelta(minutes=10)


async def test_a_use_that_cannot_be_written_down_is_no_reason_to_refuse(keys):
    text, _ = await keys.create("acme")
    keys.store.is_full = True
    assert (await keys.verify(text)).tenant == "acme"


async def test_a_suspended_tenant_is_told_so_and_strangers_are_not(keys):
    tenants = Tenants(keys.store, keys.clock)
    text, _ = await keys.create("acme")
    await tenants.suspend("acme")
    with pytest.raises(Forbidden):
        await keys.verify(text)
    with pytest.raises(Unauthenticated):
        await keys.verify(text[:-1])
    await tenants.resume("acme")
    assert (await keys.verify(text)).tenant == "acme"


async def test_a_tenant_is_made_once_under_a_name_that_can_be(keys):
    tenants = Tenants(keys.store, keys.clock)
    await tenants.create("acme")
    with pytest.raises(Conflict):
        await tenants.create("acme")
    with pytest.raises(ValidationFailed):
        await tenants.create("../acme")
    with pytest.raises(NotFound):
        await tenants.suspend("nobody")
    assert [tenant.name for tenant in await tenants.all()] == ["acme"]
