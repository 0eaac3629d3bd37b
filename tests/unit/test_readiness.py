"""Readiness, and the two health routes."""

import asyncio

import httpx
import pytest
from fastapi import FastAPI

from gateway.api import front_desk, health
from gateway.services.readiness import Readiness
from shared.errors import OperatorMustAct, TryAgainLater
from tests.support.jobs import HandClock


class Thing:
    """Something a gateway stands on; counts how often it is asked."""

    def __init__(self) -> None:
        self.asked = 0
        self.error: Exception | None = None
        self.answers = asyncio.Event()
        self.answers.set()

    async def __call__(self) -> None:
        self.asked += 1
        await self.answers.wait()
        if self.error is not None:
            raise self.error


@pytest.fixture
def database():
    return Thing()


@pytest.fixture
def store():
    return Thing()


@pytest.fixture
def clock():
    return HandClock()


@pytest.fixture
def readiness(database, store, clock):
    checks = {"database": database, "object_store": store}
    return Readiness(checks, clock, cache_s=5, timeout_s=0.01)


@pytest.fixture
async def client(readiness):
    app = FastAPI()
    app.state.readiness = readiness
    app.include_router(health.router)
    front_desk.install(app, new_id=lambda: "request-1", json_body_bytes=1000, json_depth=8)
    transport = httpx.ASGITransport(app)
    async with httpx.AsyncClient(transport=transport, base_url="http://cutroom") as client:
        yield client


async def test_a_gateway_that_stands_on_all_it_needs_is_ready(client):
    answer = await client.get("/readyz")
    assert answer.status_code == 200
    assert answer.json() == {
        "status": "ready",
        "checks": {"database": "ok", "object_store": "ok"},
    }


@pytest.mark.parametrize(
    "error",
    [
        TryAgainLater("bucket-7 is down", public=""),
        OperatorMustAct("bucket-7 refuses us", public=""),
    ],
)
async def test_what_fails_is_named_and_nothing_more_is_said(client, store, error):
    store.error = error
    answer = await client.get("/readyz")
    assert answer.status_code == 503
    assert answer.json() == {
        "status": "unready",
        "checks": {"database": "ok", "object_store": "fail"},
    }


async def test_what_does_not_answer_in_time_fails(readiness, database):
    database.answers.clear()
    assert await readiness() == {"database": False, "object_store": True}


async def test_a_clock_that_is_set_back_keeps_no_old_answer(readiness, database, clock):
    await readiness()
    clock.move(-3600)
    await readiness()
    assert database.asked == 2


async def test_checks_are_asked_once_in_five_seconds(readiness, database, clock):
    await readiness()
    clock.move(4.9)
    await readiness()
    assert database.asked == 1
    clock.move(0.1)
    await readiness()
    assert database.asked == 2


async def test_many_who_ask_at_once_share_one_answer(readiness, database):
    answers = await asyncio.gather(*(readiness() for _ in range(20)))
    assert database.asked == 1
    assert answers == [{"database": True, "object_store": True}] * 20


async def test_recovery_is_seen_after_the_cache_has_run_out(readiness, store, clock):
    store.error = TryAgainLater("down", public="")
    assert not (await readiness())["object_store"]
    store.error = None
    clock.move(5)
    assert (await readiness())["object_store"]


async def test_being_alive_asks_nothing_of_anything(client, database, store):
    answer = await client.get("/healthz")
    assert (answer.status_code, answer.json()) == (200, {"status": "ok"})
    assert (database.asked, store.asked) == (0, 0)
