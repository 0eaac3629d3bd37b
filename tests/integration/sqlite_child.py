"""What another process does to a database file while a test watches.

`hold DATABASE`: take the write lock, say so, keep it until told to stop.
`count DATABASE NAME TIMES`: add one, TIMES times, each under an op of its own.
`append DATABASE`: add rows for ever, saying each number once it is acknowledged.
`migrate DATABASE`: wait for a line, then bring the schema up to date.
"""

import asyncio
import sqlite3
import sys
from datetime import UTC, datetime
from itertools import count
from pathlib import Path

from gateway.adapters.sql.engine import ConstraintBroken
from gateway.adapters.sqlite.engine import SqliteEngine
from gateway.adapters.sqlite.migrate import migrate
from shared.errors import TryAgainLater


def say(what: object) -> None:
    print(what, flush=True)  # noqa: T201 - the test reads it


def hold(database: Path) -> None:
    connection = sqlite3.connect(database, isolation_level=None)
    connection.execute("BEGIN IMMEDIATE")
    say("held")
    sys.stdin.readline()
    connection.execute("ROLLBACK")
    connection.close()


async def add_one(engine: SqliteEngine, op: str) -> None:
    while True:
        try:
            await engine.batch(
                [
                    ("INSERT INTO ops (op) VALUES (?)", (op,)),
                    ("UPDATE counters SET n = n + 1 WHERE id = 'job'", ()),
                ]
            )
        except TryAgainLater:
            continue
        except ConstraintBroken:
            pass
        return


async def add_up(database: Path, name: str, times: int) -> None:
    async with SqliteEngine(database, group_limit=10) as engine:  # many commits, to collide
        await asyncio.gather(*(add_one(engine, f"{name}-{n}") for n in range(times)))


async def append(database: Path) -> None:
    async with SqliteEngine(database) as engine:
        for n in count():
            await engine.batch([("INSERT INTO counters (id, n) VALUES (?, ?)", (f"r{n}", n))])
            say(n)


def wait_and_migrate(database: Path) -> None:
    say("ready")
    sys.stdin.readline()
    say(len(migrate(database, now=datetime.now(UTC))))


if __name__ == "__main__":
    action, database, *rest = sys.argv[1:]
    match action:
        case "hold":
            hold(Path(database))
        case "count":
            asyncio.run(add_up(Path(database), rest[0], int(rest[1])))
        case "append":
            asyncio.run(append(Path(database)))
        case "migrate":
            wait_and_migrate(Path(database))
