"""Keys: their form, their hashes, and whom they let in."""

import os

import pytest

from gateway.adapters.memory.keys import MemoryKeyStore
from gateway.core import api_keys
from gateway.core.api_keys import Caller
from gateway.services.api_keys import ApiKeys
from shared.errors import NotFound, Unauthenticated, ValidationFailed
from tests.support.jobs import HandClock

ALL = frozenset({"jobs", "uploads", "read", "admin"})


@pytest.fixture
def keys():
    return ApiKeys(MemoryKeyStore(), HandClock(), os.urandom)


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
