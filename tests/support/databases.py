"""A new database for each test, migrated once: the schema takes longer than most tests do."""

from datetime import datetime
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory

from gateway.adapters.sqlite.connections import open_writer
from gateway.adapters.sqlite.engine import SqliteEngine
from gateway.adapters.sqlite.migrate import migrate


def new_database(path: Path, now: datetime) -> None:
    """Put a database there as `migrate` leaves a new one; one that is there stays."""
    if not path.exists():
        path.write_bytes(_migrated(now))


def engine_on(database: Path) -> SqliteEngine:
    """Open a file as one process does; what is written may be lost with the power alone."""
    return SqliteEngine(
        database, readers=2, connect_writer=lambda: open_writer(database, synchronous="NORMAL")
    )


@cache
def _migrated(now: datetime) -> bytes:
    with TemporaryDirectory() as folder:
        database = Path(folder, "new.db")
        migrate(database, now=now)
        return database.read_bytes()
