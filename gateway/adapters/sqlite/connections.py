"""Connections to a SQLite file, and what its errors mean to us."""

import sqlite3
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Literal

from gateway.adapters.sql.engine import Row, Statement
from shared.errors import CutroomError, OperatorMustAct, TryAgainLater

Synchronous = Literal["FULL", "NORMAL"]

# The primary result codes under which the same batch may go through later. After any of
# them, and after the damaged ones, nothing more can be said of the transaction.
_PASSING = frozenset(
    {
        sqlite3.SQLITE_BUSY,
        sqlite3.SQLITE_LOCKED,
        sqlite3.SQLITE_NOMEM,
        sqlite3.SQLITE_IOERR,
        sqlite3.SQLITE_FULL,
        sqlite3.SQLITE_CANTOPEN,
        sqlite3.SQLITE_PROTOCOL,
        sqlite3.SQLITE_INTERRUPT,
    }
)
_DAMAGED = frozenset(
    {
        sqlite3.SQLITE_CORRUPT,
        sqlite3.SQLITE_NOTADB,
        sqlite3.SQLITE_READONLY,
        sqlite3.SQLITE_PERM,
    }
)
_WAL_PAUSES_S = (0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 1.0, 1.0)


def open_writer(
    database: Path, *, busy_timeout_s: float = 5.0, synchronous: Synchronous = "FULL"
) -> sqlite3.Connection:
    """Return a connection that writes; transactions are begun and ended by hand."""
    connection = _open(database, busy_timeout_s)
    try:
        _use_wal(connection)
        connection.execute(f"PRAGMA synchronous = {synchronous}")
        connection.execute("PRAGMA foreign_keys = ON")
    except sqlite3.Error:
        connection.close()
        raise
    return connection


def open_reader(database: Path, *, busy_timeout_s: float = 5.0) -> sqlite3.Connection:
    """Return a connection on which a statement that writes is refused."""
    connection = _open(database, busy_timeout_s)
    connection.execute("PRAGMA query_only = ON")
    return connection


def _open(database: Path, busy_timeout_s: float) -> sqlite3.Connection:
    # A connection is used by one thread at a time, and closed by whichever is last.
    return sqlite3.connect(
        database, timeout=busy_timeout_s, isolation_level=None, check_same_thread=False
    )


def _use_wal(connection: sqlite3.Connection) -> None:
    """Switch to write-ahead logging, once for the file.

    Two processes that switch a new file at once can each be told BUSY without a wait, for
    SQLite sees a deadlock coming; so the one that lost asks again.
    """
    for pause_s in (*_WAL_PAUSES_S, None):
        try:
            (mode,) = connection.execute("PRAGMA journal_mode = WAL").fetchone()
        except sqlite3.OperationalError as error:
            if pause_s is None or primary_code(error) != sqlite3.SQLITE_BUSY:
                raise
            time.sleep(pause_s)
            continue
        if mode != "wal":
            raise OperatorMustAct(f"journal mode is {mode}, not wal", public="Unavailable.")
        return


def run(connection: sqlite3.Connection, statement: Statement) -> list[Row]:
    """Run one statement to its end and return its rows."""
    sql, params = statement
    cursor = connection.execute(sql, params)
    if cursor.description is None:
        return []
    names = [column[0] for column in cursor.description]
    return [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]


def run_all(connection: sqlite3.Connection, statements: Sequence[Statement]) -> list[list[Row]]:
    """Run statements in order."""
    return [run(connection, statement) for statement in statements]


def primary_code(error: sqlite3.Error) -> int:
    """Return SQLite's primary result code; 0 where the driver itself raised."""
    code: int = getattr(error, "sqlite_errorcode", 0)
    return code & 0xFF


def spoils_the_group(error: sqlite3.Error) -> bool:
    """Tell whether the whole transaction is lost, not the statement alone."""
    return primary_code(error) in _PASSING | _DAMAGED


def ours(error: Exception) -> CutroomError:
    """Return our error for one of the driver's, to be raised or set with it as the cause."""
    code = primary_code(error) if isinstance(error, sqlite3.Error) else 0
    said = f"sqlite: {type(error).__name__}: {error}"
    if code in _PASSING:
        mine: CutroomError = TryAgainLater(said, public="The service is busy. Try again.")
    else:
        mine = OperatorMustAct(said, public="Something went wrong on our side.")
    mine.__cause__ = error
    return mine
