"""What is said of the routes of the exports product."""

from types import MappingProxyType
from typing import Any

from gateway.api.openapi import examples, refusals
from gateway.api.openapi.export_models import (
    ExportAccepted,
    ExportCancelled,
    ExportClip,
    ExportJob,
    ExportProject,
    ExportUpload,
)
from gateway.api.openapi.operation import Access, Answer, Examples, Operation, ok
from gateway.api.openapi.refusals import Refusal

_ID = examples.JOB_ID
_KEY = f"input/{_ID}/video.mp4"
_SOCKET = f"/api/jobs/{_ID}/ws?ticket=tj_default.1795262460.…"
_TIMES = {"created_at": examples.CREATED, "updated_at": examples.SEEN}
_REGIONS = examples.OVERLAY_INPUT["highlight_regions"]
_KEYFRAMES = examples.FRAMING_INPUT["crop_keyframes"]

_ACCEPTED = {"job_id": _ID, "status": "pending", "websocket_url": _SOCKET}
_RUNNING: dict[str, Any] = {
    "job_id": _ID,
    "project_id": 42,
    "type": "overlay",
    "status": "processing",
    "progress": 42,
    "stage": "render",
    "input_video_key": _KEY,
    "output_video_key": None,
    "error": None,
    "error_code": None,
    "retryable": None,
    "warnings": [],
    **_TIMES,
    "completed_at": None,
    "output_url": None,
    "websocket_url": _SOCKET,
}
_COMPLETE = {
    **_RUNNING,
    "status": "complete",
    "progress": 100,
    "stage": "persist",
    "output_video_key": f"output/{_ID}/1/overlay.mp4",
    "updated_at": examples.FINISHED,
    "completed_at": examples.FINISHED,
    "output_url": f"{examples.STORE}/output/{_ID}/1/overlay.mp4?X-Amz-Signature=…",
}
_ERROR = {
    **_RUNNING,
    "status": "error",
    "error": "The file cannot be read as a video. Export it again and retry.",
    "error_code": "input_unreadable",
    "retryable": False,
    "completed_at": examples.SEEN,
}
_PUT = {
    "upload_url": f"{examples.STORE}/{_KEY}?X-Amz-Signature=…",
    "video_key": _KEY,
    "method": "PUT",
    "headers": {"content-type": "video/mp4", "if-none-match": "*"},
    "expires_at": "2026-11-21T12:15:00.000000Z",
    "max_bytes": 5368709120,
}

_TAKING: tuple[Refusal, ...] = (
    refusals.UPLOAD_INCOMPLETE,
    refusals.UPLOAD_TOO_LARGE,
    refusals.TYPE_MISMATCH,
    refusals.SIZE_MISMATCH,
    refusals.INPUT_KEY_NOT_ALLOWED,
)
_LOOKING: tuple[Refusal, ...] = (
    refusals.DUPLICATE_KEYFRAME,
    refusals.INVALID_RANGE,
    refusals.UNKNOWN_EFFECT_TYPE,
    refusals.WRONG_FAMILY,
)
_SUBMITTING: tuple[Refusal, ...] = (
    refusals.IDEMPOTENCY_CONFLICT,
    refusals.BUDGET_EXCEEDED,
    refusals.TOO_MANY_OPEN_JOBS,
)


def _taken_on() -> tuple[Answer, Answer]:
    return (
        ok("The export is taken on.", ExportAccepted, _ACCEPTED, status=202),
        ok(
            "The export made under this idempotency key, as it stands now.",
            ExportAccepted,
            Examples(at_once=_ACCEPTED, later={**_ACCEPTED, "status": "processing"}),
        ),
    )


def _read(summary: str, says: str) -> Operation:
    return Operation(
        tag="exports",
        access=Access.READ,
        summary=summary,
        says=says,
        answers=(
            ok(
                "The job.",
                ExportJob,
                Examples(running=_RUNNING, complete=_COMPLETE, error=_ERROR),
            ),
        ),
    )


OPERATIONS = MappingProxyType(
    {
        "start_overlay_export": Operation(
            tag="exports",
            access=Access.JOBS,
            summary="Export a project with highlights",
            says="Highlights ellipses in the project's working video and crops it to the "
            "output's shape. The job keeps the video it began with, whatever becomes of the "
            "project later. Takes an `Idempotency-Key`.",
            answers=_taken_on(),
            refusals=(
                refusals.PROJECT_NOT_FOUND,
                refusals.NO_WORKING_VIDEO,
                *_LOOKING,
                *_SUBMITTING,
            ),
            body={
                "blur": {
                    "project_id": 42,
                    "highlight_regions": _REGIONS,
                    "effect_type": "blur",
                }
            },
        ),
        "read_overlay_export": _read(
            "Read an overlay", "The export as it stands; 404 also where it is no overlay."
        ),
        "start_framing_export": Operation(
            tag="exports",
            access=Access.JOBS,
            summary="Export a clip, framed",
            says="Cuts the project's clip at the times it was registered with and crops it "
            "along keyframes. Frames count on the source video's timeline. Takes an "
            "`Idempotency-Key`.",
            answers=_taken_on(),
            refusals=(
                refusals.CLIP_NOT_FOUND,
                refusals.SOURCE_VIDEO_NOT_FOUND,
                *_LOOKING,
                *_SUBMITTING,
            ),
            body={
                "follow": {"project_id": 42, "clip_index": 0, "crop_keyframes": _KEYFRAMES},
                "centred": {"project_id": 42, "clip_index": 0, "crop_keyframes": []},
            },
        ),
        "read_framing_export": _read(
            "Read a framing", "The export as it stands; 404 also where it is no framing."
        ),
        "put_export_project": Operation(
            tag="exports",
            access=Access.JOBS,
            summary="Register a project",
            says="Says which video the project's overlays are made of; null takes it away. A "
            "video that was put and not yet taken up is checked now.",
            answers=(
                ok(
                    "The project.",
                    ExportProject,
                    {"project_id": 42, "working_video_key": _KEY, **_TIMES},
                ),
            ),
            refusals=_TAKING,
            body={"video": {"working_video_key": _KEY}, "none": {"working_video_key": None}},
            finds=refusals.INPUT_VIDEO_NOT_FOUND,
        ),
        "put_export_clip": Operation(
            tag="exports",
            access=Access.JOBS,
            summary="Register a clip",
            says="Says which part of which video the clip is. Its project comes into being "
            "with it, if there is none. Jobs that run already keep what they began with.",
            answers=(
                ok(
                    "The clip.",
                    ExportClip,
                    {
                        "project_id": 42,
                        "clip_index": 0,
                        "source_video_key": _KEY,
                        "start_time": 1.0,
                        "end_time": 6.0,
                        **_TIMES,
                    },
                ),
            ),
            refusals=(*_TAKING, refusals.INVALID_RANGE),
            body={"part": {"source_video_key": _KEY, "start_time": 1.0, "end_time": 6.0}},
            finds=refusals.INPUT_VIDEO_NOT_FOUND,
        ),
        "create_export_job": Operation(
            tag="exports",
            access=Access.JOBS,
            summary="Export a stored video",
            says="Makes an overlay or a framing of a video by its key, without a registered "
            "project. A video that was put and not yet taken up is checked now. If no job has "
            "the id in the key yet, this one takes it. `clip_index`, `start_time` and "
            "`end_time` belong to framings alone. Takes an `Idempotency-Key`.",
            answers=_taken_on(),
            refusals=(refusals.INPUT_VIDEO_NOT_FOUND, *_TAKING, *_LOOKING, *_SUBMITTING),
            body={
                "overlay": {
                    "project_id": 42,
                    "type": "overlay",
                    "input_video_key": _KEY,
                    "params": {"highlight_regions": _REGIONS, "effect_type": "blur"},
                },
                "framing": {
                    "project_id": 42,
                    "type": "framing",
                    "input_video_key": _KEY,
                    "params": {"crop_keyframes": _KEYFRAMES},
                    "clip_index": 0,
                    "start_time": 1.0,
                    "end_time": 6.0,
                },
            },
        ),
        "read_export_job": _read(
            "Read an export", "The export as it stands, of either type, with fresh URLs."
        ),
        "cancel_export_job": Operation(
            tag="exports",
            access=Access.JOBS,
            summary="Cancel an export",
            says="Repeating it is harmless. Where the job had ended otherwise `cancelled` is "
            "false, and the job stays as it was.",
            answers=(
                ok(
                    "Whether it was in time.",
                    ExportCancelled,
                    Examples(
                        in_time={"cancelled": True, "status": "error"},
                        too_late={"cancelled": False, "status": "complete"},
                    ),
                ),
            ),
        ),
        "create_export_upload": Operation(
            tag="exports",
            access=Access.UPLOADS,
            summary="Get an upload URL",
            says="Where to PUT a video, within 15 minutes and with `headers` exactly as given. "
            "`video_key` is what an export is then asked for with. With `job_id` from an "
            "earlier answer you get a fresh URL for the same place. What nobody takes up is "
            "removed after a day.",
            answers=(ok("The URL.", ExportUpload, _PUT),),
            refusals=(
                refusals.NOT_FOUND,
                refusals.UPLOAD_EXISTS,
                refusals.UPLOAD_ABORTED,
                refusals.UPLOAD_TOO_LARGE,
                refusals.QUOTA_EXCEEDED,
            ),
            body={"video": {"filename": "final.mp4", "content_type": "video/mp4"}},
        ),
    }
)
