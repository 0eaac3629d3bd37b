"""Projects and clips of the exports surface in SQL."""

from collections.abc import Sequence
from datetime import datetime

from typing_extensions import override

from gateway.adapters.sql.engine import Row, SqlEngine, Statement, Value
from gateway.adapters.sql.rows import to_instant, to_text
from gateway.core.export_project import ExportClip, ExportProject
from gateway.ports.export_projects import ExportProjectStore

_PROJECT = "tenant, project_id, working_asset_id, created_at, updated_at"
_CLIP = (
    "tenant, project_id, clip_index, source_asset_id, start_s, end_s, created_at, updated_at"
)
_GET_PROJECT = f"SELECT {_PROJECT} FROM export_projects WHERE tenant = ? AND project_id = ?"
_GET_CLIP = (
    f"SELECT {_CLIP} FROM export_clips WHERE tenant = ? AND project_id = ? AND clip_index = ?"
)
_ASSET_THERE = "SELECT 1 FROM assets WHERE tenant = ? AND id = ? AND deleted_at IS NULL"


class SqlExportProjectStore(ExportProjectStore):
    """Tables `export_projects` and `export_clips`; a write looks at `assets` too."""

    def __init__(self, engine: SqlEngine) -> None:
        self._engine = engine

    @override
    async def put_project(
        self, tenant: str, project_id: int, working_asset_id: str | None, at: datetime
    ) -> ExportProject | None:
        now = to_text(at)
        values = (tenant, project_id, working_asset_id, now, now)
        there = () if working_asset_id is None else (tenant, working_asset_id)
        guard = f"EXISTS ({_ASSET_THERE})" if there else "1 = 1"
        (rows,) = await self._engine.batch(
            [
                (
                    f"INSERT INTO export_projects ({_PROJECT}) SELECT ?, ?, ?, ?, ? "
                    f"WHERE {guard} ON CONFLICT (tenant, project_id) DO UPDATE SET "
                    "working_asset_id = excluded.working_asset_id, "
                    f"updated_at = excluded.updated_at RETURNING {_PROJECT}",
                    (*values, *there),
                )
            ]
        )
        return _project(rows)

    @override
    async def get_project(self, tenant: str, project_id: int) -> ExportProject | None:
        return _project(await self._engine.fetch(_GET_PROJECT, (tenant, project_id)))

    @override
    async def put_clip(self, clip: ExportClip) -> ExportClip | None:
        there = (clip.tenant, clip.source_asset_id)
        _, rows = await self._engine.batch([_project_of(clip, there), _put(clip, there)])
        return _clip(rows)

    @override
    async def get_clip(
        self, tenant: str, project_id: int, clip_index: int
    ) -> ExportClip | None:
        return _clip(await self._engine.fetch(_GET_CLIP, (tenant, project_id, clip_index)))


def _project_of(clip: ExportClip, there: Sequence[Value]) -> Statement:
    at = to_text(clip.updated_at)
    return (
        f"INSERT INTO export_projects ({_PROJECT}) SELECT ?, ?, NULL, ?, ? "
        f"WHERE EXISTS ({_ASSET_THERE}) ON CONFLICT (tenant, project_id) DO NOTHING",
        (clip.tenant, clip.project_id, at, at, *there),
    )


def _put(clip: ExportClip, there: Sequence[Value]) -> Statement:
    return (
        f"INSERT INTO export_clips ({_CLIP}) SELECT ?, ?, ?, ?, ?, ?, ?, ? "
        f"WHERE EXISTS ({_ASSET_THERE}) "
        "ON CONFLICT (tenant, project_id, clip_index) DO UPDATE SET "
        "source_asset_id = excluded.source_asset_id, start_s = excluded.start_s, "
        f"end_s = excluded.end_s, updated_at = excluded.updated_at RETURNING {_CLIP}",
        (
            clip.tenant,
            clip.project_id,
            clip.clip_index,
            clip.source_asset_id,
            clip.start_s,
            clip.end_s,
            to_text(clip.created_at),
            to_text(clip.updated_at),
            *there,
        ),
    )


def _project(rows: Sequence[Row]) -> ExportProject | None:
    return ExportProject(**_with_instants(rows[0])) if rows else None


def _clip(rows: Sequence[Row]) -> ExportClip | None:
    return ExportClip(**_with_instants(rows[0])) if rows else None


def _with_instants(row: Row) -> Row:
    return row | {name: to_instant(row[name]) for name in ("created_at", "updated_at")}
