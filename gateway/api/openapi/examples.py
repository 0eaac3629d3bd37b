"""Examples that several operations show: one clip on its way to a finished export."""

from typing import Any, Final

JOB_ID: Final = "0198c7a2-5d10-7c3e-9a41-2f6b8e0d4c11"
UPLOAD_ID: Final = "0198c7a1-90f4-7b02-8d6e-51c7a3e9f0b2"
ASSET_ID: Final = "0198c7a1-f3aa-7d55-b1c8-07e2d94a6f38"
SHA256: Final = "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"
STORE: Final = "https://bucket.example.com"
CREATED: Final = "2026-11-21T12:00:00.000000Z"
STARTED: Final = "2026-11-21T12:00:09.412000Z"
SEEN: Final = "2026-11-21T12:00:15.031000Z"
FINISHED: Final = "2026-11-21T12:00:31.870000Z"
DEADLINE: Final = "2026-11-21T13:00:00.000000Z"
INPUT_KEY: Final = f"default/uploads/{UPLOAD_ID}.mp4"
OUTPUT_KEY: Final = f"output/{JOB_ID}/1/video.mp4"

UPLOAD_REQUEST: Final[dict[str, Any]] = {
    "filename": "final.mp4",
    "content_type": "video/mp4",
    "size_bytes": 7340032,
}
UPLOAD: Final[dict[str, Any]] = {
    "upload_id": UPLOAD_ID,
    "status": "pending",
    "key": INPUT_KEY,
    "filename": "final.mp4",
    "content_type": "video/mp4",
    "size_bytes": 7340032,
    "method": "PUT",
    "url": f"{STORE}/{INPUT_KEY}?X-Amz-Signature=…",
    "headers": {
        "content-length": "7340032",
        "content-type": "video/mp4",
        "if-none-match": "*",
    },
    "expires_at": "2026-11-21T13:00:00.000000Z",
    "multipart": None,
    "parts": None,
    "asset_id": None,
    "ticket": "tu_default.1795266000.…",
}
COMPLETE_UPLOAD: Final[dict[str, Any]] = {
    **UPLOAD,
    "status": "complete",
    "url": None,
    "headers": {},
    "asset_id": ASSET_ID,
    "ticket": None,
}
IN_PARTS: Final[dict[str, Any]] = {
    **UPLOAD,
    "size_bytes": 41943040,
    "url": None,
    "headers": {},
    "expires_at": "2026-11-22T12:00:00.000000Z",
    "multipart": {"part_size_bytes": 16777216, "part_count": 3},
    "parts": [
        {
            "part_number": 1,
            "etag": "7d793037a0760186574b0282f2f435e7",
            "size_bytes": 16777216,
        }
    ],
}
SIGNED_PARTS: Final[dict[str, Any]] = {
    "parts": [
        {
            "part_number": 2,
            "url": f"{STORE}/{INPUT_KEY}?partNumber=2&X-Amz-Signature=…",
            "headers": {"content-length": "16777216"},
            "size_bytes": 16777216,
        }
    ]
}
ASSET: Final[dict[str, Any]] = {
    "asset_id": ASSET_ID,
    "key": INPUT_KEY,
    "filename": "final.mp4",
    "content_type": "video/mp4",
    "size_bytes": 7340032,
    "etag": "5d41402abc4b2a76b9719d911017c592",
    "sha256": None,
    "probe": None,
    "created_at": CREATED,
}

FRAMING_INPUT: Final[dict[str, Any]] = {
    "source": {"asset_id": ASSET_ID},
    "crop_keyframes": [
        {"frame": 0, "x": 100, "y": 0, "width": 607.5, "height": 1080},
        {"frame": 30, "x": 700, "y": 0, "width": 607.5, "height": 1080},
    ],
    "start_time": 1.0,
    "end_time": 6.0,
}
OVERLAY_INPUT: Final[dict[str, Any]] = {
    "source": {"asset_id": ASSET_ID},
    "highlight_regions": [
        {
            "start_frame": 0,
            "end_frame": 90,
            "x": 960,
            "y": 540,
            "radius_x": 180,
            "radius_y": 260,
        },
    ],
    "effect_type": "blur",
}
# What `/v1` takes beyond the export surface.
EASED_FRAMING_INPUT: Final[dict[str, Any]] = {
    **FRAMING_INPUT,
    "crop_keyframes": [
        {
            "frame": 0,
            "x": 100,
            "y": 0,
            "width": 607.5,
            "height": 1080,
            "easing": "ease_in_out",
        },
        {"frame": 60, "x": 700, "y": 0, "width": 607.5, "height": 1080},
    ],
}
MOVING_OVERLAY_INPUT: Final[dict[str, Any]] = {
    **OVERLAY_INPUT,
    "highlight_regions": [
        *OVERLAY_INPUT["highlight_regions"],
        {
            "start_frame": 90,
            "end_frame": 150,
            "feather": 24,
            "keyframes": [
                {"frame": 90, "x": 960, "y": 540, "radius_x": 180, "radius_y": 260},
                {"frame": 149, "x": 1400, "y": 500, "radius_x": 120, "radius_y": 180},
            ],
        },
    ],
}
FRAME_INPUT: Final[dict[str, Any]] = {
    "source": {"asset_id": ASSET_ID},
    "time": 2.5,
    "crop_keyframes": [{"frame": 0, "x": 100, "y": 0, "width": 607.5, "height": 1080}],
    "format": "webp",
}
INGEST_INPUT: Final[dict[str, Any]] = {"source": {"asset_id": ASSET_ID}, "max_size": 512}
KIND_INPUTS: Final[dict[str, dict[str, Any]]] = {
    "export.frame": FRAME_INPUT,
    "export.framing": EASED_FRAMING_INPUT,
    "export.overlay": MOVING_OVERLAY_INPUT,
    "media.ingest": INGEST_INPUT,
}
PREVIEW_REQUEST: Final[dict[str, Any]] = {
    "kind": "export.framing",
    "input": {name: value for name, value in EASED_FRAMING_INPUT.items() if name != "source"},
    "footage": {"width_px": 1920, "height_px": 1080, "rate": "30/1", "frames": 300},
    "from": 30,
    "to": 62,
    "step": 15,
}
PREVIEW: Final[dict[str, Any]] = {
    "kind": "export.framing",
    "footage": {
        "width_px": 1920,
        "height_px": 1080,
        "rate": "30/1",
        "frames": 300,
        "duration_s": 10.0,
    },
    "output": {"width_px": 1080, "height_px": 1920},
    "rate": "30/1",
    "kept": {"from": 30, "to": 180},
    "audio": {"start_s": 1.0, "end_s": 6.0},
    "effect": {"type": "none", "blur_sigma_px": 10.8, "outline_width_px": 5.4},
    "warnings": [],
    "frames": [
        {
            "frame": frame,
            "output_frame": frame - 30,
            "rect": [x, 0.0, 607.5, 1080.0],
            "regions": [],
            "layers": [],
        }
        for frame, x in ((30, 400.0), (45, 606.25), (60, 700.0))
    ],
    "next_from": None,
}

_STORED: Final[dict[str, Any]] = {
    "name": "video",
    "key": OUTPUT_KEY,
    "content_type": "video/mp4",
    "size_bytes": 2411724,
    "sha256": SHA256,
}
SNAPSHOT: Final[dict[str, Any]] = {
    "id": JOB_ID,
    "kind": "export.framing",
    "kind_version": 1,
    "status": "queued",
    "stage": None,
    "progress": 0.0,
    "waiting_for": "slot",
    "attempt": 0,
    "seq": 0,
    "result": None,
    "outputs": [],
    "warnings": [],
    "error": None,
    "labels": {"clip": "7"},
    "parent_id": None,
    "retry_of": None,
    "reused_from": None,
    "created_at": CREATED,
    "started_at": None,
    "finished_at": None,
    "deadline_at": DEADLINE,
}
_RUNNING: Final[dict[str, Any]] = {
    **SNAPSHOT,
    "status": "running",
    "stage": "render",
    "progress": 0.42,
    "waiting_for": None,
    "attempt": 1,
    "seq": 3,
    "started_at": STARTED,
}
_SUCCEEDED: Final[dict[str, Any]] = {
    **_RUNNING,
    "status": "succeeded",
    "stage": "persist",
    "progress": 1.0,
    "seq": 6,
    "result": {
        "frames": 150,
        "duration_s": 5.0,
        "width_px": 1080,
        "height_px": 1920,
        "rate": "30/1",
        "rate_hz": 30.0,
        "has_audio": True,
        "size_bytes": 2411724,
    },
    "outputs": [_STORED],
    "finished_at": FINISHED,
}
_OWNERS: Final[dict[str, Any]] = {
    "input": {**FRAMING_INPUT, "output_width": 1080, "output_height": 1920},
    "outputs_expire_at": None,
    "cost": {"estimated_usd": "0.0031", "reserved_usd": "0.0412", "actual_usd": None},
    "links": {
        "events": f"/v1/jobs/{JOB_ID}/events",
        "live": f"/v1/jobs/{JOB_ID}/live",
        "cancel": f"/v1/jobs/{JOB_ID}/cancel",
    },
}
QUEUED_JOB: Final[dict[str, Any]] = {**SNAPSHOT, **_OWNERS, "position": 2}
RUNNING_JOB: Final[dict[str, Any]] = {**_RUNNING, **_OWNERS}
SUCCEEDED_JOB: Final[dict[str, Any]] = {
    **_SUCCEEDED,
    **_OWNERS,
    "outputs": [
        {
            **_STORED,
            "url": f"{STORE}/{OUTPUT_KEY}?X-Amz-Signature=…",
            "expires_at": "2026-11-21T13:00:40.000000Z",
        }
    ],
    "cost": {"estimated_usd": "0.0031", "reserved_usd": "0.0000", "actual_usd": "0.0068"},
}
CANCELLED_JOB: Final[dict[str, Any]] = {
    **_RUNNING,
    **_OWNERS,
    "status": "cancelled",
    "seq": 4,
    "finished_at": SEEN,
}
RETRIED_JOB: Final[dict[str, Any]] = {
    **QUEUED_JOB,
    "id": "0198c7a9-0b31-7f6a-8e52-d4c90a17b3e6",
    "retry_of": JOB_ID,
}
ESTIMATE: Final[dict[str, Any]] = {
    "estimate": {
        "cost_usd": "0.0031",
        "reserve_usd": "0.0412",
        "seconds": 9.8,
        "basis": "video duration × pixels of the output",
    },
    "outputs": ["video"],
    "warnings": [],
    "would_reuse": False,
}
_USED: Final[dict[str, Any]] = {
    "jobs": 12,
    "attempts": 13,
    "reserved_usd": "0.0412",
    "spent_usd": "0.0816",
}
USAGE: Final[dict[str, Any]] = {
    "from": "2026-11-01",
    "to": "2026-11-30",
    "by": "kind",
    "rows": [{"kind": "export.framing", **_USED}],
    "total": _USED,
}
EVENTS: Final[dict[str, Any]] = {
    "events": [
        {"seq": 3, "type": "progress", "at": SEEN, "job": _RUNNING},
        {"seq": 4, "type": "succeeded", "at": FINISHED, "job": {**_SUCCEEDED, "seq": 4}},
    ],
    "next_after": 4,
}
TICKET: Final[dict[str, Any]] = {
    "ticket": "tj_default.1795262460.…",
    "expires_at": "2026-11-21T12:01:00.000000Z",
    "live_url": f"/v1/jobs/{JOB_ID}/live?ticket=tj_default.1795262460.…",
    "events_url": f"/v1/jobs/{JOB_ID}/events?ticket=tj_default.1795262460.…",
}
STREAM: Final = (
    "id: 0\nevent: queued\ndata: {"
    f'"seq":0,"type":"queued","at":"{CREATED}","job":{{"id":"{JOB_ID}","status":"queued"}}'
    "}\n\n: still here\n\n"
)
