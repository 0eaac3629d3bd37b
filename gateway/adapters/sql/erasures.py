"""Erasures in SQL: the tenant's row goes last, and the keys that refer to it guard that."""

from datetime import datetime

from typing_extensions import override

from gateway.adapters.sql.engine import ConstraintBroken, Row, SqlEngine, Statement
from gateway.adapters.sql.job_changes import add_effects
from gateway.adapters.sql.retention import drop_upload_row
from gateway.adapters.sql.rows import to_instant, to_text
from gateway.adapters.sql.uploads import UPLOAD_COLUMNS, upload_of
from gateway.core.effects import Effect
from gateway.core.upload import Upload
from gateway.ports.erasure_store import Erasure, ErasureStore, Left

OPEN_JOBS = "SELECT id FROM jobs WHERE tenant = ? AND status IN ('queued', 'running') LIMIT ?"
ENDED_JOBS = (
    "SELECT id FROM jobs WHERE tenant = ? "
    "AND status IN ('succeeded', 'failed', 'cancelled', 'expired') "
    "AND deleted_at IS NULL LIMIT ?"
)
LIVE_UPLOADS = (
    f"SELECT {UPLOAD_COLUMNS} FROM uploads WHERE tenant = ? AND (status = 'pending' "
    "OR EXISTS (SELECT 1 FROM assets WHERE upload_id = uploads.id "
    "AND deleted_at IS NULL)) LIMIT ?"
)
SWEPT_UPLOADS = (
    "SELECT id FROM uploads WHERE tenant = ? AND sweep_at IS NULL "
    "AND status <> 'pending' AND NOT EXISTS (SELECT 1 FROM assets a "
    "WHERE a.upload_id = uploads.id AND (a.deleted_at IS NULL OR EXISTS "
    "(SELECT 1 FROM job_assets ja WHERE ja.asset_id = a.id))) LIMIT ?"
)
_NEVER = "~"  # sorts behind every instant: whatever its age
_SELECT = "SELECT id, tenant, asked_at, quiet_at, done_at FROM erasures"
# What is nobody's business once the tenant goes, and nothing else refers to.
_OWN = ("api_keys", "export_clips", "export_projects", "budget_alerts")
_GOES_BY_AGE = (
    "SELECT 1 FROM ops o LEFT JOIN jobs j ON j.id = o.job_id "
    "WHERE o.at <= ? AND j.id IS NULL LIMIT 1",
    "SELECT 1 FROM effects WHERE done_at <= ? LIMIT 1",
    "SELECT 1 FROM effects WHERE done_at IS NULL AND due_at <= ? LIMIT 1",
)


class SqlErasureStore(ErasureStore):
    """Table `erasures`, and every table that knows a tenant."""

    def __init__(self, engine: SqlEngine) -> None:
        self._engine = engine

    @override
    async def begin(self, erasure: Erasure, carry_out: Effect) -> Erasure | None:
        at, tenant = to_text(erasure.asked_at), erasure.tenant
        begun = "EXISTS (SELECT 1 FROM erasures WHERE id = ?)"
        *_, rows = await self._engine.batch(
            [
                (
                    "INSERT INTO erasures (id, tenant, asked_at) SELECT ?, id, ? FROM tenants "
                    "WHERE id = ? ON CONFLICT (tenant) DO NOTHING",
                    (erasure.id, at, tenant),
                ),
                (
                    "UPDATE tenants SET erasing_at = coalesce(erasing_at, ?), "
                    "suspended_at = coalesce(suspended_at, ?) WHERE id = ?",
                    (at, at, tenant),
                ),
                *add_effects([carry_out], begun, (erasure.id,)),
                (f"{_SELECT} WHERE tenant = ?", (tenant,)),
            ]
        )
        return _erasure(rows[0]) if rows else None

    @override
    async def get(self, erasure_id: str) -> Erasure | None:
        rows = await self._engine.fetch(f"{_SELECT} WHERE id = ?", (erasure_id,))
        return _erasure(rows[0]) if rows else None

    @override
    async def all(self) -> list[Erasure]:
        rows = await self._engine.fetch(f"{_SELECT} ORDER BY asked_at DESC, id DESC")
        return [_erasure(row) for row in rows]

    @override
    async def strip(self, tenant: str) -> None:
        await self._engine.batch(_strip(tenant))

    @override
    async def open_jobs(self, tenant: str, limit: int) -> list[str]:
        rows = await self._engine.fetch(
            OPEN_JOBS,
            (tenant, limit),
        )
        return [row["id"] for row in rows]

    @override
    async def ended_jobs(self, tenant: str, limit: int) -> list[str]:
        rows = await self._engine.fetch(
            ENDED_JOBS,
            (tenant, limit),
        )
        return [row["id"] for row in rows]

    @override
    async def live_uploads(self, tenant: str, limit: int) -> list[Upload]:
        rows = await self._engine.fetch(
            LIVE_UPLOADS,
            (tenant, limit),
        )
        return [upload_of(row) for row in rows]

    @override
    async def drop_uploads(self, tenant: str, limit: int) -> int:
        rows = await self._engine.fetch(
            SWEPT_UPLOADS,
            (tenant, limit),
        )
        if rows:
            drops = [each for row in rows for each in drop_upload_row(row["id"], _NEVER)]
            await self._engine.batch(drops)
        return len(rows)

    @override
    async def left(self, tenant: str) -> Left:
        [row] = await self._engine.fetch(
            "SELECT (SELECT count(*) FROM jobs WHERE tenant = ?) AS jobs, "
            "(SELECT count(*) FROM uploads WHERE tenant = ?) AS uploads",
            (tenant, tenant),
        )
        return Left(row["jobs"], row["uploads"])

    @override
    async def note_quiet(self, erasure_id: str, at: datetime) -> Erasure | None:
        await self._engine.batch(
            [
                (
                    "UPDATE erasures SET quiet_at = CASE WHEN EXISTS "
                    "(SELECT 1 FROM jobs WHERE jobs.tenant = erasures.tenant) THEN NULL "
                    "ELSE coalesce(quiet_at, ?) END WHERE id = ?",
                    (to_text(at), erasure_id),
                )
            ]
        )
        return await self.get(erasure_id)

    @override
    async def finish(self, erasure_id: str, alias: str, at: datetime) -> bool:
        erasure = await self.get(erasure_id)
        if erasure is None or erasure.tenant is None:
            return True
        if erasure.quiet_at is None:
            return False
        for question in _GOES_BY_AGE:
            if await self._engine.fetch(question, (to_text(erasure.quiet_at),)):
                return False
        tenant = erasure.tenant
        try:
            await self._engine.batch(
                [
                    ("UPDATE ledger SET tenant = ? WHERE tenant = ?", (alias, tenant)),
                    *_strip(tenant),
                    ("DELETE FROM budget_periods WHERE tenant = ?", (tenant,)),
                    # The mark of a batch counts within it alone; it names a job.
                    ("UPDATE endpoints SET op = NULL", ()),
                    ("DELETE FROM tenants WHERE id = ?", (tenant,)),
                    (
                        "UPDATE erasures SET tenant = NULL, done_at = ? WHERE id = ?",
                        (to_text(at), erasure_id),
                    ),
                ]
            )
        except ConstraintBroken:  # something came in before the door was shut
            return False
        return True


def _strip(tenant: str) -> list[Statement]:
    mine = "SELECT id FROM webhook_endpoints WHERE tenant = ?"
    return [
        (f"DELETE FROM webhook_deliveries WHERE endpoint_id IN ({mine})", (tenant,)),
        ("DELETE FROM webhook_endpoints WHERE tenant = ?", (tenant,)),
        *((f"DELETE FROM {table} WHERE tenant = ?", (tenant,)) for table in _OWN),
    ]


def _erasure(row: Row) -> Erasure:
    def instant(name: str) -> datetime | None:
        return None if row[name] is None else to_instant(row[name])

    asked_at = to_instant(row["asked_at"])
    return Erasure(row["id"], row["tenant"], asked_at, instant("quiet_at"), instant("done_at"))
