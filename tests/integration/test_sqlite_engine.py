"""The SQLite engine against real files, full disks, other processes and a killed one."""

import asyncio
import sqlite3
import subprocess
import sys
import threading
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from gateway.adapters.sql.engine import ConstraintBroken
from gateway.adapters.sqlite.connections import open_writer
from gateway.adapters.sqlite.engine import SqliteEngine
from shared.errors import TryAgainLater

CHILD = Path(__file__).with_name("sqlite_child.py")
SCHEMA = (
    ("CREATE TABLE counters (id TEXT PRIMARY KEY, n BIGINT NOT NULL)", ()),
    ("CREATE TABLE ops (op TEXT PRIMARY KEY)", ()),
    ("INSERT INTO counters (id, n) VALUES ('job', 0)", ()),
)
COUNT = "SELECT count(*) AS n FROM counters"
PATIENCE_S = 60


def insert(row_id, n=0):
    return ("INSERT INTO counters (id, n) VALUES (?, ?)", (row_id, n))


@pytest.fixture
def database(tmp_path: Path) -> Path:
    return tmp_path / "cutroom.db"


@pytest.fixture
async def engine(database: Path) -> AsyncIterator[SqliteEngine]:
    async with SqliteEngine(database) as engine:
        await engine.batch(SCHEMA)
        yield engine


@contextmanager
def child(*args: object) -> Iterator["subprocess.Popen[str]"]:
    command = [sys.executable, str(CHILD), *map(str, args)]
    process = subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    with process:
        try:
            yield process
        finally:
            process.kill()


class Gate(sqlite3.Connection):
    """A connection whose COMMIT waits, once a gate has been set before it."""

    reached: threading.Event
    opened: threading.Event

    def execute(self, sql, params=(), /):
        if sql == "COMMIT":
            self.reached.set()
            self.opened.wait(PATIENCE_S)
        return super().execute(sql, params)


@pytest.fixture
async def gated(database: Path):
    """An engine whose commits wait for `opened`, and say `reached` when they come there."""
    async with SqliteEngine(database) as plain:
        await plain.batch(SCHEMA)

    def connect() -> Gate:
        connection = sqlite3.connect(
            database, isolation_level=None, check_same_thread=False, factory=Gate
        )
        connection.reached, connection.opened = reached, opened
        return connection

    reached, opened = threading.Event(), threading.Event()
    async with SqliteEngine(database, connect_writer=connect, waiting_limit=3) as engine:
        yield engine, reached, opened
        opened.set()


async def test_a_broken_batch_of_a_group_goes_alone_and_its_neighbours_stand(gated):
    engine, reached, opened = gated
    first = asyncio.create_task(engine.batch([insert("first")]))
    await asyncio.to_thread(reached.wait, PATIENCE_S)
    group = [
        asyncio.create_task(engine.batch([insert("left")])),
        asyncio.create_task(engine.batch([insert("half"), insert("job")])),
        asyncio.create_task(engine.batch([insert("right")])),
    ]
    await asyncio.sleep(0)
    opened.set()
    await first
    left, broken, right = await asyncio.gather(*group, return_exceptions=True)
    assert (left, right) == ([[]], [[]])
    assert isinstance(broken, ConstraintBroken)
    rows = await engine.fetch("SELECT id FROM counters ORDER BY id")
    assert [row["id"] for row in rows] == ["first", "job", "left", "right"]


async def test_nobody_is_answered_and_nothing_is_seen_before_the_commit(gated):
    engine, reached, opened = gated
    writing = asyncio.create_task(engine.batch([insert("new")]))
    await asyncio.to_thread(reached.wait, PATIENCE_S)
    assert await engine.fetch(COUNT) == [{"n": 1}]
    assert not writing.done()
    opened.set()
    await writing
    assert await engine.fetch(COUNT) == [{"n": 2}]


async def test_writes_past_the_queue_are_refused_before_they_are_accepted(gated):
    engine, reached, opened = gated
    first = asyncio.create_task(engine.batch([insert("first")]))
    await asyncio.to_thread(reached.wait, PATIENCE_S)
    waiting = [asyncio.create_task(engine.batch([insert(f"w{n}")])) for n in range(3)]
    await asyncio.sleep(0)
    with pytest.raises(TryAgainLater):
        await engine.batch([insert("one too many")])
    opened.set()
    await asyncio.gather(first, *waiting)
    assert await engine.fetch(COUNT) == [{"n": 5}]


async def test_a_caller_that_goes_away_does_not_disturb_the_others(gated):
    engine, reached, opened = gated
    gone = asyncio.create_task(engine.batch([insert("gone")]))
    await asyncio.to_thread(reached.wait, PATIENCE_S)
    stays = asyncio.create_task(engine.batch([insert("stays")]))
    gone.cancel()
    await asyncio.wait([gone])
    opened.set()
    await stays
    assert await engine.fetch(COUNT) == [{"n": 3}]


async def test_closing_finishes_what_was_begun(gated):
    engine, reached, opened = gated
    first = asyncio.create_task(engine.batch([insert("first")]))
    await asyncio.to_thread(reached.wait, PATIENCE_S)
    waits = asyncio.create_task(engine.batch([insert("waits")]))
    await asyncio.sleep(0)
    closing = asyncio.create_task(engine.aclose())
    opened.set()
    await asyncio.gather(first, waits, closing)
    with pytest.raises(TryAgainLater):
        await engine.batch([insert("late")])
    with pytest.raises(TryAgainLater):
        await engine.fetch(COUNT)


async def test_a_database_that_was_closed_is_one_file_with_all_that_was_answered(database):
    for n in range(20):
        async with SqliteEngine(database) as engine:
            await engine.batch([*(SCHEMA if n == 0 else []), insert(f"{n}")])
            await asyncio.gather(*(engine.fetch("SELECT * FROM ops") for _ in range(8)))
        assert [each.name for each in database.parent.iterdir()] == [database.name]


async def test_a_full_disk_fails_the_whole_group_and_leaves_the_engine_usable(gated):
    engine, reached, opened = gated
    as_full_as_it_is = ("PRAGMA max_page_count = 1", ())
    filled = asyncio.create_task(engine.batch([as_full_as_it_is]))
    await asyncio.to_thread(reached.wait, PATIENCE_S)
    large = [insert(f"large{n}" + "x" * 4000) for n in range(20)]
    group = [
        asyncio.create_task(engine.batch([insert("left")])),
        asyncio.create_task(engine.batch(large)),
        asyncio.create_task(engine.batch([insert("right")])),
    ]
    await asyncio.sleep(0)
    opened.set()
    await filled
    outcomes = await asyncio.gather(*group, return_exceptions=True)
    assert [type(each) for each in outcomes] == [TryAgainLater] * 3
    assert await engine.fetch(COUNT) == [{"n": 1}]
    await engine.batch([("PRAGMA max_page_count = 100000", ())])
    await engine.batch(large)
    assert await engine.fetch(COUNT) == [{"n": 21}]


async def test_a_lock_held_elsewhere_is_try_again_later_and_later_is_fine(engine, database):
    async with SqliteEngine(database, busy_timeout_s=0.05) as impatient:
        with child("hold", database) as holder:
            assert holder.stdout.readline() == "held\n"
            with pytest.raises(TryAgainLater):
                await impatient.batch([insert("a")])
            assert await impatient.fetch(COUNT) == [{"n": 1}]
            holder.communicate("stop\n", timeout=PATIENCE_S)
        await impatient.batch([insert("a")])
        assert await engine.fetch(COUNT) == [{"n": 2}]


async def test_a_repeat_of_an_op_breaks_its_key_and_undoes_the_rest(engine):
    batch = [
        ("INSERT INTO ops (op) VALUES ('o1')", ()),
        ("UPDATE counters SET n = n + 1 WHERE id = 'job'", ()),
    ]
    await engine.batch(batch)
    with pytest.raises(ConstraintBroken, match=r"ops\.op"):
        await engine.batch(batch)
    assert await engine.fetch("SELECT n FROM counters") == [{"n": 1}]


@pytest.mark.processes
async def test_d35_eight_processes_lose_no_update_and_the_row_is_always_readable(
    engine, database
):
    command = [sys.executable, str(CHILD), "count", str(database)]
    workers = [await asyncio.create_subprocess_exec(*command, f"p{n}", "500") for n in range(8)]
    ended = asyncio.gather(*(worker.wait() for worker in workers))
    seen = [0]
    while not ended.done():
        (row,) = await engine.fetch("SELECT n FROM counters")
        seen.append(row["n"])
        await asyncio.sleep(0.01)
    assert await ended == [0] * 8
    assert seen == sorted(seen)
    assert await engine.fetch("SELECT n FROM counters") == [{"n": 4000}]


@pytest.mark.processes
async def test_a_killed_process_loses_nothing_it_acknowledged(engine, database):
    with child("append", database) as writer:
        acknowledged = [int(writer.stdout.readline()) for _ in range(50)]
        writer.kill()
        acknowledged += map(int, writer.stdout.read().split())
    rows = await engine.fetch("SELECT n FROM counters WHERE id <> 'job' ORDER BY n")
    assert [row["n"] for row in rows][: len(acknowledged)] == acknowledged


async def test_a_connection_that_cannot_roll_back_is_replaced(database):
    class Broken(sqlite3.Connection):
        def execute(self, sql, params=(), /):
            if sql in {"COMMIT", "ROLLBACK"}:
                raise sqlite3.OperationalError("disk I/O error")
            return super().execute(sql, params)

    def connect() -> sqlite3.Connection:
        return next(connections)()

    def broken() -> sqlite3.Connection:
        return sqlite3.connect(
            database, isolation_level=None, check_same_thread=False, factory=Broken
        )

    async with SqliteEngine(database) as plain:
        await plain.batch(SCHEMA)
    connections = iter([broken, lambda: open_writer(database)])
    async with SqliteEngine(database, connect_writer=connect) as engine:
        with pytest.raises(Exception, match="disk I/O error"):
            await engine.batch([insert("lost")])
        await engine.batch([insert("kept")])
        rows = await engine.fetch("SELECT id FROM counters ORDER BY id")
        assert [row["id"] for row in rows] == ["job", "kept"]


async def test_an_engine_that_cannot_open_its_file_says_so_and_recovers(tmp_path):
    folder = tmp_path / "later"
    async with SqliteEngine(folder / "cutroom.db") as engine:
        with pytest.raises(TryAgainLater):
            await engine.batch(SCHEMA)
        folder.mkdir()
        await engine.batch(SCHEMA)
        assert await engine.fetch(COUNT) == [{"n": 1}]
