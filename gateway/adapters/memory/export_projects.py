"""Projects and clips of the exports surface in memory."""

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime

from typing_extensions import override

from gateway.core.export_project import ExportClip, ExportProject
from gateway.ports.export_projects import ExportProjectStore


class MemoryExportProjectStore(ExportProjectStore):
    """Dictionaries; `has_asset(tenant, asset_id)` answers for the upload store."""

    def __init__(self, has_asset: Callable[[str, str], bool]) -> None:
        self._has_asset = has_asset
        self._projects: dict[tuple[str, int], ExportProject] = {}
        self._clips: dict[tuple[str, int, int], ExportClip] = {}

    def takes(self, asset_id: str) -> bool:
        """True while a project or a clip names the asset; for the upload store beside it."""
        working = (each.working_asset_id for each in self._projects.values())
        sources = (each.source_asset_id for each in self._clips.values())
        return asset_id in (*working, *sources)

    def forget(self, tenant: str) -> None:
        """Let go of a tenant's projects and clips."""
        self._projects = {k: v for k, v in self._projects.items() if k[0] != tenant}
        self._clips = {k: v for k, v in self._clips.items() if k[0] != tenant}

    @override
    async def put_project(
        self, tenant: str, project_id: int, working_asset_id: str | None, at: datetime
    ) -> ExportProject | None:
        if working_asset_id is not None and not self._has_asset(tenant, working_asset_id):
            return None
        before = self._projects.get((tenant, project_id))
        made_at = before.created_at if before else at
        project = ExportProject(tenant, project_id, working_asset_id, made_at, at)
        self._projects[tenant, project_id] = project
        return project

    @override
    async def get_project(self, tenant: str, project_id: int) -> ExportProject | None:
        return self._projects.get((tenant, project_id))

    @override
    async def put_clip(self, clip: ExportClip) -> ExportClip | None:
        if not self._has_asset(clip.tenant, clip.source_asset_id):
            return None
        if (clip.tenant, clip.project_id) not in self._projects:
            await self.put_project(clip.tenant, clip.project_id, None, clip.updated_at)
        where = (clip.tenant, clip.project_id, clip.clip_index)
        before = self._clips.get(where)
        self._clips[where] = replace(clip, created_at=before.created_at) if before else clip
        return self._clips[where]

    @override
    async def get_clip(
        self, tenant: str, project_id: int, clip_index: int
    ) -> ExportClip | None:
        return self._clips.get((tenant, project_id, clip_index))
