"""A SQLite file as a busy year leaves it: many jobs, and all that belongs to them."""

import sqlite3
from contextlib import closing
from dataclasses import replace
from pathlib import Path

from gateway.adapters.sql.engine import Row, SqlEngine, Statement
from gateway.adapters.sql.rows import COLUMNS, cells
from gateway.adapters.sqlite.connections import open_writer, run
from gateway.core.job import Status
from tests.support.databases import new_database
from tests.support.jobs import NOON, a_job

QUEUED, RUNNING = 1000, 100

_AT = (
    "strftime('%Y-%m-%dT%H:%M:%S', '2026-11-21 12:00:00', (n / 10) || ' seconds') "
    "|| printf('.%06dZ', n % 10)"
)
# Nearly all have ended; the newest wait for a slot, for a worker, or run.
_STATUS = (
    f"CASE WHEN n > ? - {RUNNING} THEN 'running' WHEN n > ? - {RUNNING + QUEUED} "
    "THEN 'queued' WHEN n % 10 = 0 THEN 'failed' ELSE 'succeeded' END"
)
_WAITING_FOR = (
    "CASE WHEN status = 'queued' THEN CASE n % 50 WHEN 0 THEN 'worker' ELSE 'slot' END END"
)
_BESIDE = (
    "INSERT INTO uploads (id, tenant, status, object_key, filename, content_type, size_bytes, "
    "created_at, expires_at, asset_id) SELECT 'u' || id, tenant, 'complete', 'k/' || id, 'f', "
    "'video/mp4', 5, created_at, created_at, 'a' || id FROM jobs",
    "INSERT INTO assets (id, tenant, upload_id, object_key, filename, content_type, "
    "size_bytes, etag, created_at) SELECT asset_id, tenant, id, object_key, filename, "
    "content_type, size_bytes, 'e', created_at FROM uploads",
    "INSERT INTO job_assets SELECT id, 'a' || id FROM jobs",
    "INSERT INTO job_sources SELECT id, 'j-' || substr(id, 4) FROM jobs WHERE id LIKE '%7'",
    "INSERT INTO job_labels SELECT tenant, 'clip', '7', created_at, id FROM jobs",
    "INSERT INTO idempotency_keys SELECT tenant, 'r', id, 'h', id, created_at FROM jobs",
    "INSERT INTO events SELECT id, 0, 'queued', '{}', created_at FROM jobs",
    "INSERT INTO events SELECT id, 1, 'succeeded', '{}', created_at FROM jobs "
    "WHERE finished_at IS NOT NULL",
    "INSERT INTO effects SELECT 'settle:' || id, 'settle', id, '{}', created_at, '', NULL, 0, "
    "NULL, finished_at FROM jobs",
    "INSERT INTO ops SELECT 'job:' || id, id, created_at, '{}', 0, NULL FROM jobs",
    "INSERT INTO attempts SELECT id, 1, 'n', created_at, created_at, NULL, NULL, NULL, status "
    "FROM jobs WHERE finished_at IS NOT NULL",
    "INSERT INTO grants SELECT id, 1, 'video', 'o/' || id, 'video/mp4', 5, 'h', created_at "
    "FROM jobs",
    "INSERT INTO runpod_jobs SELECT id, 'r' || id, 1, created_at, created_at FROM jobs",
    "INSERT INTO ledger SELECT id, 1, 'reserve', 9, created_at, NULL, NULL, NULL FROM jobs",
)


def a_crowd(database: Path, jobs: int, *, analyzed: bool) -> Path:
    """Write `jobs` jobs of one tenant and their rows elsewhere; `analyzed`, count them."""
    new_database(database, NOON)
    with closing(open_writer(database, synchronous="NORMAL")) as writer:
        writer.execute("BEGIN")
        writer.execute("INSERT INTO tenants (id, created_at) VALUES ('default', '2026')")
        writer.execute("INSERT INTO endpoints (name) VALUES ('gpu')")
        _write_jobs(writer, jobs)
        for statement in _BESIDE:
            writer.execute(statement)
        if analyzed:
            writer.execute("ANALYZE")
        writer.execute("COMMIT")
    return database


def _write_jobs(writer: sqlite3.Connection, jobs: int) -> None:
    job = replace(a_job(), status=Status.SUCCEEDED, waiting_for=None)
    values = dict.fromkeys(COLUMNS, "?") | {
        "id": "printf('j-%d', 2000000 - n)",
        "kind": "CASE n % 10 WHEN 0 THEN 'k.rare' ELSE 'k.usual' END",
        "status": "status",
        "waiting_for": _WAITING_FOR,
        "created_at": "at",
        "deadline_at": "at",
        "seen_at": "at",
        "finished_at": "CASE WHEN status NOT IN ('queued', 'running') THEN at END",
    }
    params = cells(job, tuple(name for name in COLUMNS if values[name] == "?"))
    columns = ", ".join(values[name] for name in COLUMNS)
    writer.execute(
        "WITH RECURSIVE ns (n) AS (SELECT 0 UNION ALL SELECT n + 1 FROM ns WHERE n < ?), "  # noqa: S608 - our own names
        f"given (n, at, status) AS (SELECT n, {_AT}, {_STATUS} FROM ns) "
        f"INSERT INTO jobs ({', '.join(COLUMNS)}) SELECT {columns} FROM given",
        [jobs - 1, jobs - 1, jobs - 1, *params],
    )


class Overheard(SqlEngine):
    """Passes everything on to an engine and keeps each statement, once a text."""

    def __init__(self, engine: SqlEngine) -> None:
        self._engine = engine
        self.statements: dict[str, Statement] = {}

    async def batch(self, statements):
        self._keep(statements)
        return await self._engine.batch(statements)

    async def fetch(self, sql: str, params=()) -> list[Row]:
        self._keep([(sql, params)])
        return await self._engine.fetch(sql, params)

    async def aclose(self) -> None:
        await self._engine.aclose()

    def _keep(self, statements) -> None:
        for sql, params in statements:
            self.statements.setdefault(sql, (sql, params))


def plan(connection: sqlite3.Connection, statement: Statement) -> list[str]:
    """Return SQLite's plan, a line a step."""
    sql, params = statement
    return [row["detail"] for row in run(connection, (f"EXPLAIN QUERY PLAN {sql}", params))]


def steps(connection: sqlite3.Connection, statement: Statement) -> tuple[int, list[Row]]:
    """How many instructions of SQLite's machine a statement takes: a count, not a time."""
    taken = 0

    def one_more() -> None:
        nonlocal taken
        taken += 1

    run(connection, statement)  # prepared, and the schema read
    connection.set_progress_handler(one_more, 1)
    rows = run(connection, statement)
    connection.set_progress_handler(None, 1)
    return taken, rows
