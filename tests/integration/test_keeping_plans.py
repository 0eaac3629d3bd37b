"""What is asked about old things, reuse and erasure reads what it finds, and no table whole."""

import asyncio
from contextlib import closing
from datetime import timedelta

import pytest

from gateway.adapters.sql import erasures
from gateway.adapters.sqlite.connections import open_reader
from gateway.adapters.sqlite.engine import SqliteEngine
from gateway.core.retention import Kept
from gateway.services.erase_tenant import EraseTenant
from tests.integration.test_query_plans import walks
from tests.support.crowd import Overheard, a_crowd, plan
from tests.support.jobs import NOON, sqlite_stores, stores_on
from tests.support.removal import finished
from tests.support.world import World

DAY_S = 86_400
KEPT = {"outputs_days": 2, "assets_days": 1, "jobs_days": 3, "upload_rows_days": 1}
OF_ONE_TENANT = {
    sql for sql in vars(erasures).values() if isinstance(sql, str) and "WHERE tenant = ?" in sql
}
# Of these there are few, and the last is a subquery of two rows.
FEW = {"SCAN erasures", "SCAN others", "SCAN (subquery-2)"}


@pytest.fixture(scope="module", params=[False, True], ids=["not analyzed", "analyzed"])
def reader(request, tmp_path_factory):
    path = tmp_path_factory.mktemp("crowd") / "cutroom.db"
    crowd = a_crowd(path, 5_000, analyzed=request.param)
    with closing(open_reader(crowd)) as connection:
        yield connection


@pytest.fixture(scope="module")
def statements(tmp_path_factory):
    return asyncio.run(all_said(tmp_path_factory.mktemp("story")))


async def all_said(folder):
    """All that is said while a job is used again, grows old, and goes with its tenant."""
    async with sqlite_stores(folder), SqliteEngine(folder / "cutroom.db") as engine:
        heard = Overheard(engine)
        world = World(stores_on(heard), folder, retention=KEPT)
        await world.gateway.start()
        heard.statements.clear()
        asset = await world.an_asset()
        reads = {"n": 1, "source": {"asset_id": asset}}
        await finished(world, input=reads)
        await world.submit(input=reads, reuse=True)
        for what in Kept:
            await world.stores.retention.due(what, NOON + timedelta(days=9), 9)
        for _ in range(6):
            world.clock.move(DAY_S)
            await world.gateway.tick()
        await EraseTenant(world.stores.erasures, world.clock, lambda: "e1")("default")
        for _ in range(3):
            world.clock.move(DAY_S)
            await world.gateway.tick()
        return list(heard.statements.values())


def test_none_of_it_walks_through_a_table_that_grows(reader, statements):
    """But for what is one tenant's, in a crowd of one: counted, SQLite knows that it is all."""
    lines = {
        sql: plan(reader, (sql, params))
        for sql, params in statements
        if sql not in OF_ONE_TENANT or not analyzed(reader)
    }
    walked = {
        sql: steps
        for sql, steps in lines.items()
        if [step for step in steps if walks(step) and step not in FEW]
    }
    assert walked == {}
    assert len(lines) > 60


def test_what_is_reused_and_what_expires_is_found_by_an_index_of_its_own(reader, statements):
    used = {
        index: [
            sql for sql, params in statements if f"INDEX {index} " in told(reader, sql, params)
        ]
        for index in ("jobs_to_reuse", "jobs_by_origin", "jobs_to_expire", "jobs_by_end")
    }
    assert [index for index, found in used.items() if not found] == []


def analyzed(reader):
    return bool(
        reader.execute("SELECT 1 FROM sqlite_master WHERE name = 'sqlite_stat1'").fetchall()
    )


def told(reader, sql, params):
    return " ".join(f"{step} " for step in plan(reader, (sql, params)))
