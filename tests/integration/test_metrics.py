"""`GET /metrics`: who may read it, what it tells, and that reading it cannot hurt."""

import asyncio
import re
import subprocess
import sys
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import httpx
import pytest
from prometheus_client.parser import text_string_to_metric_families

from gateway.adapters.sql.census import STATEMENTS
from gateway.adapters.sqlite.engine import SqliteEngine
from gateway.core.figures import Outcome
from gateway.ports.census import Census
from gateway.services.take_census import TakeCensus
from shared.errors import TryAgainLater
from tests.support.databases import new_database
from tests.support.jobs import NOON, HandClock

DOCUMENT = Path("docs/metrics.md").read_text(encoding="utf-8")


@pytest.fixture
async def client(world):
    transport = httpx.ASGITransport(world.gateway.app)
    headers = await world.a_key()
    async with httpx.AsyncClient(
        transport=transport, base_url="http://gateway", headers=headers
    ) as client:
        yield client


async def told(client) -> dict[tuple[str, frozenset[tuple[str, str]]], float]:
    answer = await client.get("/metrics")
    families = text_string_to_metric_families(answer.text)
    return {
        (each.name, frozenset(each.labels.items())): each.value
        for family in families
        for each in family.samples
    }


def sample(name: str, **labels: str) -> tuple[str, frozenset[tuple[str, str]]]:
    return f"cutroom_{name}", frozenset(labels.items())


@pytest.mark.parametrize("scope", ["jobs", "read", "uploads"])
async def test_only_the_scope_admin_may_read_it(world, client, scope):
    headers = await world.a_key("default", scope)
    assert (await client.get("/metrics", headers=headers)).status_code == 403
    assert (await client.get("/metrics", headers={"Authorization": ""})).status_code == 401


async def test_it_is_text_of_the_format_0_0_4(client):
    answer = await client.get("/metrics")
    assert answer.status_code == 200
    assert answer.headers["content-type"] == "text/plain; version=0.0.4; charset=utf-8"


async def test_requests_are_counted_by_template_and_never_by_path(world, client):
    job_id = await world.submit()
    await client.get(f"/v1/jobs/{job_id}")
    await client.get("/v1/jobs/unknown-7")
    await client.put("/v1/jobs/unknown-7")
    await client.get("/somewhere-7/else")
    await client.request("BREW", "/v1/kinds")
    figures = await told(client)
    route = "/v1/jobs/{job_id}"
    requests = {
        key: value for key, value in figures.items() if key[0] == "cutroom_http_requests_total"
    }
    assert requests == {
        sample("http_requests_total", route=route, method="GET", status="200"): 1,
        sample("http_requests_total", route=route, method="GET", status="404"): 1,
        sample("http_requests_total", route=route, method="PUT", status="405"): 1,
        sample("http_requests_total", route="none", method="GET", status="404"): 1,
        sample("http_requests_total", route="/v1/kinds", method="other", status="405"): 1,
    }
    assert figures[sample("http_request_seconds_count", route=route, method="GET")] == 2
    assert "-7" not in str(figures)
    assert job_id not in str(figures)


async def test_what_the_database_holds_is_told(world, client):
    _, worker = await world.dispatched()
    await worker.claim()
    await world.submit()
    world.clock.move(90)
    figures = await told(client)
    assert figures[sample("database_up")] == 1
    assert figures[sample("jobs", kind="test.copy", status="running")] == 1
    assert figures[sample("jobs", kind="test.copy", status="queued")] == 1
    assert figures[sample("oldest_queued_job_seconds", endpoint="gpu")] == 90
    assert figures[sample("endpoint_slots", endpoint="gpu")] == 4
    assert figures[sample("endpoint_slots_taken", endpoint="gpu")] == 1
    assert figures[sample("effects_waiting", kind="dispatch")] == 1
    assert figures[sample("effects_overdue_seconds")] == 90
    assert figures[sample("attempts_open")] == 1


async def test_a_watcher_is_counted_by_how_it_watches(world, client):
    job = await world.job(await world.submit())
    with world.cases.seats.taken(job, "sse"):
        assert (await told(client))[sample("watchers", transport="sse")] == 1
    assert (await told(client))[sample("watchers", transport="sse")] == 0


async def test_every_family_is_in_the_document_as_it_is_told(world, client):
    _, worker = await world.dispatched()
    await worker.claim()
    await worker.fail("temporary")
    await world.pass_time(2)
    await world.newest_worker().claim()
    await world.cases.cancel("default", worker.job_id)
    await world.pass_time(60, step_s=10)
    process = world.gateway.app.state.metering.process
    process.calls.note("store", "head", Outcome.OK, 0.1)
    with world.cases.seats.taken(await world.job(worker.job_id), "poll"):
        await client.get("/metrics")
        text = (await client.get("/metrics")).text
    written = set()
    for family in text_string_to_metric_families(text):
        labels = {name for each in family.samples for name in each.labels} - {"le"}
        total = "_total" if family.type == "counter" else ""
        written.add((family.name + total, family.type, frozenset(labels), family.documentation))
    rows = re.findall(
        r"^\| `(cutroom_\w+)` \| (\w+) \| (.*?) ?\| (.+?) \| \w+ \|$", DOCUMENT, re.M
    )
    assert written == {
        (name, type_, frozenset(re.findall(r"`(\w+)`", labels)), meaning)
        for name, type_, labels, meaning in rows
    }


MOST_SERIES = 1500  # of all routes, methods and buckets that the requests below can make


async def test_neither_callers_nor_workers_can_make_ever_more_series(world, client):
    async def outrage(n: int) -> None:
        headers = {"X-Request-ID": f"request-{n:06}", "User-Agent": f"agent-{n}"}
        await client.get(f"/v1/jobs/{n}", headers=headers)
        await client.get(f"/nowhere/{n}?n={n}")
        await client.request(f"M{n}", f"/v1/jobs/{n}/cancel")
        await client.post("/v1/jobs", json={"kind": f"no.kind{n}", "input": {}})
        await world.submit(labels={f"label{n}": f"value{n}"})
        await world.gateway.perform()
        worker = world.newest_worker()
        await worker.claim(nonce=f"nonce-{n}")
        await worker.fail(f"code_{'x' * n}")

    await client.get("/metrics")
    for n in range(1, 6):
        await outrage(n)
    few = set(await told(client))
    for n in range(6, 26):
        await outrage(n)
    many = set(await told(client))
    assert {name for name, _ in many} == {name for name, _ in few}
    assert many - few == set()
    assert len(many) < MOST_SERIES


async def test_no_label_and_no_value_tells_a_secret_an_id_or_a_tenant(world, client):
    job_id, worker = await world.dispatched()
    order = await worker.claim()
    await client.get(f"/v1/jobs/{job_id}")
    await worker.finish()
    await world.pass_time(61, step_s=20)
    text = (await client.get("/metrics")).text
    key = client.headers["Authorization"].removeprefix("Bearer ")
    secrets = [
        *(key, key.split("_")[1], order.token, worker.request.input["token"]),
        *(job_id, order.trace, "default", worker.runpod_id),
        world.settings.token_secret.get_secret_value(),
        world.settings.store.secret_access_key.get_secret_value(),
        world.settings.runpod.api_key.get_secret_value(),
    ]
    assert [each for each in secrets if each in text] == []


class Taker:
    """Counts how often it is asked; fails where told to."""

    def __init__(self) -> None:
        self.asked = 0
        self.error: Exception | None = None
        self.answers = asyncio.Event()
        self.answers.set()

    async def take(self, _now) -> Census:
        self.asked += 1
        await self.answers.wait()
        if self.error:
            raise self.error
        return Census({}, {}, {}, {}, self.asked, {})

    async def attempts_open(self) -> int:
        return 0


async def test_many_who_scrape_at_once_are_answered_from_one_count():
    taker, clock = Taker(), HandClock()
    take = TakeCensus(taker, clock)
    counts = await asyncio.gather(*(take() for _ in range(20)))
    clock.move(0.9)
    counts.append(await take())
    assert taker.asked == 1
    assert {count.attempts_open for count in counts} == {1}
    clock.move(0.1)
    assert (await take()).attempts_open == 2


async def test_a_clock_that_is_set_back_keeps_no_old_count():
    taker, clock = Taker(), HandClock()
    take = TakeCensus(taker, clock)
    first = await take()
    clock.move(-3600)
    assert (first.attempts_open, (await take()).attempts_open) == (1, 2)


@pytest.mark.parametrize("hangs", [False, True])
async def test_a_database_that_does_not_answer_is_told_and_not_asked_at_once_again(hangs):
    taker, clock = Taker(), HandClock()
    taker.error = TryAgainLater("away", public="")
    (taker.answers.clear if hangs else taker.answers.set)()
    take = TakeCensus(taker, clock, timeout_s=0.01)
    assert (await take(), await take()) == (None, None)
    assert taker.asked == 1


async def test_without_a_database_the_rest_is_told(world, client):
    metering = world.gateway.app.state.metering
    taker = Taker()
    taker.error = TryAgainLater("away", public="")
    world.gateway.app.state.metering = replace(metering, census=TakeCensus(taker, world.clock))
    figures = await told(client)
    assert figures[sample("database_up")] == 0
    assert figures[sample("endpoint_slots", endpoint="gpu")] == 4
    assert sample("attempts_open") not in figures


def test_starting_does_not_import_what_writes_the_page():
    code = "import sys, gateway.entrypoints.aws_lambda; print(*sys.modules)"
    loaded = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    ).stdout.split()
    assert not {"prometheus_client", "pydantic_settings", "dotenv"} & set(loaded)


def test_ages_are_not_below_zero_where_clocks_differ():
    from gateway.api.metrics_page import _age_s

    assert _age_s(NOON + timedelta(seconds=5), NOON) == 0


@pytest.mark.parametrize("statement", STATEMENTS)
async def test_counting_reads_no_table_from_end_to_end(tmp_path, statement):
    database = tmp_path / "cutroom.db"
    new_database(database, NOON)
    async with SqliteEngine(database) as engine:
        explained = f"EXPLAIN QUERY PLAN {statement}"
        rows = await engine.fetch(explained, [None] * statement.count("?"))
    plan = [row["detail"] for row in rows]
    scanned = [each for each in plan if each.startswith("SCAN") and "COVERING" not in each]
    assert scanned in ([], ["SCAN e"])  # of endpoints there are one or two
