"""No statement of the SQL stores walks through a table, whatever SQLite has counted of it."""

import asyncio
import re
from contextlib import closing

import pytest

from gateway.adapters.sql import job_lists
from gateway.adapters.sqlite.connections import open_reader
from gateway.adapters.sqlite.engine import SqliteEngine
from gateway.core.budgets import Budget, Caps
from gateway.core.job import Status
from gateway.core.job_pages import JobFilter
from gateway.ports.budgets import UsageBy
from gateway.ports.webhook_endpoint_store import EndpointChange
from shared.errors import TryAgainLater
from tests.support.crowd import QUEUED, Overheard, a_crowd, plan, steps
from tests.support.jobs import NOON, sqlite_stores, stores_on
from tests.support.world import World

JOBS = 10_000
# Tables that stay small, and what is counted for monitoring out of an index that holds it all.
SMALL = re.compile(
    r"(endpoints|e|picked|api_keys|liveness|t USING COVERING INDEX sqlite_autoindex_tenants_1|"
    r"waiting|h|\(subquery-\d+\)|\d* ?CONSTANT ROWS?)$"
)
COUNTED = "jobs USING COVERING INDEX jobs_counted"
EVERYTHING = JobFilter(Status.FAILED, "k.rare", "p", {"clip": "7", "project": "1"})


@pytest.fixture(scope="module", params=[False, True], ids=["not analyzed", "analyzed"])
def crowd(request, tmp_path_factory):
    folder = tmp_path_factory.mktemp("crowd")
    return a_crowd(folder / "cutroom.db", JOBS, analyzed=request.param)


@pytest.fixture
def reader(crowd):
    with closing(open_reader(crowd)) as connection:
        yield connection


@pytest.fixture(scope="module")
def statements(tmp_path_factory):
    """All that is said to the database while jobs and uploads live and die."""
    return asyncio.run(all_said(tmp_path_factory.mktemp("story")))


async def all_said(folder):
    async with sqlite_stores(folder), SqliteEngine(folder / "cutroom.db") as engine:
        heard = Overheard(engine)
        world = World(stores_on(heard), folder)
        await world.gateway.start()
        await tell_the_story(world)
        return list(heard.statements.values())


async def tell_of_webhooks(world):
    desk = world.gateway.app.state.webhook_endpoints
    url = "https://hooks.example.com/in"
    endpoint, _ = await desk.create("default", url, ["all"], "")
    endpoint_id = endpoint.endpoint_id
    job_id = await world.submit()
    await world.cases.cancel("default", job_id)
    await world.gateway.perform()
    await world.gateway.deliver()
    await desk.rotate("default", endpoint_id)
    await desk.all("default")
    page = await desk.deliveries("default", endpoint_id, limit=1, cursor=None)
    await desk.deliveries("default", endpoint_id, limit=1, cursor=page.next_cursor)
    await desk.replay("default", page.deliveries[0].delivery_id)
    await desk.change("default", endpoint_id, EndpointChange(url, enabled=False))
    await world.stores.delivery_queue.next_due()
    await desk.remove("default", endpoint_id)


async def tell_the_story(world):
    await tell_of_webhooks(world)
    asset = await world.an_asset()
    reads = {"n": 1, "source": {"asset_id": asset}}
    labels = {"clip": "7", "project": "1"}
    job_id, worker = await world.dispatched(key="k1", input=reads, labels=labels)
    await worker.claim()
    await worker.report("heartbeat")
    await worker.report("progress", stage="render", progress=0.5)
    await worker.fail("worker_lost")
    await world.pass_time(10)
    second = world.newest_worker()
    await second.claim()
    await world.pass_time(30)
    await second.finish()
    cases = world.cases
    copy = {"n": 1, "source": {"job_id": job_id, "output": "video"}}
    reader_id = await world.submit(input=copy)
    await cases.cancel("default", reader_id)
    await cases.retry("default", reader_id, key="k2", trace="t")
    job = await world.job(job_id)
    await cases.view.all([job])
    await cases.read_events(job, -1, 0)
    for wanted in (JobFilter(), EVERYTHING):
        await cases.list("default", wanted, limit=20, cursor=None)
    await cases.delete("default", reader_id)
    await world.stores.census.take(NOON)
    await world.stores.effects.next_due()
    await spend(world)
    await world.stores.assets.delete("default", asset, NOON)
    await world.stores.export_projects.put_project("default", 1, None, NOON)
    world.clock.move(3 * 86_400)
    await world.pass_time(3)


async def spend(world):
    """All that is said of money, refusals and alerts included."""
    budgets = world.stores.budgets
    await budgets.set_caps("default", Budget(1), Caps(), world.clock.now())
    with pytest.raises(TryAgainLater):
        await world.submit()
    await world.gateway.perform()
    await budgets.stop("default", world.clock.now())
    await budgets.stop("default", None)
    await budgets.set_caps("default", Budget(), Caps(), world.clock.now())
    for by in UsageBy:
        await budgets.usage("default", NOON.date(), NOON.date(), by)


def walks(line):
    """True for a step that goes through all of a table that grows."""
    verb, _, rest = line.partition(" ")
    return verb == "SCAN" and not SMALL.fullmatch(rest) and rest != COUNTED


async def test_every_statement_finds_its_rows_by_an_index(reader, statements):
    lines = {sql: plan(reader, (sql, params)) for sql, params in statements}
    found = {sql: steps for sql, steps in lines.items() if any(map(walks, steps))}
    assert found == {}
    assert len(lines) > 80


async def test_a_count_reads_an_index_and_sorts_nothing_it_has_counted(reader, statements):
    [jobs] = [
        each for each in statements if "AS count FROM jobs" in each[0] and "GROUP" in each[0]
    ]
    assert plan(reader, jobs) == [f"SCAN {COUNTED}"]


@pytest.mark.parametrize(
    ("wanted", "index"),
    [
        (JobFilter(Status.SUCCEEDED), "jobs_by_status"),
        (JobFilter(kind="k.rare"), "jobs_by_kind"),
        (JobFilter(Status.SUCCEEDED, "k.none"), "jobs_by_status_and_kind"),
        (JobFilter(), "jobs_of_tenant"),
    ],
)
async def test_d36_a_page_by_status_kind_or_both_is_a_range_of_one_index(reader, wanted, index):
    [line] = plan(reader, job_lists.keys("default", wanted, None, 21))
    assert line.startswith(f"SEARCH jobs USING INDEX {index} (")


async def test_what_a_tick_asks_does_not_grow_with_the_jobs_there_have_been(reader, statements):
    asked = [each for each in statements if "FROM jobs" in each[0] and "LIMIT" in each[0]]
    unclaimed = [each for each in asked if "waiting_for = 'worker'" in each[0]]
    taken, rows = steps(reader, unclaimed[0])
    assert len(rows) == QUEUED // 50
    assert taken < 50 * QUEUED // 50 * 10
