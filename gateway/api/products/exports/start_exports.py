"""Exports of what a project holds: S4-1 to S4-3 and S4-9."""

from typing import Any

from fastapi import APIRouter

from gateway.api.auth import Reader, Submitter
from gateway.api.products.exports.models import FramingAsked, OverlayAsked
from gateway.api.products.exports.order_desk import Desk, Order
from gateway.api.said_once import IdempotencyHeader
from gateway.services.export_projects import no_working_video, source_video_not_found

router = APIRouter(tags=["exports"])

# An idempotency key belongs to its row, wherever the row is mounted.
OVERLAY_ROW, FRAMING_ROW = "S4-1", "S4-3"


@router.post("/overlay", status_code=202)
async def start_overlay_export(
    asked: OverlayAsked, caller: Submitter, desk: Desk, key: IdempotencyHeader
) -> dict[str, Any]:
    """Start an overlay of the project's working video as it is now."""
    bind = desk.binding(OVERLAY_ROW, key, asked)
    submitted = await caller.earlier(desk.earlier, bind)
    if submitted is None:
        video = await desk.exports.projects.working_video(caller.tenant, asked.project_id)
        order = Order("overlay", video, asked, no_working_video)
        submitted = await desk.make(caller.tenant, order, asked, bind)
    return desk.accepted(submitted, asked)


@router.get("/overlay/{job_id}")
async def read_overlay_export(job_id: str, caller: Reader, desk: Desk) -> dict[str, Any]:
    """Read one overlay."""
    return await desk.shown(await desk.find(caller.tenant, job_id, ["overlay"]))


@router.post("/framing", status_code=202)
async def start_framing_export(
    asked: FramingAsked, caller: Submitter, desk: Desk, key: IdempotencyHeader
) -> dict[str, Any]:
    """Start a framing of the project's clip as it is now, with the times it has."""
    bind = desk.binding(FRAMING_ROW, key, asked)
    submitted = await caller.earlier(desk.earlier, bind)
    if submitted is None:
        clip, source = await desk.exports.projects.clip(
            caller.tenant, asked.project_id, asked.clip_index
        )
        trim = {"start_time": clip.start_s, "end_time": clip.end_s}
        order = Order("framing", source, asked, source_video_not_found, trim)
        submitted = await desk.make(caller.tenant, order, asked, bind)
    return desk.accepted(submitted, asked)


@router.get("/framing/{job_id}")
async def read_framing_export(job_id: str, caller: Reader, desk: Desk) -> dict[str, Any]:
    """Read one framing."""
    return await desk.shown(await desk.find(caller.tenant, job_id, ["framing"]))
