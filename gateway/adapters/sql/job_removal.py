"""The statements by which jobs, their events and what belongs to them go."""

from datetime import datetime

from gateway.adapters.sql.engine import Row, Statement
from gateway.adapters.sql.job_changes import add_effects
from gateway.adapters.sql.rows import to_text
from gateway.adapters.sql.stored_bytes import take_away
from gateway.core.effects import Effect

DONE = 2  # where the deletion itself stands in its batch
_DELETABLE = (
    "id = ? AND tenant = ? AND deleted_at IS NULL "
    "AND status NOT IN ('queued', 'running') AND NOT EXISTS ("
    "SELECT 1 FROM job_sources s JOIN jobs r ON r.id = s.job_id "
    "WHERE s.source_id = ? AND r.status IN ('queued', 'running'))"
)
_DELETED = "EXISTS (SELECT 1 FROM jobs WHERE id = ? AND deleted_at IS NOT NULL)"
# All that names a job by `job_id` and goes with it; the ledger stays, ops go by age.
_BELONGS = (
    "job_assets",
    "job_labels",
    "job_sources",
    "idempotency_keys",
    "events",
    "attempts",
    "grants",
    "runpod_jobs",
)


def delete(tenant: str, job_id: str, at: datetime, erase: Effect) -> list[Statement]:
    """The row at `DONE` says that it was done, the last one's why it was not."""
    which = (job_id, tenant, job_id)
    return [
        *take_away(f"jobs WHERE {_DELETABLE}", which),
        (
            "UPDATE jobs SET deleted_at = ?, fingerprint = NULL, input = '{}', labels = '{}', "
            "result = NULL, "
            f"checkpoint = NULL, stored_bytes = 0 WHERE {_DELETABLE} RETURNING id",
            (to_text(at), *which),
        ),
        *(
            (f"DELETE FROM {table} WHERE job_id = ? AND {_DELETED}", (job_id, job_id))
            for table in ("idempotency_keys", "job_labels")
        ),
        *add_effects([erase], _DELETED, (job_id,)),
        (
            "SELECT status FROM jobs WHERE id = ? AND tenant = ? AND deleted_at IS NULL",
            (job_id, tenant),
        ),
    ]


def erase(job_id: str) -> list[Statement]:
    """The job's own row goes last: as long as it is there, all this may be repeated."""
    return [
        (
            "UPDATE ledger SET tenant = (SELECT tenant FROM jobs WHERE id = ?), "
            "kind = (SELECT kind FROM jobs WHERE id = ?), "
            "status = (SELECT status FROM jobs WHERE id = ?) "
            f"WHERE job_id = ? AND {_DELETED}",
            (job_id,) * 5,
        ),
        *(
            (f"DELETE FROM {table} WHERE job_id = ? AND {_DELETED}", (job_id, job_id))
            for table in _BELONGS
        ),
        ("DELETE FROM jobs WHERE id = ? AND deleted_at IS NOT NULL", (job_id,)),
    ]


def jobs_to_prune(ended_before: datetime, limit: int) -> Statement:
    """Ended jobs that still have all their events, the longest ended first."""
    return (
        "SELECT id, seq FROM jobs WHERE finished_at IS NOT NULL AND events_pruned = 0 "
        "AND finished_at < ? ORDER BY finished_at LIMIT ?",
        (to_text(ended_before), limit),
    )


def prune_events(job: Row) -> list[Statement]:
    """All events of the job go together, but for the one that ended it."""
    return [
        ("DELETE FROM events WHERE job_id = ? AND seq < ?", (job["id"], job["seq"])),
        ("UPDATE jobs SET events_pruned = 1 WHERE id = ?", (job["id"],)),
    ]


def keys_to_prune(before: datetime, limit: int) -> Statement:
    """Old idempotency keys of jobs that have ended."""
    return (
        "SELECT k.tenant, k.route, k.idempotency_key FROM idempotency_keys k "
        "LEFT JOIN jobs j ON j.id = k.job_id "
        "WHERE k.created_at < ? AND (j.id IS NULL OR j.finished_at IS NOT NULL) "
        "ORDER BY k.created_at LIMIT ?",
        (to_text(before), limit),
    )


def free_key(row: Row) -> Statement:
    """One idempotency key is free again."""
    return (
        "DELETE FROM idempotency_keys WHERE tenant = ? AND route = ? AND idempotency_key = ?",
        (row["tenant"], row["route"], row["idempotency_key"]),
    )
