"""Jobs that come with an earlier job's outputs, in SQL."""

from collections.abc import Sequence
from datetime import datetime

from typing_extensions import override

from gateway.adapters.sql.engine import ConstraintBroken, SqlEngine, Statement
from gateway.adapters.sql.job_changes import add_effects
from gateway.adapters.sql.job_creation import (
    ADD_ASSET,
    ADD_SOURCE,
    INSERT_JOB,
    assets_of,
    bind,
    labels,
    sources_of,
)
from gateway.adapters.sql.rows import COLUMNS, cells, job_of, to_text
from gateway.core.events import event_body
from gateway.core.job import Job
from gateway.ports.job_reuse import JobReuse, NewReuse
from gateway.ports.job_store import JobIdTaken, KeyTaken, SourceGone

# Its outputs may be named again: nothing of this is true of one that was deleted or expired.
_REUSABLE = "status = 'succeeded' AND deleted_at IS NULL AND outputs_expired_at IS NULL"


class SqlJobReuse(JobReuse):
    """Jobs that name the objects of another."""

    def __init__(self, engine: SqlEngine) -> None:
        self._engine = engine

    @override
    async def create_reused(self, new: NewReuse) -> None:
        try:
            await self._engine.batch(_creation(new))
        except ConstraintBroken as error:
            broken = str(error)
            if "ops.op" in broken:
                return
            if "idempotency_keys" in broken:
                raise KeyTaken from error
            if "jobs.id" in broken:
                raise JobIdTaken from error
            if "guards_hold" in broken:
                raise SourceGone from error
            raise

    @override
    async def reusable(
        self, tenant: str, fingerprints: Sequence[str], since: datetime | None, limit: int
    ) -> list[Job]:
        wanted = _reusable(tenant, fingerprints, since, limit)
        return [job_of(row) for row in await self._engine.fetch(*wanted)]

    @override
    async def shares_outputs(self, job: Job) -> bool:
        return bool(await self._engine.fetch(*_sharers(job)))


def _creation(new: NewReuse) -> list[Statement]:
    """Job and both events, if the tenant stays, the earlier job does, and every file.

    The earlier job's row is marked: who deletes it at the same time comes before or after.
    Outputs count for each job that names them, for any of these may be the last.
    """
    job, at = new.job, to_text(new.job.created_at)
    assets, sources = assets_of(job), sources_of(job)
    size_bytes = sum(output.size_bytes for output in job.outputs)
    return [
        (
            "INSERT INTO ops (op, job_id, at, guards_needed, outcome) "
            "VALUES (?, ?, ?, ?, '{}')",
            (new.op, job.id, at, 2 + len(assets) + len(sources)),
        ),
        (
            "UPDATE tenants SET op = ?, stored_bytes = stored_bytes + ? "
            "WHERE id = ? AND erasing_at IS NULL",
            (new.op, size_bytes, job.tenant),
        ),
        (
            f"UPDATE jobs SET op = ? WHERE id = ? AND tenant = ? AND {_REUSABLE}",
            (new.op, new.earlier_id, job.tenant),
        ),
        *bind(job, new.idempotency, at),
        (INSERT_JOB, cells(job, COLUMNS)),
        ("UPDATE jobs SET stored_bytes = ? WHERE id = ?", (size_bytes, job.id)),
        *((ADD_ASSET, (job.id, asset, job.tenant)) for asset in assets),
        *((ADD_SOURCE, (job.id, source, job.tenant)) for source in sources),
        *labels(job, at),
        *(
            (
                "INSERT INTO events (job_id, seq, type, body, at) VALUES (?, ?, ?, ?, ?)",
                (job.id, seen.seq, event, event_body(seen, event, job.created_at), at),
            )
            for seen, event in ((new.queued, "queued"), (job, "succeeded"))
        ),
        *add_effects(new.effects),
        (
            "UPDATE ops SET guards_met = "
            "(SELECT count(*) FROM tenants WHERE id = ? AND op = ?) + "
            "(SELECT count(*) FROM jobs WHERE id = ? AND op = ?) + "
            "(SELECT count(*) FROM job_assets WHERE job_id = ?) + "
            "(SELECT count(*) FROM job_sources WHERE job_id = ?) WHERE op = ?",
            (job.tenant, new.op, new.earlier_id, new.op, job.id, job.id, new.op),
        ),
    ]


def _reusable(
    tenant: str, fingerprints: Sequence[str], since: datetime | None, limit: int
) -> Statement:
    """Jobs by the name of their work, the newest made first."""
    marks = ", ".join("?" * len(fingerprints))
    return (
        f"SELECT * FROM jobs WHERE tenant = ? AND fingerprint IN ({marks}) AND {_REUSABLE} "
        "AND outputs_at >= ? ORDER BY outputs_at DESC, id DESC LIMIT ?",
        (tenant, *fingerprints, to_text(since) if since else "", limit),
    )


def _sharers(job: Job) -> Statement:
    """A row where another job that is there names the objects this one names."""
    origin = job.reused_from or job.id
    return (
        "SELECT 1 FROM (SELECT id FROM jobs WHERE reused_from = ? "
        f"AND id <> ? AND {_REUSABLE} UNION ALL SELECT id FROM jobs WHERE id = ? "
        f"AND id <> ? AND {_REUSABLE}) AS others LIMIT 1",
        (origin, job.id, origin, job.id),
    )
