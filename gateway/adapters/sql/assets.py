"""Assets in SQL; every change names the state it starts from, so it may repeat."""

import json
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from typing_extensions import override

from gateway.adapters.sql.engine import Row, SqlEngine
from gateway.adapters.sql.rows import to_instant, to_json, to_text
from gateway.adapters.sql.stored_bytes import take_away
from gateway.core.upload import Asset
from gateway.ports.asset_store import AssetStore, Deletion

ASSET_COLUMNS = (
    "id, tenant, upload_id, object_key, filename, content_type, size_bytes, etag, "
    "created_at, sha256, probe, duration_s"
)
_DELETABLE = (
    "id = ? AND tenant = ? AND deleted_at IS NULL AND NOT EXISTS ("
    "SELECT 1 FROM job_assets a JOIN jobs j ON j.id = a.job_id "
    "WHERE a.asset_id = ? AND j.status IN ('queued', 'running'))"
)
_RECONSIDER = (
    "UPDATE uploads SET sweep_at = ? WHERE provisional = 1 AND sweep_at IS NULL "
    "AND id = (SELECT upload_id FROM assets WHERE id = ? AND deleted_at IS NULL)"
)


class SqlAssetStore(AssetStore):
    """Table `assets`, and when the upload of each is swept; deleting one looks at the jobs."""

    def __init__(self, engine: SqlEngine) -> None:
        self._engine = engine

    @override
    async def get(self, tenant: str, asset_id: str) -> Asset | None:
        rows = await self._engine.fetch(
            f"SELECT {ASSET_COLUMNS} FROM assets "
            "WHERE id = ? AND tenant = ? AND deleted_at IS NULL",
            (asset_id, tenant),
        )
        return _asset_of(rows[0]) if rows else None

    @override
    async def delete(self, tenant: str, asset_id: str, at: datetime) -> Deletion:
        then = to_text(at)
        which = (asset_id, tenant, asset_id)
        *_, deleted, _, left = await self._engine.batch(
            [
                *take_away(f"assets WHERE {_DELETABLE}", which),
                (
                    f"UPDATE assets SET deleted_at = ? WHERE {_DELETABLE} RETURNING id",
                    (then, *which),
                ),
                (
                    "UPDATE uploads SET sweep_at = "
                    "CASE WHEN expires_at > ? THEN expires_at ELSE ? END WHERE id IN ("
                    "SELECT upload_id FROM assets WHERE id = ? AND tenant = ? "
                    "AND deleted_at = ?)",
                    (then, then, asset_id, tenant, then),
                ),
                (
                    "SELECT 1 FROM assets WHERE id = ? AND tenant = ? AND deleted_at IS NULL",
                    (asset_id, tenant),
                ),
            ]
        )
        if deleted:
            return Deletion.DONE
        return Deletion.IN_USE if left else Deletion.MISSING

    @override
    async def record_probe(self, asset_id: str, sha256: str, probe: dict[str, Any]) -> None:
        await self._engine.batch(
            [
                (
                    "UPDATE assets SET probe = ?, sha256 = COALESCE(sha256, ?) "
                    "WHERE id = ? AND probe IS NULL",
                    (to_json(probe), sha256, asset_id),
                )
            ]
        )

    @override
    async def reconsider(self, asset_ids: Sequence[str], sweep_at: datetime) -> None:
        then = to_text(sweep_at)
        if asset_ids:
            await self._engine.batch([(_RECONSIDER, (then, each)) for each in asset_ids])


def _asset_of(row: Row) -> Asset:
    return Asset(
        asset_id=row["id"],
        tenant=row["tenant"],
        upload_id=row["upload_id"],
        key=row["object_key"],
        filename=row["filename"],
        content_type=row["content_type"],
        size_bytes=row["size_bytes"],
        etag=row["etag"],
        created_at=to_instant(row["created_at"]),
        sha256=row["sha256"],
        probe=None if row["probe"] is None else json.loads(row["probe"]),
        duration_s=row["duration_s"],
    )
