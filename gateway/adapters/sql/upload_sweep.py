"""What of the uploads is to be swept, in SQL; each change may repeat."""

from datetime import datetime

from typing_extensions import override

from gateway.adapters.sql.engine import SqlEngine
from gateway.adapters.sql.rows import to_text
from gateway.adapters.sql.stored_bytes import take_away
from gateway.adapters.sql.uploads import UPLOAD_COLUMNS, upload_of
from gateway.core.upload import Upload
from gateway.ports.upload_sweep import UploadSweep

_THERE = "SELECT 1 FROM assets WHERE upload_id = ? AND deleted_at IS NULL"
_LET_GO = (
    "upload_id = ? AND deleted_at IS NULL "
    "AND EXISTS (SELECT 1 FROM uploads u WHERE u.id = assets.upload_id "
    "AND u.provisional = 1 AND u.sweep_at <= ?) "
    "AND NOT EXISTS (SELECT 1 FROM job_assets a JOIN jobs j ON j.id = a.job_id "
    "WHERE a.asset_id = assets.id AND j.deleted_at IS NULL) "
    "AND NOT EXISTS (SELECT 1 FROM export_projects p WHERE p.working_asset_id = assets.id) "
    "AND NOT EXISTS (SELECT 1 FROM export_clips c WHERE c.source_asset_id = assets.id)"
)


class SqlUploadSweep(UploadSweep):
    """Tables `uploads` and `assets`; letting go also looks at who has taken an asset up."""

    def __init__(self, engine: SqlEngine) -> None:
        self._engine = engine

    @override
    async def to_sweep(self, now: datetime, limit: int) -> list[Upload]:
        rows = await self._engine.fetch(
            f"SELECT {UPLOAD_COLUMNS} FROM uploads WHERE sweep_at <= ? "
            "ORDER BY sweep_at, id LIMIT ?",
            (to_text(now), limit),
        )
        return [upload_of(row) for row in rows]

    @override
    async def let_go(self, upload_id: str, at: datetime) -> bool:
        then = to_text(at)
        *_, left = await self._engine.batch(
            [
                *take_away(f"assets WHERE {_LET_GO}", (upload_id, then)),
                (
                    f"UPDATE assets SET deleted_at = ? WHERE {_LET_GO}",
                    (then, upload_id, then),
                ),
                (
                    "UPDATE uploads SET sweep_at = NULL "
                    f"WHERE id = ? AND provisional = 1 AND sweep_at <= ? AND EXISTS ({_THERE})",
                    (upload_id, then, upload_id),
                ),
                (_THERE, (upload_id,)),
            ]
        )
        return not left

    @override
    async def mark_swept(self, upload_id: str, again_at: datetime | None) -> None:
        then = None if again_at is None else to_text(again_at)
        await self._engine.batch(
            [("UPDATE uploads SET sweep_at = ? WHERE id = ?", (then, upload_id))]
        )
