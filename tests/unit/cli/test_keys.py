"""`cutroom keys` on a database of its own."""

import asyncio
import json
import secrets
from pathlib import Path

import pytest

from gateway.bootstrap_adapters import sqlite_adapters
from gateway.services.api_keys import ApiKeys
from gateway.settings import load_settings
from shared.errors import Forbidden, Unauthenticated

SETTINGS = {
    "CUTROOM_ENVIRONMENT": "development",
    "CUTROOM_PUBLIC_BASE_URL": "http://127.0.0.1:1",
    "CUTROOM_TOKEN_SECRET": "t" * 32,
    "CUTROOM_STORE_ENDPOINT_URL": "http://127.0.0.1:2",
    "CUTROOM_STORE_BUCKET": "bucket",
    "CUTROOM_STORE_ACCESS_KEY_ID": "id",
    "CUTROOM_STORE_SECRET_ACCESS_KEY": "store-key",
    "CUTROOM_RUNPOD_API_KEY": "runpod-key",
    "CUTROOM_RUNPOD_GPU_ENDPOINT": "gpu",
}


@pytest.fixture
def env_file(folder: Path) -> Path:
    path = folder / "gateway.env"
    settings = SETTINGS | {"CUTROOM_DATABASE_PATH": str(folder / "keys.sqlite3")}
    path.write_text("".join(f"{name}='{value}'\n" for name, value in settings.items()))
    return path


def tenant_of(key: str, env_file: Path) -> str:
    async def verify() -> str:
        has = sqlite_adapters(load_settings(env_file))
        try:
            keys = ApiKeys(has.keys, has.clock, secrets.token_bytes)
            return (await keys.verify(key)).tenant
        finally:
            await has.close()

    return asyncio.run(verify())


def test_a_new_key_opens_its_tenant_and_is_shown_once(cutroom, env_file):
    made = cutroom("keys", "create", "--tenant", "shop", "--env-file", str(env_file))
    key = made.stdout.strip()
    listed = cutroom("keys", "list", "--tenant", "shop", "--env-file", str(env_file))
    assert tenant_of(key, env_file) == "shop"
    assert key.split("_")[1] in listed.stdout
    assert key.split("_")[2] not in listed.stdout


def test_a_key_can_be_printed_for_a_program(cutroom, env_file):
    made = cutroom("keys", "create", "--tenant", "shop", "--json", "--env-file", str(env_file))
    assert tenant_of(json.loads(made.stdout)["api_key"], env_file) == "shop"


def test_a_revoked_key_opens_nothing(cutroom, env_file):
    made = cutroom("keys", "create", "--tenant", "shop", "--env-file", str(env_file))
    key = made.stdout.strip()
    ended = cutroom("keys", "revoke", key.split("_")[1], "--env-file", str(env_file))
    assert ended.exit_code == 0
    with pytest.raises(Unauthenticated):
        tenant_of(key, env_file)


def test_revoking_what_is_not_there_fails(cutroom, env_file):
    said = cutroom("keys", "revoke", "nobody", "--env-file", str(env_file))
    assert said.exit_code == 1
    assert "no such key" in said.stderr


def test_a_scope_that_is_none_is_named(cutroom, env_file):
    said = cutroom(
        *("keys", "create", "--tenant", "shop", "--scopes", "jobs,fly"),
        *("--env-file", str(env_file)),
    )
    assert said.exit_code == 1
    assert "scopes" in said.stderr


def test_missing_settings_are_named(cutroom):
    said = cutroom("keys", "list", "--tenant", "shop")
    assert said.exit_code == 1
    assert "CUTROOM_DATABASE_PATH" in said.stderr


def test_a_rotated_key_goes_on_and_the_new_one_opens_the_same(cutroom, env_file):
    at = ("--env-file", str(env_file))
    old = cutroom("keys", "create", "--tenant", "shop", *at).stdout.strip()
    made = cutroom("keys", "rotate", old.split("_")[1], "--json", *at)
    new = json.loads(made.stdout)
    assert tenant_of(old, env_file) == tenant_of(new["api_key"], env_file) == "shop"
    listed = cutroom("keys", "list", "--tenant", "shop", *at).stdout
    assert "expires" in listed
    assert new["api_key"].split("_")[2] not in listed
    again = cutroom("keys", "rotate", old.split("_")[1], *at)
    assert again.exit_code == 1


def test_a_key_is_not_touched_for_a_tenant_that_is_not_its_own(cutroom, env_file):
    at = ("--env-file", str(env_file))
    key = cutroom("keys", "create", "--tenant", "shop", *at).stdout.strip()
    for command in ("rotate", "revoke"):
        said = cutroom("keys", command, key.split("_")[1], "--tenant", "other", *at)
        assert said.exit_code == 1
        assert "no such key" in said.stderr
    assert tenant_of(key, env_file) == "shop"


def test_a_key_for_no_time_is_refused(cutroom, env_file):
    said = cutroom(
        *("keys", "create", "--tenant", "shop", "--expires-days", "0"),
        *("--env-file", str(env_file)),
    )
    assert said.exit_code == 1
    assert "expires" in said.stderr


def test_a_suspended_tenants_keys_open_nothing_until_it_goes_on(cutroom, env_file):
    at = ("--env-file", str(env_file))
    assert cutroom("tenants", "create", "shop", *at).exit_code == 0
    key = cutroom("keys", "create", "--tenant", "shop", *at).stdout.strip()
    cutroom("tenants", "suspend", "shop", *at)
    assert "shop" in cutroom("tenants", "list", *at).stdout
    with pytest.raises(Forbidden):
        tenant_of(key, env_file)
    cutroom("tenants", "resume", "shop", *at)
    assert tenant_of(key, env_file) == "shop"
    assert cutroom("tenants", "suspend", "nobody", *at).exit_code == 1
    assert cutroom("tenants", "create", "shop", *at).exit_code == 1
