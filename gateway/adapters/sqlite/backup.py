"""A copy of a SQLite file that is in use, and the way back from one.

A backup is one file, complete in itself, that only its owner may read. It is made in one read
transaction: the gateway goes on writing, and what it had answered before is in it.
"""

import os
import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from gateway.adapters.sql.migrations import APPLIED, Migration, load, still_to_apply
from gateway.adapters.sql.restores import AFTER_A_RESTORE, after_a_restore, fence_floor_at
from gateway.adapters.sqlite.connections import open_reader, ours, primary_code, run, run_all
from gateway.adapters.sqlite.migrate import migrate
from shared.errors import OperatorMustAct

_PUBLIC = "The database cannot be copied."
_PRIVATE = 0o600
_FLAGS = os.O_CREAT | os.O_EXCL | os.O_WRONLY


@dataclass(frozen=True, slots=True)
class Restored:
    """What a restore has done.

    `lost_since`: when a gateway last ticked before the backup was made; what was accepted and
    answered since is not in it. `jobs_open` had not ended by then. `aside`: where the database
    is that stood there before; None where there was none.
    """

    lost_since: datetime | None
    jobs_open: int
    fence_floor: int
    aside: Path | None


def back_up(database: Path, to: Path) -> None:
    """Copy the database into a new file, checked and on the disk when this returns. Blocks.

    Raises `OperatorMustAct` where there is no database, something stands at `to` already, or
    the copy is not sound.
    """
    if not database.is_file():
        raise _cannot(f"there is no database {database}")
    with _told_as_ours(database), closing(open_reader(database)) as source:
        _copy(source, to)


def restore(backup: Path, database: Path, *, now: datetime) -> Restored:
    """Put a backup where the database stands, brought up to date. Blocks.

    All of it happens or nothing: the backup is checked and prepared beside the database, and
    takes its place in one transaction. What stood there is kept beside it.

    Raises `OperatorMustAct` where the backup is unsound, is none of ours, or was made by a
    newer gateway, and where anything has the database open.
    """
    database.parent.mkdir(parents=True, exist_ok=True)
    ready = database.with_name(f".{database.name}.{os.getpid()}.restoring")
    try:
        with _told_as_ours(backup), closing(_open_to_read(backup)) as source:
            _must_be_ours(source, load())
            _copy(source, ready)
        migrate(ready, now=now)
        with (
            _told_as_ours(ready),
            closing(sqlite3.connect(ready, isolation_level=None)) as copy,
        ):
            done = _set_apart(copy, now)
            _one_file(copy)
        with _told_as_ours(database):
            aside = _take_its_place(ready, database, now)
    finally:
        _remove(ready)
    return Restored(*done, aside)


def _set_apart(copy: sqlite3.Connection, now: datetime) -> tuple[datetime | None, int, int]:
    """Keep what is done from now on apart from what the backup does not know of."""
    [facts] = run(copy, (AFTER_A_RESTORE, ()))
    since = datetime.fromisoformat(facts["ticked_at"]) if facts["ticked_at"] else None
    floor = fence_floor_at(now)
    if floor <= facts["floor"]:
        raise _cannot("this minute was restored in before, or the clock was set back: wait")
    copy.execute("BEGIN IMMEDIATE")
    run_all(copy, after_a_restore(now, floor, facts["ticked_at"], facts["open"]))
    copy.execute("COMMIT")
    return since, facts["open"], floor


def _take_its_place(ready: Path, database: Path, now: datetime) -> Path | None:
    """Overwrite the database by the prepared copy; return where the old one is kept."""
    existed = database.exists()
    if not existed:
        os.close(os.open(database, _FLAGS, _PRIVATE))
    with closing(sqlite3.connect(database, timeout=0, isolation_level=None)) as target:
        _have_it_alone(target, database)
        aside = None
        if existed and _holds_anything(target):
            aside = database.with_name(
                f"{database.name}.before-{now.astimezone(UTC):%Y%m%dT%H%M%SZ}"
            )
            _copy(target, aside)
        with closing(sqlite3.connect(ready)) as source:
            source.backup(target)
    _sync(database)
    return aside


def _have_it_alone(target: sqlite3.Connection, database: Path) -> None:
    """Lock the file for as long as this connection lives.

    A file leaves write-ahead logging only where nobody else has it open, so that this tells of
    a gateway that does nothing just now, too.
    """
    try:
        target.execute("PRAGMA locking_mode = EXCLUSIVE")
        _one_file(target)
        target.execute("BEGIN EXCLUSIVE")
        target.execute("COMMIT")
    except sqlite3.OperationalError as error:
        if primary_code(error) not in {sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED}:
            raise
        raise _cannot(f"{database} is in use: stop every gateway on it first") from error


def _holds_anything(target: sqlite3.Connection) -> bool:
    ((tables,),) = target.execute("SELECT count(*) FROM sqlite_master").fetchall()
    return bool(tables)


def _must_be_ours(source: sqlite3.Connection, known: Sequence[Migration]) -> None:
    _must_be_sound(source)
    try:
        applied = dict(source.execute(APPLIED).fetchall())
    except sqlite3.OperationalError as error:
        raise _cannot("it is no database of a gateway's") from error
    newer = applied.keys() - {each.name for each in known}
    if newer:
        raise _cannot(f"it was made by a newer gateway, which knows {min(newer)}")
    still_to_apply(known, applied)


def _must_be_sound(connection: sqlite3.Connection) -> None:
    [(verdict,), *_] = connection.execute("PRAGMA integrity_check(1)").fetchall()
    if verdict != "ok":
        raise _cannot(f"it is damaged: {verdict}")
    broken = connection.execute("PRAGMA foreign_key_check").fetchone()
    if broken is not None:
        raise _cannot(f"a row of {broken[0]} refers to one that is not there")


def _copy(source: sqlite3.Connection, to: Path) -> None:
    """Write all of the source to a new file, under its name only once it is whole."""
    if to.exists():
        raise _cannot(f"there is something at {to} already")
    partial = to.with_name(f".{to.name}.{os.getpid()}.partial")
    os.close(os.open(partial, _FLAGS, _PRIVATE))
    try:
        with closing(sqlite3.connect(partial, isolation_level=None)) as copy:
            source.backup(copy)
            _one_file(copy)
            _must_be_sound(copy)
        _sync(partial)
        # The name is taken by whoever makes it: no copy ever replaces a file.
        os.close(os.open(to, _FLAGS, _PRIVATE))
        partial.replace(to)
        _sync(to.parent)
    except FileExistsError as error:
        raise _cannot(f"there is something at {to} already") from error
    finally:
        _remove(partial)


def _one_file(connection: sqlite3.Connection) -> None:
    """Leave nothing of the database in files beside it."""
    connection.execute("PRAGMA journal_mode = DELETE").fetchall()


def _open_to_read(backup: Path) -> sqlite3.Connection:
    if not backup.is_file():
        raise _cannot(f"there is no file {backup}")
    return sqlite3.connect(f"{backup.resolve().as_uri()}?mode=ro", uri=True)


def _remove(path: Path) -> None:
    for name in (path.name, f"{path.name}-journal", f"{path.name}-wal", f"{path.name}-shm"):
        path.with_name(name).unlink(missing_ok=True)


def _sync(path: Path) -> None:
    file = os.open(path, os.O_RDONLY)
    try:
        os.fsync(file)
    finally:
        os.close(file)


@contextmanager
def _told_as_ours(database: Path) -> Iterator[None]:
    try:
        yield
    except sqlite3.DatabaseError as error:
        raise _cannot(f"{database}: {ours(error)}") from error
    except OSError as error:
        raise _cannot(f"{database}: {error.strerror}") from error


def _cannot(why: str) -> OperatorMustAct:
    return OperatorMustAct(why, public=_PUBLIC)
