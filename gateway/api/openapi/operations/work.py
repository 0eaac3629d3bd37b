"""What is said of the routes workers call."""

from types import MappingProxyType
from typing import Any

from gateway.api.openapi import examples
from gateway.api.openapi.operation import Access, Examples, Operation, ok
from shared.work import Puts, ReportAnswer, Stop, WorkOrder

_CLAIM = {
    "nonce": "5b1f0c9e",
    "runpod_job_id": "a1b2c3d4-e1",
    "worker": {
        "id": "w-7f3k",
        "gpu": "NVIDIA GeForce RTX 4090",
        "cores": 16,
        "memory_mb": 64000,
        "version": "0.1.0",
    },
}
_ORDER: dict[str, Any] = {
    "fence": 1,
    "token": "wa_…",
    "kind": "export.framing",
    "kind_version": 1,
    "input": examples.FRAMING_INPUT,
    "files": [
        {
            "name": "source",
            "url": f"{examples.STORE}/{examples.INPUT_KEY}?X-Amz-Signature=…",
            "headers": {},
            "size_bytes": 7340032,
            "etag": "5d41402abc4b2a76b9719d911017c592",
            "content_type": "video/mp4",
        }
    ],
    "checkpoint": None,
    "hints": [],
    "routes": [],
    "deadline_at": "2026-11-21T12:30:09Z",
    "heartbeat_s": 3,
    "report_every_s": 1,
    "limits": {},
    "secrets": {},
    "trace": "0198c7a2-5d0f-7e21-b7c5-93d1f04e8a66",
}
_ITEM = {
    "name": "video",
    "content_type": "video/mp4",
    "size_bytes": 2411724,
    "sha256": examples.SHA256,
}
_PUTS = {
    "puts": [
        {
            "name": "video",
            "key": examples.OUTPUT_KEY,
            "url": f"{examples.STORE}/{examples.OUTPUT_KEY}?X-Amz-Signature=…",
            "headers": {"content-type": "video/mp4", "content-length": "2411724"},
        }
    ]
}
_REPORTS = {
    "heartbeat": {"type": "heartbeat", "fence": 1, "report_no": 1},
    "progress": {
        "type": "progress",
        "fence": 1,
        "report_no": 2,
        "stage": "render",
        "progress": 0.42,
    },
    "final": {
        "type": "final",
        "fence": 1,
        "report_no": 9,
        "outcome": "succeeded",
        "result": {"frames": 150},
        "outputs": [_ITEM],
        "error": None,
        "usage": {"run_s": 11.2},
    },
}
_STOP = ok(
    "This worker has no say in this job (any more) and touches nothing further.",
    Stop,
    {"stop": True},
    status=409,
)

OPERATIONS = MappingProxyType(
    {
        "claim": Operation(
            tag="work",
            access=Access.SUBMISSION,
            summary="Claim a job",
            says="Makes the attempt: its number (`fence`) grows, and it is bound to the nonce. "
            "The same nonce again gets the same attempt with fresh URLs; another one while "
            "that attempt lives is told to stop. The order holds all that an attempt needs.",
            answers=(ok("The work order.", WorkOrder, _ORDER), _STOP),
            body={"first": _CLAIM},
        ),
        "outputs": Operation(
            tag="work",
            access=Access.ATTEMPT,
            summary="Ask where to put outputs",
            says="Asked after the work, when type, size and hash are known: all three are "
            "signed. `manifest` is a name of its own, the copy of the final report.",
            answers=(ok("A presigned PUT for each, in order.", Puts, _PUTS), _STOP),
            body={"video": {"fence": 1, "items": [_ITEM]}},
        ),
        "reports": Operation(
            tag="work",
            access=Access.ATTEMPT,
            summary="Report",
            says="A heartbeat, progress, what a decoder saw, a warning, a checkpoint, or the "
            "last word. Numbered within the attempt: the same number again gets the stored "
            "answer. `cancel` in the answer means stop now.",
            answers=(
                ok(
                    "Go on, or stop where `cancel` is true.",
                    ReportAnswer,
                    Examples(
                        go_on={
                            "cancel": False,
                            "hints": [],
                            "deadline_at": "2026-11-21T12:30:09Z",
                        }
                    ),
                ),
                _STOP,
            ),
            body=_REPORTS,
        ),
    }
)
