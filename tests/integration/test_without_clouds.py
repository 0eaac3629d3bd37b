"""A gateway in development that has no store and no RunPod: it starts, and is not ready."""

import httpx
import pytest

from gateway.bootstrap import build_gateway
from gateway.bootstrap_adapters import sqlite_adapters
from gateway.settings import settings_from

KEY = "a-key-that-an-older-system-made"


@pytest.fixture
async def client(tmp_path):
    settings = settings_from(
        {
            "ENVIRONMENT": "development",
            "DATABASE_URL": f"sqlite:///{tmp_path}/cutroom.db",
            "CUTROOM_PUBLIC_BASE_URL": "http://127.0.0.1:1",
            "CUTROOM_TOKEN_SECRET": "t" * 40,
            "WORKERS_API_KEY": KEY,
        }
    )
    app = build_gateway(settings, sqlite_adapters(settings)).app
    transport = httpx.ASGITransport(app)
    headers = {"Authorization": f"Bearer {KEY}"}
    async with (
        app.router.lifespan_context(app),
        httpx.AsyncClient(transport=transport, base_url="http://g", headers=headers) as client,
    ):
        yield client


async def test_d27_without_any_cloud_it_starts_is_alive_and_is_not_ready(client):
    assert (await client.get("/healthz")).status_code == 200
    answer = await client.get("/readyz")
    assert answer.status_code == 503
    assert answer.json()["checks"] == {"database": "ok", "store": "fail", "compute": "fail"}


async def test_what_needs_no_cloud_answers_to_an_older_systems_key(client):
    assert (await client.get("/v1/kinds")).status_code == 200
    assert (
        await client.get("/v1/kinds", headers={"Authorization": "Bearer x"})
    ).status_code == 401


async def test_what_needs_the_store_is_put_off(client):
    asked = {"filename": "a.mp4", "content_type": "video/mp4", "size_bytes": 10}
    answer = await client.post("/v1/uploads", json=asked)
    assert (answer.status_code, answer.json()["code"]) == (503, "unavailable")
    assert "CUTROOM" not in answer.text
