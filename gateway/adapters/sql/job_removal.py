"""How jobs and all that belongs to them go, in SQL."""

from datetime import datetime

from typing_extensions import override

from gateway.adapters.sql.engine import SqlEngine, Statement
from gateway.adapters.sql.job_changes import add_effects
from gateway.adapters.sql.rows import to_text
from gateway.adapters.sql.stored_bytes import take_away
from gateway.core.effects import Effect
from gateway.core.job import FINAL, Status
from gateway.ports.job_removal import Deleted, JobRemoval

_DONE = 2  # where the deletion itself stands in its batch
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


class SqlJobRemoval(JobRemoval):
    """The tenant's part goes at once, the rows once they are let go."""

    def __init__(self, engine: SqlEngine) -> None:
        self._engine = engine

    @override
    async def delete(self, tenant: str, job_id: str, at: datetime, erase: Effect) -> Deleted:
        batch = deletion(tenant, job_id, at, erase)
        *_, left = answers = await self._engine.batch(batch)
        if answers[_DONE]:
            return Deleted.DONE
        if not left:
            return Deleted.MISSING
        ended = Status(left[0]["status"]) in FINAL
        return Deleted.IN_USE if ended else Deleted.UNFINISHED

    @override
    async def erase(self, job_id: str) -> None:
        await self._engine.batch(erasure(job_id))


def deletion(tenant: str, job_id: str, at: datetime, erase: Effect) -> list[Statement]:
    """The row at `_DONE` says that it was done, the last one's why it was not."""
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


def erasure(job_id: str) -> list[Statement]:
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
