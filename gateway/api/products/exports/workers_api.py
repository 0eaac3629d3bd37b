"""The Workers API, served here: S4-5, S4-6, S4-8 and S4-12."""

from typing import Any

from fastapi import APIRouter, Response

from gateway.api.auth import JobCaller, Reader, Submitter, UploadCaller
from gateway.api.products.exports.models import JobAsked, UploadUrlAsked
from gateway.api.products.exports.order_desk import Desk, Exports, Order
from gateway.api.products.exports.projection import word
from gateway.api.said_once import IdempotencyHeader
from gateway.core.snapshot import timestamp
from gateway.services.export_projects import input_gone
from shared.errors import Conflict

router = APIRouter(prefix="/api", tags=["exports"])

JOB_ROW = "S4-5"


@router.post("/jobs", status_code=202)
async def create_export_job(
    asked: JobAsked, caller: Submitter, desk: Desk, key: IdempotencyHeader
) -> dict[str, Any]:
    """Export a stored video; an upload that is pending is completed."""
    bind = desk.binding(JOB_ROW, key, asked)
    submitted = await caller.earlier(desk.earlier, bind)
    if submitted is None:
        inputs = desk.exports.inputs
        video = await inputs.take(caller.tenant, asked.input_video_key)
        is_framing = asked.type == "framing"
        trim = {"start_time": asked.start_time, "end_time": asked.end_time}
        order = Order(
            asked.type,
            video,
            asked.params,
            input_gone,
            trim if is_framing else None,
            inputs.reserved_id(video),
        )
        submitted = await desk.make(caller.tenant, order, asked, bind)
    return desk.accepted(submitted, asked)


@router.get("/jobs/{job_id}")
async def read_export_job(job_id: str, caller: Reader, desk: Desk) -> dict[str, Any]:
    """Read one export; its output's URL is signed now and expires."""
    return await desk.shown(await desk.find(caller.tenant, job_id))


@router.post("/jobs/{job_id}/cancel")
async def cancel_export_job(job_id: str, caller: JobCaller, desk: Desk) -> dict[str, Any]:
    """Cancel one export; `cancelled` is false where it had ended otherwise."""
    job = await desk.find(caller.tenant, job_id)
    try:
        job = await desk.cancel(caller.tenant, job)
    except Conflict:
        job = await desk.find(caller.tenant, job_id)
        return {"cancelled": False, "status": word(job.status, job.fence)}
    return {"cancelled": True, "status": word(job.status, job.fence)}


@router.post("/videos/upload-url")
async def create_export_upload(
    asked: UploadUrlAsked, caller: UploadCaller, exports: Exports, response: Response
) -> dict[str, Any]:
    """Promise one video; the answer says where and how to PUT it, within 15 minutes."""
    upload, signed = await exports.inputs.promise(
        caller.tenant,
        filename=asked.filename,
        content_type=asked.content_type,
        size_bytes=asked.size_bytes,
        job_id=asked.job_id,
    )
    response.headers["Cache-Control"] = "no-store"
    return asked.beside(
        {
            "upload_url": signed.url,
            "video_key": upload.key,
            "method": "PUT",
            "headers": dict(signed.headers),
            "expires_at": timestamp(signed.expires_at),
            "max_bytes": exports.inputs.max_bytes,
        }
    )
