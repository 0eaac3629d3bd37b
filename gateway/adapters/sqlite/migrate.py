"""Bring a SQLite file's schema up to date."""

import logging
import sqlite3
from collections.abc import Sequence
from contextlib import closing
from datetime import datetime
from pathlib import Path

from gateway.adapters.sql.migrations import (
    APPLIED,
    LEDGER,
    Migration,
    load,
    still_to_apply,
)
from gateway.adapters.sqlite.connections import open_writer, ours
from shared.errors import OperatorMustAct

log = logging.getLogger(__name__)


def migrate(
    database: Path,
    *,
    now: datetime,
    migrations: Sequence[Migration] | None = None,
    busy_timeout_s: float = 30.0,
) -> list[str]:
    """Apply what is not yet applied; return the names, in order.

    Each file is one transaction under the write lock, and what is applied is read inside
    it: of two processes that start at once, the second finds the first one's work done.
    Blocks; call it before the loop runs, or in a thread. Raises `OperatorMustAct` where an
    applied file has changed or a file is faulty; what came before it stays applied.
    """
    wanted = load() if migrations is None else migrations
    done: list[str] = []
    try:
        with closing(open_writer(database, busy_timeout_s=busy_timeout_s)) as connection:
            while name := _apply_next(connection, wanted, now):
                log.info("migration.applied", extra={"migration": name})
                done.append(name)
    except sqlite3.Error as error:
        raise ours(error) from error
    return done


def _apply_next(
    connection: sqlite3.Connection, wanted: Sequence[Migration], now: datetime
) -> str | None:
    """Apply the first that is missing, in a transaction of its own; None when none is."""
    connection.execute("BEGIN IMMEDIATE")
    try:
        connection.execute(LEDGER)
        applied = dict(connection.execute(APPLIED).fetchall())
        missing = still_to_apply(wanted, applied)
        for migration in missing[:1]:
            _apply(connection, migration, now)
        connection.execute("COMMIT")
    finally:
        if connection.in_transaction:
            connection.execute("ROLLBACK")
    return missing[0].name if missing else None


def _apply(connection: sqlite3.Connection, migration: Migration, now: datetime) -> None:
    try:
        for statement in migration.statements():
            connection.execute(statement)
    except sqlite3.OperationalError as error:
        raise OperatorMustAct(
            f"{migration.name}: {error}", public="The service is not ready."
        ) from error
    connection.execute(*migration.record(now.isoformat()))
