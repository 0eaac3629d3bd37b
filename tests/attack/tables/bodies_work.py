"""The bodies of the worker protocol."""

import json
from typing import Any

from shared.work import MOST_CHECKPOINT_BYTES, MOST_PROBE_BYTES, MOST_RESULT_BYTES
from tests.attack.tables.routes import Fields, Route, under
from tests.attack.tables.values import (
    Wrong,
    an_object,
    items,
    known,
    number,
    text,
    whole,
    wrong,
)
from tests.support.target import Standing

LARGEST_WHOLE = 2**53 - 1
ITEM = {"name": "video", "content_type": "video/mp4", "size_bytes": 4, "sha256": "0" * 64}
TYPES = ("heartbeat", "progress", "probe", "warning", "checkpoint", "final")

_NUMBERED: Fields = {
    "fence": whole(1, LARGEST_WHOLE),
    "report_no": whole(1, LARGEST_WHOLE),
}
_WORKER: Fields = {
    "id": text(0, 128),
    "gpu": text(0, 128, null=True, missing=False),
    "cores": whole(1, 4096),
    "memory_mb": whole(1, 2**30),
    "version": text(0, 64),
}
_ITEM: Fields = {
    "name": (*text(1, 64, plain=True), wrong('"Video"'), wrong('"1video"')),
    "content_type": text(0, 128),
    "size_bytes": whole(1, 5 * 2**40),
    "sha256": (*text(1, 64, plain=True), wrong(f'"{"A" * 64}"'), wrong(f'"{"0" * 63}"')),
}
# What this kind cannot make, of what could be made.
_ASKED: Fields = {
    **_ITEM,
    "name": (*_ITEM["name"], wrong('"video2"')),
    "content_type": (*_ITEM["content_type"], wrong('"text/html"'), wrong('"VIDEO/MP4"')),
    "size_bytes": (*_ITEM["size_bytes"], wrong(str(5 * 2**30 + 1))),
}
_STAGE = (*text(1, 32, plain=True, null=True, missing=False), wrong('"Render"'))
_USAGE: Fields = {
    "run_s": number(0, 1e300),
    "render_s": number(0, 1e300, null=True, missing=False),
    "frames": whole(0, LARGEST_WHOLE, null=True, missing=False),
    "peak_memory_bytes": whole(0, LARGEST_WHOLE, null=True, missing=False),
}
_ERROR: Fields = {
    "code": (*text(1, 64, plain=True), wrong('"Internal"')),
    "message": text(0, 500),
    "stage": _STAGE,
}


def _over(most_bytes: int) -> Wrong:
    return Wrong("too large", json.dumps({"a": "x" * most_bytes}))


def _report(type_: str, fields: Fields, **said: Any) -> Route:
    return Route(
        f"reports {type_}",
        "POST",
        "/v1/work/{running_id}/reports",
        lambda _: {"type": type_, "fence": 1, "report_no": 9, **said},
        {**_NUMBERED, **fields},
        _of_attempt,
    )


def _of_attempt(has: Standing) -> str:
    assert has.worker.order is not None
    return has.worker.order.token


ROUTES = (
    Route(
        "claim",
        "POST",
        "/v1/work/{waiting_id}/claim",
        lambda _: {
            "nonce": "n1",
            "runpod_job_id": "r1",
            "worker": {"id": "w", "gpu": None, "cores": 1, "memory_mb": 1, "version": "1"},
        },
        {
            "nonce": text(1, 64, plain=True),
            "runpod_job_id": text(0, 128),
            "worker": an_object(),
            **under("worker", _WORKER),
        },
        lambda has: has.submission_token,
    ),
    Route(
        "outputs",
        "POST",
        "/v1/work/{running_id}/outputs",
        lambda _: {"fence": 1, "items": [ITEM]},
        {
            "fence": whole(1, LARGEST_WHOLE),
            "items": (
                *items(1, 64, json.dumps(ITEM)),
                Wrong("twice", json.dumps([ITEM, ITEM]), named="items.1.name"),
            ),
            **under("items.0", _ASKED),
        },
        _of_attempt,
    ),
    _report("heartbeat", {"type": (*known(TYPES), wrong('"Heartbeat"'))}),
    _report(
        "progress",
        {
            "stage": (*text(1, 32, plain=True), wrong('"Render"')),
            "progress": number(0, 1),
        },
        stage="render",
        progress=0.5,
    ),
    _report(
        "probe",
        {
            "asset": text(0, 128),
            "sha256": _ITEM["sha256"],
            "probe": (*an_object(), _over(MOST_PROBE_BYTES)),
        },
        asset="source",
        sha256="0" * 64,
        probe={},
    ),
    _report(
        "warning",
        {
            "warning": an_object(),
            "warning.code": (*text(1, 64, plain=True), wrong('"Slow"')),
            "warning.message": text(0, 500),
        },
        warning={"code": "slow", "message": "It is slow."},
    ),
    _report(
        "checkpoint", {"data": (*an_object(), _over(MOST_CHECKPOINT_BYTES))}, data={"a": 1}
    ),
    _report(
        "final",
        {
            "outcome": (*known(("succeeded", "failed", "stopped")), Wrong("missing", None)),
            "result": (*an_object(null=True, missing=False), _over(MOST_RESULT_BYTES)),
            "outputs": items(0, 64, json.dumps(ITEM), missing=False),
            **under("outputs.0", _ITEM),
            "error": an_object(null=True, missing=False),
            **under("error", _ERROR),
            "usage": an_object(null=True, missing=False),
            **under("usage", _USAGE),
        },
        outcome="failed",
        result={"n": 1},
        outputs=[ITEM],
        error={"code": "internal", "message": "x", "stage": "render"},
        usage={"run_s": 1, "render_s": 1, "frames": 1, "peak_memory_bytes": 1},
    ),
)
