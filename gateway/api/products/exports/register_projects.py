"""What there is to export: S4-10 and S4-11."""

from typing import Any

from fastapi import APIRouter

from gateway.api.auth import JobCaller
from gateway.api.products.exports.models import (
    ClipAsked,
    ClipInPath,
    ProjectAsked,
    ProjectInPath,
)
from gateway.api.products.exports.order_desk import Exports
from gateway.core.snapshot import timestamp

router = APIRouter(prefix="/projects", tags=["exports"])


@router.put("/{project_id}")
async def put_export_project(
    project_id: ProjectInPath, asked: ProjectAsked, caller: JobCaller, exports: Exports
) -> dict[str, Any]:
    """Register a project and its working video; an upload that is pending is completed."""
    project = await exports.projects.register(
        caller.tenant, project_id, asked.working_video_key
    )
    return asked.beside(
        {
            "project_id": project.project_id,
            "working_video_key": asked.working_video_key,
            "created_at": timestamp(project.created_at),
            "updated_at": timestamp(project.updated_at),
        }
    )


@router.put("/{project_id}/clips/{clip_index}")
async def put_export_clip(
    project_id: ProjectInPath,
    clip_index: ClipInPath,
    asked: ClipAsked,
    caller: JobCaller,
    exports: Exports,
) -> dict[str, Any]:
    """Register a clip, and its project if there is none; its times are in seconds."""
    clip = await exports.projects.register_clip(
        caller.tenant,
        project_id,
        clip_index,
        source_video_key=asked.source_video_key,
        start_s=asked.start_time or 0.0,
        end_s=asked.end_time,
    )
    return asked.beside(
        {
            "project_id": clip.project_id,
            "clip_index": clip.clip_index,
            "source_video_key": asked.source_video_key,
            "start_time": clip.start_s,
            "end_time": clip.end_s,
            "created_at": timestamp(clip.created_at),
            "updated_at": timestamp(clip.updated_at),
        }
    )
