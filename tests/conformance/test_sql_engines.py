"""What every SqlEngine promises; a new engine is one more entry in `ENGINES`."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path

import pytest

from gateway.adapters.sql.engine import ConstraintBroken, SqlEngine
from gateway.adapters.sqlite.engine import SqliteEngine
from shared.errors import OperatorMustAct

Opened = AbstractAsyncContextManager[SqlEngine]

SCHEMA = (
    ("CREATE TABLE parents (id TEXT PRIMARY KEY, note TEXT, size DOUBLE PRECISION)", ()),
    (
        "CREATE TABLE children (id TEXT PRIMARY KEY, n BIGINT NOT NULL CHECK (n < 100), "
        "parent TEXT NOT NULL REFERENCES parents (id))",
        (),
    ),
)


@asynccontextmanager
async def sqlite_file(folder: Path) -> AsyncIterator[SqlEngine]:
    async with SqliteEngine(folder / "cutroom.db") as engine:
        yield engine


ENGINES: dict[str, Callable[[Path], Opened]] = {"sqlite": sqlite_file}


@pytest.fixture(params=ENGINES.values(), ids=ENGINES.keys())
async def engine(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[SqlEngine]:
    async with request.param(tmp_path) as engine:
        await engine.batch(SCHEMA)
        yield engine


def parent(row_id, note=None, size=None):
    return ("INSERT INTO parents (id, note, size) VALUES (?, ?, ?)", (row_id, note, size))


def child(row_id, n, parent_id):
    return ("INSERT INTO children (id, n, parent) VALUES (?, ?, ?)", (row_id, n, parent_id))


async def ids(engine):
    rows = await engine.fetch("SELECT id FROM parents ORDER BY id")
    return [row["id"] for row in rows]


async def test_a_batch_answers_each_statement_with_its_rows_in_order(engine):
    answers = await engine.batch(
        [
            parent("a", "x"),
            ("UPDATE parents SET note = 'y' WHERE id = ? RETURNING id, note", ("a",)),
            ("UPDATE parents SET note = 'z' WHERE id = ? RETURNING id", ("nobody",)),
            ("SELECT count(*) AS n FROM parents", ()),
        ]
    )
    assert answers == [[], [{"id": "a", "note": "y"}], [], [{"n": 1}]]


async def test_what_a_batch_wrote_is_read_at_once(engine):
    await engine.batch([parent("a")])
    assert await ids(engine) == ["a"]


async def test_values_come_back_as_they_went(engine):
    text = "naïve – 字 \U0001f3ac '; DROP TABLE parents; --"
    await engine.batch([parent("a", text, 0.1)])
    rows = await engine.fetch("SELECT note, size FROM parents WHERE note = ?", (text,))
    assert rows == [{"note": text, "size": 0.1}]


async def test_whole_numbers_keep_all_of_sixty_three_bits(engine):
    await engine.batch([parent("a"), child("c", -(2**62) - 1, "a")])
    assert await engine.fetch("SELECT n FROM children") == [{"n": -(2**62) - 1}]


@pytest.mark.parametrize(
    "bad",
    [
        pytest.param(parent("taken"), id="primary key"),
        pytest.param(child("c", 100, "taken"), id="check"),
        pytest.param(child("c", None, "taken"), id="not null"),
        pytest.param(child("c", 1, "nobody"), id="foreign key"),
    ],
)
async def test_a_broken_constraint_undoes_the_whole_batch(engine, bad):
    await engine.batch([parent("taken")])
    with pytest.raises(ConstraintBroken):
        await engine.batch([parent("before"), bad, parent("after")])
    assert await ids(engine) == ["taken"]


async def test_a_faulty_statement_undoes_the_whole_batch_and_is_our_fault(engine):
    with pytest.raises(OperatorMustAct):
        await engine.batch([parent("before"), ("INSERT INTO nowhere VALUES (1)", ())])
    assert await ids(engine) == []


@pytest.mark.parametrize(
    "value", [2**63, "\ud800", object()], ids=["too large", "no text", "no value"]
)
async def test_a_value_no_column_can_hold_is_refused_and_harms_nobody(engine, value):
    outcomes = await asyncio.gather(
        engine.batch([parent("before"), parent("bad", value)]),
        engine.batch([parent("neighbour")]),
        return_exceptions=True,
    )
    assert isinstance(outcomes[0], OperatorMustAct)
    assert await ids(engine) == ["neighbour"]


async def test_a_read_that_writes_is_refused(engine):
    await engine.batch([parent("a")])
    with pytest.raises(OperatorMustAct):
        await engine.fetch("DELETE FROM parents")
    assert await ids(engine) == ["a"]


async def test_of_racing_compare_and_sets_exactly_one_wins(engine):
    await engine.batch([parent("a", "0")])
    claim = "UPDATE parents SET note = ? WHERE id = 'a' AND note = '0' RETURNING note"
    answers = await asyncio.gather(
        *(engine.batch([(claim, (f"winner {n}",))]) for n in range(20))
    )
    winners = [rows[0]["note"] for (rows,) in answers if rows]
    assert len(winners) == 1
    assert await engine.fetch("SELECT note FROM parents") == [{"note": winners[0]}]


async def test_many_batches_and_reads_at_once_all_find_their_answer(engine):
    async def write_and_read(n):
        await engine.batch([parent(f"p{n}", str(n))])
        return await engine.fetch("SELECT note FROM parents WHERE id = ?", (f"p{n}",))

    answers = await asyncio.gather(*(write_and_read(n) for n in range(100)))
    assert answers == [[{"note": str(n)}] for n in range(100)]


async def test_an_empty_batch_answers_nothing(engine):
    assert await engine.batch([]) == []
