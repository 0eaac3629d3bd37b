"""What has grown old, in SQL: one question and one guarded statement for each class."""

from collections.abc import Mapping
from datetime import datetime
from types import MappingProxyType

from typing_extensions import override

from gateway.adapters.sql.engine import SqlEngine, Statement, Value
from gateway.adapters.sql.job_changes import add_effects
from gateway.adapters.sql.rows import to_instant, to_text
from gateway.adapters.sql.stored_bytes import take_away
from gateway.core.effects import Effect
from gateway.core.retention import Due, Kept
from gateway.ports.retention_store import RetentionStore

_UNREAD = (
    "NOT EXISTS (SELECT 1 FROM job_sources s JOIN jobs r ON r.id = s.job_id "
    "WHERE s.source_id = jobs.id AND r.status IN ('queued', 'running'))"
)
_OLD_OUTPUTS = (
    f"outputs_at < ? AND outputs_expired_at IS NULL AND deleted_at IS NULL AND {_UNREAD}"
)
_IDLE_ASSET = (
    "created_at < ? AND deleted_at IS NULL AND NOT EXISTS (SELECT 1 FROM job_assets a "
    "JOIN jobs j ON j.id = a.job_id WHERE a.asset_id = assets.id AND j.deleted_at IS NULL "
    "AND (j.finished_at IS NULL OR j.finished_at >= ?)) "
    "AND NOT EXISTS (SELECT 1 FROM export_projects p WHERE p.working_asset_id = assets.id) "
    "AND NOT EXISTS (SELECT 1 FROM export_clips c WHERE c.source_asset_id = assets.id)"
)
_UNNAMED = "NOT EXISTS (SELECT 1 FROM job_assets ja WHERE ja.asset_id = a.id)"
_OLD_ROWS = (
    "SELECT id, tenant, expires_at AS since FROM uploads "
    "WHERE status = 'aborted' AND sweep_at IS NULL AND expires_at < ? UNION ALL "
    "SELECT u.id, u.tenant, a.deleted_at AS since FROM assets a JOIN uploads u "
    f"ON u.id = a.upload_id WHERE a.deleted_at < ? AND u.sweep_at IS NULL AND {_UNNAMED}"
)
# How often the instant is asked for, and the question.
_DUE: Mapping[Kept, tuple[int, str]] = MappingProxyType(
    {
        Kept.UPLOADS: (
            1,
            "SELECT id, tenant, sweep_at AS since FROM uploads WHERE sweep_at < ?",
        ),
        Kept.OUTPUTS: (
            1,
            f"SELECT id, tenant, outputs_at AS since FROM jobs WHERE {_OLD_OUTPUTS}",
        ),
        Kept.ASSETS: (
            2,
            f"SELECT id, tenant, created_at AS since FROM assets WHERE {_IDLE_ASSET}",
        ),
        Kept.JOBS: (
            1,
            "SELECT id, tenant, finished_at AS since FROM jobs "
            f"WHERE finished_at < ? AND deleted_at IS NULL AND {_UNREAD}",
        ),
        Kept.UPLOAD_ROWS: (2, _OLD_ROWS),
        Kept.EVENTS: (
            1,
            "SELECT id, tenant, finished_at AS since FROM jobs "
            "WHERE finished_at < ? AND events_pruned = 0",
        ),
        Kept.IDEMPOTENCY_KEYS: (
            1,
            "SELECT k.job_id AS id, k.tenant, k.created_at AS since FROM idempotency_keys k "
            "LEFT JOIN jobs j ON j.id = k.job_id "
            "WHERE k.created_at < ? AND (j.id IS NULL OR j.finished_at IS NOT NULL)",
        ),
        Kept.OPS: (
            1,
            "SELECT o.op AS id, NULL AS tenant, o.at AS since FROM ops o "
            "LEFT JOIN jobs j ON j.id = o.job_id "
            "WHERE o.at < ? AND (j.id IS NULL OR j.finished_at IS NOT NULL)",
        ),
        Kept.EFFECTS: (
            1,
            "SELECT id, NULL AS tenant, done_at AS since FROM effects WHERE done_at < ?",
        ),
        Kept.DELIVERIES: (
            1,
            "SELECT id, tenant, created_at AS since FROM webhook_deliveries "
            "WHERE created_at < ? AND due_at IS NULL",
        ),
    }
)


class SqlRetentionStore(RetentionStore):
    """Looks at all tables that hold something old; what goes, goes by one batch."""

    def __init__(self, engine: SqlEngine) -> None:
        self._engine = engine

    @override
    async def due(self, what: Kept, before: datetime, limit: int) -> list[Due]:
        times, question = _DUE[what]
        params: list[Value] = [*[to_text(before)] * times, limit]
        rows = await self._engine.fetch(f"{question} ORDER BY since, id LIMIT ?", params)
        return [Due(what, row["id"], row["tenant"], to_instant(row["since"])) for row in rows]

    @override
    async def expire_outputs(
        self, job_id: str, before: datetime, at: datetime, expire: Effect
    ) -> bool:
        old = f"id = ? AND {_OLD_OUTPUTS}"
        which = (job_id, to_text(before))
        now = to_text(at)
        gone = "EXISTS (SELECT 1 FROM jobs WHERE id = ? AND outputs_expired_at IS NOT NULL)"
        *_, expired = await self._engine.batch(
            [
                *take_away(f"jobs WHERE {old}", which),
                # Before the row says so: an effect nobody needs finds that out by itself.
                *add_effects([expire], f"EXISTS (SELECT 1 FROM jobs WHERE {old})", which),
                (
                    "UPDATE jobs SET outputs_expired_at = ?, fingerprint = NULL, "
                    f"stored_bytes = 0 WHERE {old}",
                    (now, *which),
                ),
                (f"SELECT 1 WHERE {gone}", (job_id,)),
            ]
        )
        return bool(expired)

    @override
    async def expire_asset(self, asset_id: str, before: datetime, at: datetime) -> bool:
        idle = f"id = ? AND {_IDLE_ASSET}"
        which = (asset_id, to_text(before), to_text(before))
        now = to_text(at)
        *_, expired = await self._engine.batch(
            [
                *take_away(f"assets WHERE {idle}", which),
                (
                    "UPDATE uploads SET sweep_at = CASE WHEN expires_at > ? THEN expires_at "
                    f"ELSE ? END WHERE id IN (SELECT upload_id FROM assets WHERE {idle})",
                    (now, now, *which),
                ),
                (f"UPDATE assets SET deleted_at = ? WHERE {idle} RETURNING id", (now, *which)),
            ]
        )
        return bool(expired)

    @override
    async def drop_upload_row(self, upload_id: str, before: datetime) -> bool:
        _, dropped = await self._engine.batch(drop_upload_row(upload_id, to_text(before)))
        return bool(dropped)


def drop_upload_row(upload_id: str, before: str) -> list[Statement]:
    """Asset and upload, where both were over before this and nothing names them any more."""
    return [
        (
            "DELETE FROM assets WHERE upload_id = ? AND deleted_at < ? AND EXISTS "
            "(SELECT 1 FROM uploads u WHERE u.id = ? AND u.sweep_at IS NULL) AND "
            "NOT EXISTS (SELECT 1 FROM job_assets ja WHERE ja.asset_id = assets.id)",
            (upload_id, before, upload_id),
        ),
        (
            "DELETE FROM uploads WHERE id = ? AND sweep_at IS NULL "
            "AND (status = 'complete' OR (status = 'aborted' AND expires_at < ?)) "
            "AND NOT EXISTS (SELECT 1 FROM assets WHERE upload_id = uploads.id) "
            "RETURNING id",
            (upload_id, before),
        ),
    ]
