"""The statements that accept a job: all of it is written, or nothing."""

from gateway.adapters.sql import money
from gateway.adapters.sql.engine import Statement
from gateway.adapters.sql.job_changes import add_effects
from gateway.adapters.sql.rows import COLUMNS, cells, to_text
from gateway.core.events import event_body
from gateway.core.idempotency import IdempotencyKey
from gateway.core.job import Job
from gateway.ports.job_store import NewJob

INSERT_JOB = f"INSERT INTO jobs ({', '.join(COLUMNS)}) VALUES ({', '.join('?' * len(COLUMNS))})"
ADD_ASSET = (
    "INSERT INTO job_assets (job_id, asset_id) "
    "SELECT ?, id FROM assets WHERE id = ? AND tenant = ? AND deleted_at IS NULL"
)
ADD_SOURCE = (
    "INSERT INTO job_sources (job_id, source_id) SELECT ?, id FROM jobs "
    "WHERE id = ? AND tenant = ? AND deleted_at IS NULL AND outputs_expired_at IS NULL"
)
AHEAD = 1  # where the line's length stands in the batch of a new job
_LABELS_AT_ONCE = 20  # D1 takes 100 parameters a statement


def create(new: NewJob) -> list[Statement]:
    """Job, event 0, reserve and effects, under guards that the last statement checks.

    The tenant's counter of open jobs has room, as its budget has, which breaks the batch by
    itself, and every file that is read is still there.
    `AHEAD` says where it tells how many wait in front, which need not be counted then.
    """
    job, at = new.job, to_text(new.job.created_at)
    assets, sources = assets_of(job), sources_of(job)
    return [
        (
            "INSERT INTO ops (op, job_id, at, guards_needed, outcome) "
            "VALUES (?, ?, ?, ?, '{}')",
            (new.op, job.id, at, 1 + len(assets) + len(sources)),
        ),
        (
            "UPDATE endpoints SET waiting = waiting + 1 WHERE name = ? "
            "RETURNING waiting - 1 AS ahead",
            (job.endpoint,),
        ),
        (
            "UPDATE tenants SET open_jobs = open_jobs + 1, op = ? "
            "WHERE id = ? AND open_jobs < ? AND erasing_at IS NULL",
            (new.op, job.tenant, new.open_jobs_limit),
        ),
        *money.reserve(job.tenant, job.created_at, job.reserve_micro_usd, new.caps),
        *bind(job, new.idempotency, at),
        (INSERT_JOB, cells(job, COLUMNS)),
        *((ADD_ASSET, (job.id, asset, job.tenant)) for asset in assets),
        *((ADD_SOURCE, (job.id, source, job.tenant)) for source in sources),
        *labels(job, at),
        (
            "INSERT INTO events (job_id, seq, type, body, at) VALUES (?, 0, 'queued', ?, ?)",
            (job.id, event_body(job, "queued", job.created_at), at),
        ),
        (
            "INSERT INTO ledger (job_id, fence, entry, micro_usd, at) "
            "VALUES (?, 1, 'reserve', ?, ?)",
            (job.id, job.reserve_micro_usd, at),
        ),
        *add_effects(new.effects),
        (
            "UPDATE ops SET guards_met = "
            "(SELECT count(*) FROM tenants WHERE id = ? AND op = ?) + "
            "(SELECT count(*) FROM job_assets WHERE job_id = ?) + "
            "(SELECT count(*) FROM job_sources WHERE job_id = ?) WHERE op = ?",
            (job.tenant, new.op, job.id, job.id, new.op),
        ),
    ]


def assets_of(job: Job) -> list[str]:
    """Return the ids of the assets a job reads, each once."""
    return sorted({file.asset_id for file in job.files if file.asset_id})


def sources_of(job: Job) -> list[str]:
    """Return the ids of the jobs whose outputs a job reads, each once."""
    return sorted({file.source_id for file in job.files if file.source_id})


def labels(job: Job, at: str) -> list[Statement]:
    """The job's labels, by which lists find it."""
    rows = [(job.tenant, name, value, at, job.id) for name, value in job.labels.items()]
    return [
        (
            "INSERT INTO job_labels (tenant, name, value, created_at, job_id) "
            f"VALUES {', '.join(['(?, ?, ?, ?, ?)'] * len(some))}",
            [value for row in some for value in row],
        )
        for some in (
            rows[start : start + _LABELS_AT_ONCE]
            for start in range(0, len(rows), _LABELS_AT_ONCE)
        )
    ]


def bind(job: Job, key: IdempotencyKey | None, at: str) -> list[Statement]:
    """What an idempotency key names; breaks the batch where it names a job already."""
    if key is None:
        return []
    return [
        (
            "INSERT INTO idempotency_keys "
            "(tenant, route, idempotency_key, request_hash, job_id, created_at) "
            "VALUES (?, ?, ?, ?, ?, ?)",
            (job.tenant, key.route, key.key, key.request_hash, job.id, at),
        )
    ]
