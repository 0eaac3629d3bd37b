"""The migrations runner on real files."""

import sqlite3
import subprocess
import sys
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

import pytest

from gateway.adapters.sql.migrations import Migration, load
from gateway.adapters.sqlite.migrate import migrate
from shared.errors import OperatorMustAct

NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)
CHILD = Path(__file__).with_name("sqlite_child.py")


def made(name, text):
    return Migration(name, text, f"hash of {text}")


GOOD = made("0001_a.sql", "CREATE TABLE a (id TEXT PRIMARY KEY);")
HALF = made("0002_b.sql", "CREATE TABLE b (id TEXT);\nCREATE TABLE a (id TEXT);\n")


@pytest.fixture
def database(tmp_path: Path) -> Path:
    return tmp_path / "cutroom.db"


def tables(database):
    with closing(sqlite3.connect(database)) as connection:
        found = connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")
        return {name for (name,) in found.fetchall()}


def test_each_migration_is_applied_once_and_recorded_with_its_hash(database):
    first, second = migrate(database, now=NOW), migrate(database, now=NOW)
    assert (first, second) == ([each.name for each in load()], [])
    with closing(sqlite3.connect(database)) as connection:
        rows = connection.execute("SELECT name, sha256, applied_at FROM schema_migrations")
        expected = [(each.name, each.sha256, "2026-11-21T12:00:00+00:00") for each in load()]
        assert rows.fetchall() == expected


def test_a_migration_that_fails_half_way_leaves_nothing_of_itself(database):
    with pytest.raises(OperatorMustAct, match=r"0002_b\.sql"):
        migrate(database, now=NOW, migrations=[GOOD, HALF])
    assert tables(database) == {"a", "schema_migrations"}


def test_a_mended_migration_goes_on_where_the_faulty_one_stopped(database):
    with pytest.raises(OperatorMustAct):
        migrate(database, now=NOW, migrations=[GOOD, HALF])
    mended = made("0002_b.sql", "CREATE TABLE b (id TEXT);")
    assert migrate(database, now=NOW, migrations=[GOOD, mended]) == ["0002_b.sql"]


def test_an_applied_file_that_changed_is_refused_and_nothing_new_is_applied(database):
    migrate(database, now=NOW, migrations=[GOOD])
    changed = made("0001_a.sql", "CREATE TABLE a (id TEXT PRIMARY KEY, b TEXT);")
    new = made("0002_b.sql", "CREATE TABLE b (id TEXT);")
    with pytest.raises(OperatorMustAct, match="changed"):
        migrate(database, now=NOW, migrations=[changed, new])
    assert tables(database) == {"a", "schema_migrations"}


def test_a_file_that_is_no_database_is_refused(database):
    database.write_bytes(b"not a database, and longer than a header of sixteen bytes" * 100)
    with pytest.raises(OperatorMustAct):
        migrate(database, now=NOW)


@pytest.mark.processes
def test_four_processes_that_start_at_once_apply_each_migration_once(database):
    command = [sys.executable, str(CHILD), "migrate", str(database)]
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
    processes = [subprocess.Popen(command, **pipes) for _ in range(4)]
    ready = [process.stdout.readline() for process in processes]
    for process in processes:
        process.stdin.write("go\n")
        process.stdin.flush()
    said = [process.communicate(timeout=60)[0] for process in processes]
    assert ready == ["ready\n"] * 4
    assert [process.returncode for process in processes] == [0] * 4
    assert sum(map(int, said)) == len(load())
