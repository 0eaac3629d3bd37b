"""Use cases of projects and clips: register what is exported, and find it when it is."""

from dataclasses import dataclass

from gateway.core.export_project import ExportClip, ExportProject
from gateway.core.upload import Asset
from gateway.ports.asset_store import AssetStore
from gateway.ports.clock import Clock
from gateway.ports.export_projects import ExportProjectStore
from gateway.services.export_inputs import KEPT_FOR, ExportInputs
from shared.errors import Conflict, NotFound


@dataclass(frozen=True, slots=True)
class ExportProjects:
    """A project and its clips are found under their tenant alone."""

    store: ExportProjectStore
    assets: AssetStore
    inputs: ExportInputs
    clock: Clock

    async def register(
        self, tenant: str, project_id: int, working_video_key: str | None
    ) -> ExportProject:
        """Make the project, or give it another working video, or none.

        Raises what `ExportInputs.take` raises of the key.
        """
        asset_id = None
        if working_video_key is not None:
            field = "working_video_key"
            asset_id = (await self.inputs.take(tenant, working_video_key, field=field)).asset_id
        now = self.clock.now()
        before = await self.store.get_project(tenant, project_id)
        project = await self.store.put_project(tenant, project_id, asset_id, now)
        if project is None:
            raise input_gone()
        if before is not None:
            await self._left(before.working_asset_id, asset_id)
        return project

    async def register_clip(
        self,
        tenant: str,
        project_id: int,
        clip_index: int,
        *,
        source_video_key: str,
        start_s: float,
        end_s: float | None,
    ) -> ExportClip:
        """Make the clip, or replace it; its project too, if there is none.

        Raises what `ExportInputs.take` raises of the key.
        """
        asset = await self.inputs.take(tenant, source_video_key, field="source_video_key")
        now = self.clock.now()
        before = await self.store.get_clip(tenant, project_id, clip_index)
        clip = await self.store.put_clip(
            ExportClip(tenant, project_id, clip_index, asset.asset_id, start_s, end_s, now, now)
        )
        if clip is None:
            raise input_gone()
        if before is not None:
            await self._left(before.source_asset_id, asset.asset_id)
        return clip

    async def _left(self, before: str | None, now: str | None) -> None:
        """What was replaced goes some time later, unless something else has taken it up."""
        if before is not None and before != now:
            await self.assets.reconsider([before], self.clock.now() + KEPT_FOR)

    async def working_video(self, tenant: str, project_id: int) -> Asset:
        """Return what an overlay of the project is made of.

        Raises `NotFound` (`project_not_found`), and `Conflict` (`no_working_video`) where
        it has none, or that was deleted.
        """
        project = await self.store.get_project(tenant, project_id)
        if project is None:
            raise NotFound(
                f"no project {project_id} of {tenant}",
                public="There is no such project.",
                code="project_not_found",
            )
        asset_id = project.working_asset_id
        asset = await self.assets.get(tenant, asset_id) if asset_id else None
        if asset is None:
            raise no_working_video()
        return asset

    async def clip(
        self, tenant: str, project_id: int, clip_index: int
    ) -> tuple[ExportClip, Asset]:
        """Return a clip and its source.

        Raises `NotFound` (`clip_not_found`), and `Conflict` (`source_video_not_found`)
        where the source was deleted.
        """
        clip = await self.store.get_clip(tenant, project_id, clip_index)
        if clip is None:
            raise NotFound(
                f"no clip {clip_index} in project {project_id} of {tenant}",
                public="There is no such clip.",
                code="clip_not_found",
            )
        asset = await self.assets.get(tenant, clip.source_asset_id)
        if asset is None:
            raise source_video_not_found()
        return clip, asset


def no_working_video() -> Conflict:
    """What is said of a project without a video."""
    return Conflict(
        "project without a working video",
        public="The project has no working video. Register one first.",
        code="no_working_video",
    )


def source_video_not_found() -> Conflict:
    """What is said of a clip whose source was deleted."""
    return Conflict(
        "clip without its source",
        public="The clip's source video is no longer there. Register another.",
        code="source_video_not_found",
    )


def input_gone() -> NotFound:
    """What is said of an input that was deleted while it was taken up."""
    return NotFound(
        "an input was deleted meanwhile",
        public="There is no such input video.",
        code="input_video_not_found",
    )
