"""A new database for each test, migrated once: the schema takes longer than most tests do."""

from datetime import datetime
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory

from gateway.adapters.sqlite.migrate import migrate


def new_database(path: Path, now: datetime) -> None:
    """Put a database there as `migrate` leaves a new one; one that is there stays."""
    if not path.exists():
        path.write_bytes(_migrated(now))


@cache
def _migrated(now: datetime) -> bytes:
    with TemporaryDirectory() as folder:
        database = Path(folder, "new.db")
        migrate(database, now=now)
        return database.read_bytes()
