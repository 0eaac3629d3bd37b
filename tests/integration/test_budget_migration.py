"""A database from before there were budgets: what it had spent counts."""

import sqlite3
from contextlib import closing
from datetime import UTC, datetime

from gateway.adapters.sql.migrations import load
from gateway.adapters.sqlite.migrate import migrate

NOW = datetime(2026, 11, 21, tzinfo=UTC)
COLUMNS = (
    "id, tenant, kind, kind_version, stages, input, files, endpoint, max_attempts, limit_s, "
    "estimated_micro_usd, reserve_micro_usd, rate_micro_usd_per_s, created_at, deadline_at, "
    "trace, labels, status, progress, seq, version, fence, attempt_state, submission, "
    "holds_slot, outputs, warnings"
)
JOB = (
    f"INSERT INTO jobs ({COLUMNS}) VALUES (?, 'shop', 'k', 1, '[]', '{{}}', '[]', 'gpu', 3, 1, "  # noqa: S608 - our own words
    "1, 1, 1, 't', 't', 't', '{}', 'queued', 0, 0, 1, 0, 'none', 0, 0, '[]', '[]')"
)
COST = (
    "INSERT INTO ledger (job_id, fence, entry, micro_usd, at, tenant) VALUES (?, ?, ?, ?, ?, ?)"
)
COSTS = [
    ("open", 1, "reserve", 900, "2026-11-20T10:00:00.000000Z", None),
    ("tried", 1, "reserve", 500, "2026-10-31T23:59:59.000000Z", None),
    ("tried", 1, "settle", 70, "2026-11-01T00:00:30.000000Z", None),
    ("tried", 2, "reserve", 500, "2026-11-01T00:00:01.000000Z", None),
    ("tried", 2, "release", 0, "2026-11-01T00:01:00.000000Z", None),
    ("gone", 1, "reserve", 300, "2026-11-20T09:00:00.000000Z", "shop"),
    ("gone", 1, "settle", 30, "2026-11-20T09:00:09.000000Z", "shop"),
]


def test_reserves_and_costs_from_before_count_in_the_periods_of_their_reserves(tmp_path):
    database = tmp_path / "cutroom.db"
    before = [each for each in load() if each.name < "0011"]
    migrate(database, now=NOW, migrations=before)
    with closing(sqlite3.connect(database)) as writer, writer:
        writer.execute("INSERT INTO tenants (id, created_at) VALUES ('shop', 't')")
        writer.executemany(JOB, [("open",), ("tried",)])
        writer.executemany(COST, COSTS)
    migrate(database, now=NOW)
    with closing(sqlite3.connect(database)) as reader:
        rows = reader.execute(
            "SELECT period, reserved_micro_usd, spent_micro_usd FROM budget_periods "
            "WHERE tenant = 'shop' ORDER BY period"
        ).fetchall()
    assert rows == [
        ("2026-10", 0, 70),
        ("2026-10-31", 0, 70),
        ("2026-11", 900, 30),
        ("2026-11-01", 0, 0),
        ("2026-11-20", 900, 30),
    ]
