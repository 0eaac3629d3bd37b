"""The threads that read: limits, slow reads, and callers who go away."""

import asyncio
import sqlite3
import threading
from contextlib import closing

import pytest

from gateway.adapters.sqlite.connections import open_reader, open_writer
from gateway.adapters.sqlite.readers import Readers
from shared.errors import OperatorMustAct, TryAgainLater

PATIENCE_S = 60
QUICK = ("SELECT 1 AS n", ())
SLOW = ("SELECT 2 + 0 * ? AS n", (0,))


class Gate(sqlite3.Connection):
    """A connection on which the slow statement waits for `opened`."""

    reached: threading.Semaphore
    opened: threading.Event

    def execute(self, sql, params=(), /):
        if sql == SLOW[0]:
            self.reached.release()
            self.opened.wait(PATIENCE_S)
        return super().execute(sql, params)


@pytest.fixture
def gate():
    """What says that a slow read was begun, and what lets all of them end."""
    reached, opened = threading.Semaphore(0), threading.Event()
    yield reached, opened
    opened.set()


@pytest.fixture
async def readers(gate):
    def connect():
        connection = sqlite3.connect(":memory:", check_same_thread=False, factory=Gate)
        connection.reached, connection.opened = gate
        return connection

    readers = Readers(connect, threads=2, reading_limit=4)
    yield readers
    gate[1].set()
    await asyncio.to_thread(readers.close)


async def slow(readers, gate, *, reads):
    """Begin so many slow reads and return them once each has a thread to itself."""
    begun = [asyncio.create_task(readers.read((SLOW[0], (n,)))) for n in range(reads)]
    await asyncio.sleep(0)
    for _ in begun:
        assert await asyncio.to_thread(gate[0].acquire, timeout=PATIENCE_S)
    return begun


async def test_a_slow_read_holds_up_nobody_while_another_thread_is_there(readers, gate):
    [begun] = await slow(readers, gate, reads=1)
    assert [await readers.read(QUICK) for _ in range(3)] == [[{"n": 1}]] * 3
    assert not begun.done()
    gate[1].set()
    assert await begun == [{"n": 2}]


async def test_of_two_reads_asked_for_at_once_neither_waits_for_the_other(readers, gate):
    assert await readers.read(QUICK) == [{"n": 1}]  # one thread is there, and idle again
    slow_one = asyncio.create_task(readers.read(SLOW))
    quick_one = asyncio.create_task(readers.read(QUICK))
    assert await quick_one == [{"n": 1}]
    assert not slow_one.done()
    gate[1].set()
    await slow_one


async def test_reads_past_the_limit_are_refused_before_they_are_accepted(readers, gate):
    begun = await slow(readers, gate, reads=2)
    waiting = [asyncio.create_task(readers.read(QUICK)) for _ in range(2)]
    await asyncio.sleep(0)
    with pytest.raises(TryAgainLater):
        await readers.read(QUICK)
    gate[1].set()
    found = await asyncio.gather(*begun, *waiting)
    assert [rows[0]["n"] for rows in found] == [2, 2, 1, 1]
    assert await readers.read(QUICK) == [{"n": 1}]


async def test_the_read_of_a_caller_who_went_away_counts_until_it_ends(readers, gate):
    gone = await slow(readers, gate, reads=2)
    gone += [asyncio.create_task(readers.read(QUICK)) for _ in range(2)]
    await asyncio.sleep(0)
    for each in gone:
        each.cancel()
    await asyncio.wait(gone)
    with pytest.raises(TryAgainLater):
        await readers.read(QUICK)


async def test_closing_finishes_what_waits_and_refuses_what_comes(readers, gate):
    begun = await slow(readers, gate, reads=2)
    waits = asyncio.create_task(readers.read(QUICK))
    await asyncio.sleep(0)
    closing_all = asyncio.create_task(asyncio.to_thread(readers.close))
    gate[1].set()
    await closing_all
    assert [rows[0]["n"] for rows in await asyncio.gather(*begun, waits)] == [2, 2, 1]
    with pytest.raises(TryAgainLater):
        await readers.read(QUICK)


async def test_what_is_asked_again_before_a_read_began_is_read_once(readers, gate):
    begun = await slow(readers, gate, reads=2)
    same = [asyncio.create_task(readers.read((SLOW[0], (9,)))) for _ in range(2)]
    await asyncio.sleep(0)
    gate[1].set()
    assert await asyncio.gather(*same) == [[{"n": 2}]] * 2
    await asyncio.gather(*begun)
    assert gate[0].acquire(blocking=False)
    assert not gate[0].acquire(blocking=False)


async def test_a_read_that_has_begun_answers_nobody_who_asks_later(readers, gate):
    [begun] = await slow(readers, gate, reads=1)
    later = asyncio.create_task(readers.read((SLOW[0], (0,))))
    assert await asyncio.to_thread(gate[0].acquire, timeout=PATIENCE_S)
    gate[1].set()
    assert await asyncio.gather(begun, later) == [[{"n": 2}]] * 2


async def test_a_surprise_is_answered_and_the_thread_reads_on(caplog):
    surprises = [MemoryError("none left")]

    def connect():
        if surprises:
            raise surprises.pop()
        return sqlite3.connect(":memory:", check_same_thread=False)

    readers = Readers(connect, threads=1, reading_limit=4)
    with pytest.raises(OperatorMustAct):
        await readers.read(QUICK)
    assert await readers.read(QUICK) == [{"n": 1}]
    await asyncio.to_thread(readers.close)
    assert caplog.messages == ["sqlite.reader_surprised"]


async def test_many_reads_at_once_each_get_their_own_answer(tmp_path):
    database = tmp_path / "cutroom.db"
    with closing(open_writer(database)) as writer:
        writer.execute("CREATE TABLE ns (n BIGINT)")
    readers = Readers(lambda: open_reader(database), threads=4, reading_limit=1000)
    asked = [readers.read(("SELECT ? AS n", (n,))) for n in range(500)]
    assert await asyncio.gather(*asked) == [[{"n": n}] for n in range(500)]
    await asyncio.to_thread(readers.close)
