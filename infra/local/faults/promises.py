"""What must hold whatever broke, read from the database and the bucket as they are."""

import hashlib
import json
import sqlite3
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

Row = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Broken:
    """A promise that was not kept, and whose; None where it is nobody's in particular."""

    what: str
    job_id: str | None = None


@dataclass(frozen=True, slots=True)
class Bucket:
    """What the object store holds.

    All keys, the bytes under one, and the store's ids of open uploads in parts.
    """

    listed: Callable[[], list[str]]
    read: Callable[[str], bytes | None]
    open_parts: Callable[[], list[str]]


@dataclass(frozen=True, slots=True)
class Witness:
    """What was seen from outside.

    `accepted`: jobs that a caller was told of. `erased`: those of them that were deleted.
    `claims`: job and nonce of every claim that a worker sent.
    """

    accepted: Collection[str] = ()
    erased: Collection[str] = ()
    claims: Collection[tuple[str, str]] = field(default_factory=frozenset)


# What each reserve is worth by now, and the budgets that say something else.
_WRONG_BUDGETS = """
WITH closed AS (
    SELECT r.job_id, coalesce(r.tenant, j.tenant) AS tenant, r.at AS at,
        CASE WHEN c.entry IS NULL THEN r.micro_usd ELSE 0 END AS reserved,
        coalesce(c.micro_usd, 0) AS spent
    FROM ledger r
    LEFT JOIN jobs j ON j.id = r.job_id
    LEFT JOIN ledger c ON c.job_id = r.job_id AND c.fence = r.fence AND c.entry <> 'reserve'
    WHERE r.entry = 'reserve'
), wrong AS (
    SELECT b.tenant, b.period FROM budget_periods b
    LEFT JOIN closed c ON c.tenant = b.tenant AND c.at LIKE b.period || '%'
    GROUP BY b.tenant, b.period
    HAVING total(c.reserved) <> b.reserved_micro_usd OR total(c.spent) <> b.spent_micro_usd
)
SELECT DISTINCT c.job_id FROM closed c JOIN wrong w
    ON w.tenant = c.tenant AND c.at LIKE w.period || '%'
"""
# Each query names the jobs that break the rule.
_ALWAYS: Sequence[tuple[str, str]] = (
    (
        "its events have a gap",
        "SELECT j.id FROM jobs j LEFT JOIN events e ON e.job_id = j.id GROUP BY j.id HAVING "
        "max(e.seq) IS NOT j.seq OR count(*) <> CASE j.events_pruned WHEN 0 THEN j.seq + 1 "
        "ELSE 1 END",
    ),
    (
        "it has not exactly one terminal event, at the end of its log",
        "SELECT j.id FROM jobs j JOIN events e ON e.job_id = j.id GROUP BY j.id HAVING "
        "sum(e.type IN ('succeeded', 'failed', 'cancelled', 'expired')) "
        "<> (j.status NOT IN ('queued', 'running')) "
        "OR (j.status NOT IN ('queued', 'running') AND max(CASE WHEN e.type = j.status "
        "THEN e.seq END) IS NOT j.seq)",
    ),
    (
        "an attempt's reserve is missing, doubled or closed twice",
        "SELECT job_id FROM ledger GROUP BY job_id, fence HAVING "
        "sum(entry = 'reserve') <> 1 OR sum(entry <> 'reserve') > 1",
    ),
    (
        "something is billed that was no attempt, or an attempt is not billed",
        "SELECT l.job_id FROM ledger l JOIN jobs j ON j.id = l.job_id "
        "LEFT JOIN attempts a ON a.job_id = l.job_id AND a.fence = l.fence "
        "WHERE (l.entry = 'settle' AND a.fence IS NULL) "
        "OR (l.entry = 'release' AND a.fence IS NOT NULL)",
    ),
    (
        "its tenant's budget of a day or month is not what the ledger comes to",
        _WRONG_BUDGETS,
    ),
    (
        "two of its attempts are of one claim",
        "SELECT job_id FROM attempts GROUP BY job_id HAVING count(DISTINCT nonce) <> count(*)",
    ),
    (
        "an idempotency key leads to a job that is not there",
        "SELECT k.job_id FROM idempotency_keys k LEFT JOIN jobs j ON j.id = k.job_id "
        "WHERE j.id IS NULL OR j.deleted_at IS NOT NULL",
    ),
)
_AT_LAST: Sequence[tuple[str, str]] = (
    (
        "a reserve was never closed",
        "SELECT job_id FROM ledger GROUP BY job_id, fence HAVING count(*) <> 2",
    ),
    ("an effect was never performed", "SELECT job_id FROM effects WHERE done_at IS NULL"),
    (
        "an attempt's objects were never swept",
        "SELECT g.job_id FROM grants g JOIN jobs j ON j.id = g.job_id",
    ),
)
# Each pair of queries must give the same names and numbers.
_COUNTERS: Sequence[tuple[str, str, str]] = (
    (
        "the slots taken are not those of the jobs that hold one",
        "SELECT name, taken AS n FROM endpoints",
        "SELECT endpoint AS name, count(*) AS n FROM jobs WHERE holds_slot = 1 "
        "GROUP BY endpoint",
    ),
    (
        "the count of who waits for a slot is wrong",
        "SELECT name, waiting AS n FROM endpoints",
        "SELECT endpoint AS name, count(*) AS n FROM jobs WHERE waiting_for = 'slot' "
        "GROUP BY endpoint",
    ),
    (
        "a tenant's count of open jobs is wrong",
        "SELECT id AS name, open_jobs AS n FROM tenants",
        "SELECT tenant AS name, count(*) AS n FROM jobs WHERE status IN ('queued', 'running') "
        "GROUP BY tenant",
    ),
)


def broken_promises(database: Path, bucket: Bucket, witness: Witness) -> list[Broken]:
    """Return what does not hold although every job has ended. Blocks."""
    with closing(_reading(database)) as db:
        return [
            *_unsound(db),
            *_lost(db, witness),
            *_unended(db),
            *_by_query(db, _ALWAYS),
            *_miscounted(db),
            *_unseen_claims(db, witness),
            *_false_successes(db, bucket),
        ]


def broken_at_last(database: Path, bucket: Bucket) -> list[Broken]:
    """Return what is left over although all that was due has been done. Blocks."""
    with closing(_reading(database)) as db:
        return [*_by_query(db, _AT_LAST), *_strays(db, bucket)]


def _reading(database: Path) -> sqlite3.Connection:
    connection = sqlite3.connect(database, timeout=10)
    connection.row_factory = lambda cursor, row: dict(
        zip([column[0] for column in cursor.description], row, strict=True)
    )
    connection.execute("PRAGMA query_only = ON")
    return connection


def _unsound(db: sqlite3.Connection) -> Iterator[Broken]:
    rows: list[Row] = db.execute("PRAGMA integrity_check").fetchall()
    for row in rows:
        if row["integrity_check"] != "ok":
            yield Broken(f"the database is damaged: {row['integrity_check']}")
    if db.execute("PRAGMA foreign_key_check").fetchall():
        yield Broken("a row of the database leads nowhere")


def _lost(db: sqlite3.Connection, witness: Witness) -> Iterator[Broken]:
    rows: list[Row] = db.execute("SELECT id, deleted_at FROM jobs").fetchall()
    there = {row["id"] for row in rows if row["deleted_at"] is None}
    for job_id in witness.accepted:
        if job_id not in there and job_id not in witness.erased:
            yield Broken("it was accepted and is lost", job_id)
    for job_id in witness.erased:
        if job_id in there:
            yield Broken("it was deleted and is still there", job_id)


def _unended(db: sqlite3.Connection) -> Iterator[Broken]:
    for row in db.execute("SELECT id, status FROM jobs").fetchall():
        if row["status"] in ("queued", "running"):
            yield Broken(f"it has not ended: {row['status']}", row["id"])


def _by_query(db: sqlite3.Connection, rules: Sequence[tuple[str, str]]) -> Iterator[Broken]:
    for what, query in rules:
        for row in db.execute(query).fetchall():
            yield Broken(what, next(iter(row.values())))


def _miscounted(db: sqlite3.Connection) -> Iterator[Broken]:
    for what, *queries in _COUNTERS:
        kept, counted = (
            {row["name"]: row["n"] for row in db.execute(query).fetchall() if row["n"]}
            for query in queries
        )
        if kept != counted:
            yield Broken(f"{what}: {kept} for {counted}")


def _unseen_claims(db: sqlite3.Connection, witness: Witness) -> Iterator[Broken]:
    for row in db.execute("SELECT job_id, nonce FROM attempts").fetchall():
        if (row["job_id"], row["nonce"]) not in witness.claims:
            yield Broken("it has an attempt that no worker made", row["job_id"])


def _false_successes(db: sqlite3.Connection, bucket: Bucket) -> Iterator[Broken]:
    for job in db.execute("SELECT * FROM jobs WHERE status = 'succeeded'").fetchall():
        if job["deleted_at"] is not None or job.get("outputs_expired_at") is not None:
            continue
        outputs = json.loads(job["outputs"])
        if not outputs:
            yield Broken("it succeeded with nothing made", job["id"])
        for output in outputs:
            stored = bucket.read(output["key"])
            if stored is None:
                yield Broken("it succeeded and its output is not in the bucket", job["id"])
            elif (len(stored), hashlib.sha256(stored).hexdigest()) != (
                output["size_bytes"],
                output["sha256"],
            ):
                yield Broken("it succeeded and its output is not as stated", job["id"])


def _strays(db: sqlite3.Connection, bucket: Bucket) -> Iterator[Broken]:
    named = {
        output["key"]
        for job in db.execute(
            "SELECT outputs FROM jobs WHERE status = 'succeeded' AND deleted_at IS NULL"
        ).fetchall()
        for output in json.loads(job["outputs"])
    }
    assets = db.execute("SELECT object_key FROM assets WHERE deleted_at IS NULL").fetchall()
    named |= {row["object_key"] for row in assets}
    for key in bucket.listed():
        if key not in named:
            job_id = key.split("/")[1] if key.startswith("output/") else None
            yield Broken(f"a stray object is left: {key}", job_id)
    # One whose id the gateway never learnt is for the bucket's own rule to remove.
    ours = db.execute("SELECT multipart_id FROM uploads WHERE multipart_id IS NOT NULL")
    if left := {row["multipart_id"] for row in ours.fetchall()} & set(bucket.open_parts()):
        yield Broken(f"uploads in parts are left open: {len(left)}")
