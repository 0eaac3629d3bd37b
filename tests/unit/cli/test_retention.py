"""`cutroom retention` and `cutroom tenants erase` on a database of their own."""

import asyncio
import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from gateway.bootstrap_adapters import sqlite_adapters
from gateway.core.upload import Asset, Upload
from gateway.settings import load_settings
from tests.unit.cli.test_keys import SETTINGS

NOW = datetime.now(UTC)


@pytest.fixture
def env_file(folder: Path) -> Path:
    path = folder / "gateway.env"
    settings = SETTINGS | {
        "CUTROOM_DATABASE_PATH": str(folder / "kept.sqlite3"),
        "CUTROOM_RETENTION_ASSETS_DAYS": "30",
        "CUTROOM_RETENTION_OUTPUTS_DAYS": "30",
    }
    path.write_text("".join(f"{name}='{value}'\n" for name, value in settings.items()))
    return path


@pytest.fixture
def old_asset(cutroom, env_file: Path) -> str:
    """An asset that came long ago, of a tenant that has a key."""
    cutroom("keys", "create", "--tenant", "shop", "--env-file", str(env_file))
    at = NOW - timedelta(days=31)
    upload = Upload("u1", "shop", "shop/uploads/u1.mp4", "f", "video/mp4", 5, at, at)
    asset = Asset("a1", "shop", "u1", upload.key, "f", "video/mp4", 5, "e", at)

    async def put() -> None:
        has = sqlite_adapters(load_settings(env_file))
        try:
            await has.uploads.create(upload, at)
            await has.uploads.complete(asset)
        finally:
            await has.close()

    asyncio.run(put())
    return asset.asset_id


def test_a_dry_run_tells_what_would_go_and_why(cutroom, env_file, old_asset):
    asked = ("retention", "--dry-run", "--env-file", str(env_file))
    shown = cutroom(*asked)
    told = json.loads(cutroom(*asked, "--json").stdout)
    again = json.loads(cutroom(*asked, "--json").stdout)
    [asset] = [each for each in told if each["what"] == "assets"]
    assert (asset["id"], asset["tenant"]) == (old_asset, "shop")
    assert asset["why"] == "kept 30 days (CUTROOM_RETENTION_ASSETS_DAYS)"
    assert old_asset in shown.stdout
    assert again == told


@pytest.mark.usefixtures("old_asset")
def test_without_it_things_go(cutroom, env_file):
    asked = ("retention", "--env-file", str(env_file), "--json")
    first, second = (json.loads(cutroom(*asked).stdout) for _ in "12")
    left = json.loads(cutroom(*asked, "--dry-run").stdout)
    assert (first, second) == ({"gone": 1}, {"gone": 0})
    assert [each for each in left if each["what"] == "assets"] == []


def test_the_bucket_gets_rules_for_these_settings(cutroom, env_file):
    answer = cutroom("retention", "--bucket-rules", "--env-file", str(env_file))
    rules = {each["id"]: each for each in json.loads(answer.stdout)["rules"]}
    age = rules["expire-outputs"]["deleteObjectsTransition"]["condition"]
    assert age == {"type": "Age", "maxAge": 45 * 86_400}
    assert set(rules) == {"abort-uploads", "expire-outputs"}


@pytest.mark.usefixtures("old_asset")
def test_a_tenant_is_erased_only_if_that_is_meant(cutroom, env_file):
    asked = ("tenants", "erase", "shop", "--env-file", str(env_file))
    refused = cutroom(*asked)
    begun, again = (cutroom(*asked, "--yes").stdout for _ in "12")
    nobody = cutroom("tenants", "erase", "nobody", "--yes", "--env-file", str(env_file))
    listed = cutroom("tenants", "erasures", "--env-file", str(env_file))
    assert (refused.exit_code, nobody.exit_code) == (2, 1)
    assert begun == again
    assert begun.startswith("shop is being erased: ")
    assert "shop" in listed.stdout
