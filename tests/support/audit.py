"""What the tables must say of jobs at any moment, and what they may never take back."""

# ruff: noqa: S608 - all that is put into statements here is our own

import sqlite3
from collections.abc import Mapping
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

ENDED = "('succeeded', 'failed', 'cancelled', 'expired')"
_OPEN = "status IN ('queued', 'running')"
# Each reserve with whose it is, and what of it is still open or was spent.
_COSTS = """
    WITH costs AS (SELECT coalesce(r.tenant, j.tenant) AS tenant, r.at,
        CASE WHEN c.entry IS NULL THEN r.micro_usd ELSE 0 END AS open,
        coalesce(c.micro_usd, 0) AS closed
        FROM ledger r LEFT JOIN jobs j ON j.id = r.job_id LEFT JOIN ledger c
        ON c.job_id = r.job_id AND c.fence = r.fence AND c.entry <> 'reserve'
        WHERE r.entry = 'reserve')"""

# Each selects what breaks a rule, so that a sound database answers none of them.
RULES: Mapping[str, str] = {
    "a tenant's counter is the number of its unfinished jobs": f"""
        SELECT t.id, t.open_jobs FROM tenants t WHERE t.open_jobs <>
            (SELECT count(*) FROM jobs WHERE tenant = t.id AND {_OPEN})""",
    "an endpoint's slots are those that jobs hold": """
        SELECT e.name, e.taken FROM endpoints e WHERE e.taken <>
            (SELECT count(*) FROM jobs WHERE endpoint = e.name AND holds_slot = 1)""",
    "an endpoint's line is as long as there are jobs in it": """
        SELECT e.name, e.waiting FROM endpoints e WHERE e.waiting <>
            (SELECT count(*) FROM jobs WHERE endpoint = e.name AND waiting_for = 'slot')""",
    "a slot is held while work is asked for or done, and only then": """
        SELECT id FROM jobs WHERE holds_slot <>
            (coalesce(waiting_for, '') = 'worker' OR attempt_state = 'open')""",
    "a queued job says what it waits for, and no other does": """
        SELECT id FROM jobs WHERE (status = 'queued') <> (waiting_for IS NOT NULL)""",
    "progress is 1 with success, and only then": """
        SELECT id, status, progress FROM jobs WHERE deleted_at IS NULL
            AND (progress NOT BETWEEN 0 AND 1 OR (progress = 1) <> (status = 'succeeded'))""",
    "a log has no gap, and the row is as far as its log": """
        SELECT j.id FROM jobs j LEFT JOIN events e ON e.job_id = j.id GROUP BY j.id HAVING
            max(e.seq) IS NOT j.seq
            OR (j.events_pruned = 0 AND count(*) <> j.seq + 1)
            OR (j.events_pruned = 1 AND count(*) <> 1)""",
    "an ended job has one last event, as the last, and an open one has none": f"""
        SELECT j.id FROM jobs j JOIN events e ON e.job_id = j.id GROUP BY j.id HAVING
            sum(e.type IN {ENDED}) <> (j.status IN {ENDED})
            OR (j.status IN {ENDED} AND sum(e.type = j.status AND e.seq = j.seq) <> 1)""",
    "progress never goes back in a log": """
        SELECT job_id, seq FROM (
            SELECT job_id, seq, now, lag(now) OVER (PARTITION BY job_id ORDER BY seq) AS before
            FROM (SELECT *, json_extract(body, '$.job.progress') AS now FROM events)
        ) WHERE now < before""",
    "attempts are numbered to the job's fence, with no gap but a restore's": """
        SELECT j.id FROM jobs j LEFT JOIN attempts a ON a.job_id = j.id GROUP BY j.id HAVING
            (j.fence_floor = 0 AND count(a.fence) <> j.fence)
            OR sum(a.fence > j.fence_floor) > max(j.fence - j.fence_floor, 0)
            OR coalesce(max(a.fence), 0) <> j.fence
            OR sum(a.fence IS NOT NULL AND a.ended_at IS NULL) <> (j.attempt_state = 'open')""",
    "an attempt has one reserve and is closed once at most": """
        SELECT job_id, fence FROM ledger GROUP BY job_id, fence HAVING
            sum(entry = 'reserve') <> 1 OR sum(entry <> 'reserve') > 1""",
    "nothing is closed that may still cost": f"""
        SELECT l.job_id FROM ledger l JOIN jobs j ON j.id = l.job_id
            WHERE l.entry <> 'reserve' AND j.{_OPEN}
            AND (l.fence > max(j.fence, j.fence_floor)
                OR (l.fence = j.fence AND j.attempt_state = 'open'))""",
    "the attempt to come is reserved, and none after it": """
        SELECT id FROM (SELECT id, fence, status, max(fence, fence_floor) + 1 AS next,
            (SELECT max(fence) FROM ledger WHERE job_id = jobs.id) AS reserved FROM jobs)
            WHERE reserved NOT IN (CASE status WHEN 'queued' THEN next ELSE fence END,
                CASE status WHEN 'running' THEN fence ELSE next END)""",
    "what has ended is closed, or there is an effect that closes it": f"""
        SELECT l.job_id, l.fence FROM ledger l JOIN jobs j ON j.id = l.job_id
            WHERE NOT j.{_OPEN} OR l.fence < j.fence
            OR (l.fence = j.fence AND j.attempt_state <> 'open')
            GROUP BY l.job_id, l.fence HAVING count(*) = 1 AND NOT EXISTS (
                SELECT 1 FROM effects WHERE done_at IS NULL
                AND id = 'settle:' || l.job_id || ':' || l.fence)""",
    "a period holds what is reserved and spent in it": f"""
        {_COSTS} SELECT p.tenant, p.period FROM budget_periods p
            LEFT JOIN costs c ON c.tenant = p.tenant
            AND substr(c.at, 1, length(p.period)) = p.period
            GROUP BY p.tenant, p.period HAVING
            p.reserved_micro_usd <> coalesce(sum(c.open), 0)
            OR p.spent_micro_usd <> coalesce(sum(c.closed), 0)""",
    "a reserve counts in its day and in its month": f"""
        {_COSTS} SELECT c.tenant, c.at FROM costs c WHERE 2 <>
            (SELECT count(*) FROM budget_periods WHERE tenant = c.tenant
            AND period IN (substr(c.at, 1, 10), substr(c.at, 1, 7)))""",
    "reserved and spent never pass a cap": """
        SELECT p.* FROM budget_periods p JOIN tenants t ON t.id = p.tenant
            WHERE p.reserved_micro_usd + p.spent_micro_usd > CASE WHEN length(p.period) > 7
            THEN t.day_cap_micro_usd ELSE t.month_cap_micro_usd END""",
    "nothing costs more than was reserved for it": """
        SELECT r.job_id, r.fence FROM ledger r JOIN ledger c
            ON c.job_id = r.job_id AND c.fence = r.fence
            WHERE r.entry = 'reserve' AND c.micro_usd > r.micro_usd""",
    "what is stored is what there is of uploads, assets and outputs": """
        SELECT t.id, t.stored_bytes FROM tenants t WHERE t.stored_bytes <>
            (SELECT coalesce(sum(size_bytes), 0) FROM uploads
                WHERE tenant = t.id AND status = 'pending')
            + (SELECT coalesce(sum(size_bytes), 0) FROM assets
                WHERE tenant = t.id AND deleted_at IS NULL)
            + (SELECT coalesce(sum(stored_bytes), 0) FROM jobs WHERE tenant = t.id)""",
    "a bound key leads to a job": """
        SELECT k.job_id FROM idempotency_keys k LEFT JOIN jobs j ON j.id = k.job_id
            WHERE j.id IS NULL OR j.deleted_at IS NOT NULL""",
    "a batch that lost its race leaves nothing": "SELECT op FROM ops WHERE outcome IS NULL",
}


def rows_of(reader: sqlite3.Connection, sql: str) -> list[tuple[Any, ...]]:
    """Return every row of a question."""
    return reader.execute(sql).fetchall()


def must_add_up(reader: sqlite3.Connection) -> None:
    """Raise `AssertionError` with the rules that the tables break, and what breaks them."""
    found = {rule: rows_of(reader, sql) for rule, sql in RULES.items()}
    broken = {rule: rows for rule, rows in found.items() if rows}
    assert not broken, f"{broken}"


def rows_in_tables(database: Path) -> dict[str, int]:
    """Return how many rows each table has."""
    named = "SELECT name FROM sqlite_master WHERE type = 'table' ORDER BY name"
    with closing(sqlite3.connect(database)) as reader:
        tables = [name for (name,) in rows_of(reader, named)]
        counts = [rows_of(reader, f"SELECT count(*) FROM {each}") for each in tables]
    return {table: rows[0][0] for table, rows in zip(tables, counts, strict=True)}


@dataclass(slots=True)
class History:
    """What was seen of each job; `look` again, and nothing of it may have been taken back."""

    jobs: dict[str, tuple[Any, ...]] = field(default_factory=dict)
    events: dict[tuple[str, int], tuple[Any, ...]] = field(default_factory=dict)

    def look(self, reader: sqlite3.Connection) -> None:
        """Raise `AssertionError` where fence, seq, version or progress went back.

        Also where a line of a log is another than it was, or an ended job ended again.
        """
        rows = rows_of(reader, "SELECT id, fence, seq, version, progress, status FROM jobs")
        for job_id, *now in rows:
            before = self.jobs.get(job_id, (0, 0, 0, 0.0, "queued"))
            grew = all(a <= b for a, b in zip(before[:4], now[:4], strict=True))
            assert grew, f"{job_id} went back from {before} to {now}"
            ended = before[4] not in {"queued", "running"}
            same = (before[1], before[4]) == (now[1], now[4])
            assert same or not ended, f"{job_id} ended as {before} and again as {now}"
            self.jobs[job_id] = tuple(now)
        for job_id, seq, *line in rows_of(reader, "SELECT job_id, seq, type, body FROM events"):
            same = self.events.setdefault((job_id, seq), tuple(line)) == tuple(line)
            assert same, f"line {seq} of {job_id} is another than it was"
