"""The bodies of `/v1`."""

import json
from typing import Any

from tests.attack.tables import layers, stills, webhooks
from tests.attack.tables.deliveries import DELIVERY, delivery
from tests.attack.tables.looks import (
    FRAMING,
    LATEST_FRAME,
    MOVING_CROP,
    MOVING_REGION,
    OVERLAY,
    REGION_MOVEMENT,
    TIMES,
    TRIM,
    framing_look,
    moving_look,
    overlay_look,
)
from tests.attack.tables.routes import Fields, Route, under
from tests.attack.tables.values import (
    Wrong,
    an_object,
    items,
    number,
    said,
    text,
    truth,
    whole,
    wrong,
)
from tests.support.target import Standing

UPLOAD_MAX_BYTES = 5 * 2**30
SHA256 = "0" * 64

_UPLOAD: Fields = {
    "filename": (*text(1, 255), wrong('"   "'), wrong('"\\t\\n"')),
    "content_type": (
        *text(1, 128),
        *said(
            map(
                wrong, ('"x"', '"text/html"', '"video/mp4x"', '"video / mp4"', '"a\\r\\nb: c"')
            ),
            status=415,
            code="unsupported_media_type",
            named="",
        ),
    ),
    "size_bytes": (
        *whole(1, 2**63 - 1)[:-2],
        *said(
            map(wrong, (str(UPLOAD_MAX_BYTES + 1), str(2**53 + 1), str(2**63 - 1))),
            status=413,
            code="upload_too_large",
            named="",
        ),
    ),
    "sha256": (
        *text(1, 64, null=True, missing=False, plain=True),
        *map(wrong, (f'"{"A" * 64}"', f'"{"g" * 64}"', f'"{"0" * 63}"', f'"{"0" * 64}\\n"')),
    ),
    "duration_s": number(0, 1_000_000, null=True, missing=False, open_low=True),
    "multipart": truth(),
}
_PART: Fields = {
    "part_number": whole(1, 10_000),
    "etag": (*text(1, 130, plain=True), wrong('"\\"\\""'), wrong(f'"{"a" * 129}"')),
}
_NO_FILE = Wrong("of nobody", '"nobody"', 404, "asset_not_found", "")
_NO_OUTPUT = Wrong("of nobody", '"nobody"', 404, "output_not_found", "")
_SOURCE: Fields = {
    "input.source": (
        *an_object(),
        Wrong("nothing", "{}"),
        Wrong("both", '{"asset_id": "a", "job_id": "j", "output": "video"}'),
        Wrong("half", '{"job_id": "j"}'),
    ),
    "input.source.asset_id": (
        *(each for each in text(0, 64) if each.raw not in (None, "null")),
        Wrong("missing", None, named="input.source"),
        wrong("null", named="input.source"),
        _NO_FILE,
    ),
}
_ENVELOPE: Fields = {
    "kind": (
        *text(0, 128),
        *said(
            map(wrong, ('""', '"x"', '"EXPORT.OVERLAY"', '"export/overlay"', '"../overlay"')),
            code="unknown_kind",
        ),
    ),
    "input": an_object(),
    "labels": (
        *an_object(missing=False),
        Wrong("seventeen", json.dumps({f"l{n}": "x" for n in range(17)})),
        Wrong("without a name", '{"": "x"}', named="labels."),
        Wrong("a long name", json.dumps({"x" * 65: "x"}), named=f"labels.{'x' * 65}"),
    ),
    "labels.clip": text(1, 64, missing=False),
    "deadline_s": whole(1, 7 * 24 * 3600, null=True, missing=False),
    "webhook": truth(),
    "max_cost_usd": (
        *text(1, 14, null=True, missing=False, plain=True),
        *map(wrong, ('"1e3"', '"-1"', '"+1"', '".5"', '"1."', '"01"', '" 1"', '"1\\n"')),
        *map(wrong, ('"1,5"', '"1_0"', '"NaN"', '"Infinity"', '"0x1"', '"١"', '"$1"')),
        *map(wrong, ('"0.0000001"', '"10000000"')),
        Wrong("less than it may cost", '"0.000001"'),
    ),
    "dry_run": truth(),
    "reuse": truth(),
}


_FOOTAGE: Fields = {
    "width_px": whole(1, 100_000, as_float=True),
    "height_px": whole(1, 100_000, as_float=True),
    "rate": (
        *text(3, 64, plain=True),
        *map(wrong, ('"25"', '"29.97"', '"0/1"', '"25/0"', '"-25/1"', '"25/1\\n"')),
    ),
    "frames": whole(1, 100_000_000, as_float=True),
    "duration_s": number(0, 1e10, null=True, missing=False, open_low=True),
}
_NO_FOOTAGE = "input.source"  # which says what `footage` does not
_PREVIEW: Fields = {
    "kind": _ENVELOPE["kind"],
    "input": an_object(),
    "footage": (
        *an_object(null=True, missing=False),
        Wrong("missing", None, named=_NO_FOOTAGE),
        wrong("null", named=_NO_FOOTAGE),
    ),
    **under("footage", _FOOTAGE),
    "from": (
        *whole(0, LATEST_FRAME, as_float=True, null=True, missing=False),
        Wrong("the end", "5", code="invalid_range", named="to"),
    ),
    "to": (
        *whole(0, LATEST_FRAME, as_float=True, null=True, missing=False),
        Wrong("the start", "2", code="invalid_range"),
    ),
    "step": whole(1, LATEST_FRAME, as_float=True, missing=False),
}


def _submit(kind: str, source: dict[str, str], **look: Any) -> dict[str, Any]:
    return {
        "kind": kind,
        "input": {"source": source, **look},
        "labels": {"clip": "7"},
        "deadline_s": 600,
        "max_cost_usd": "100.00",
        "webhook": True,
        "dry_run": False,
        "reuse": False,
    }


def _of_asset(has: Standing) -> dict[str, str]:
    return {"asset_id": has.asset_id}


def _of_job(has: Standing) -> dict[str, str]:
    return {"job_id": has.done_id, "output": "video"}


ROUTES = (
    Route(
        "create_upload",
        "POST",
        "/v1/uploads",
        lambda _: {
            "filename": "a.mp4",
            "content_type": "video/mp4",
            "size_bytes": 7,
            "sha256": SHA256,
            "duration_s": 1.5,
            "multipart": False,
        },
        _UPLOAD,
    ),
    Route(
        "sign_upload_parts",
        "POST",
        "/v1/uploads/{parts_id}/parts",
        lambda _: {"part_numbers": [1]},
        {
            "part_numbers": (*items(1, 100, "1"), wrong("[1, 1]")),
            "part_numbers.0": whole(1, 10_000, missing=False),
        },
    ),
    Route(
        "complete_upload",
        "POST",
        "/v1/uploads/{parts_id}/complete",
        lambda has: {"parts": [{"part_number": 1, "etag": has.part_etag}]},
        {
            "parts": (*items(1, 10_000, '{"part_number": 1, "etag": "a"}', null=True)[1:],),
            **under("parts.0", _PART),
        },
    ),
    Route(
        "submit_job overlay",
        "POST",
        "/v1/jobs",
        lambda has: _submit("export.overlay", _of_asset(has), **overlay_look()),
        {**_ENVELOPE, **_SOURCE, **under("input", {**OVERLAY, **REGION_MOVEMENT})},
    ),
    Route(
        "submit_job moving",
        "POST",
        "/v1/jobs",
        lambda has: _submit("export.overlay", _of_asset(has), **moving_look()),
        under("input", {**MOVING_CROP, **MOVING_REGION}),
    ),
    Route(
        "preview_plan",
        "POST",
        "/v1/preview/plan",
        lambda _: {
            "kind": "export.overlay",
            "input": moving_look(),
            "footage": {
                "width_px": 1920,
                "height_px": 1080,
                "rate": "25/1",
                "frames": 9,
                "duration_s": 0.36,
            },
            "from": 2,
            "to": 5,
            "step": 2,
        },
        _PREVIEW,
    ),
    Route(
        "submit_job framing",
        "POST",
        "/v1/jobs",
        lambda has: _submit("export.framing", _of_asset(has), **framing_look(), **TIMES),
        under("input", {**FRAMING, **TRIM}),
    ),
    Route(
        "submit_job delivered",
        "POST",
        "/v1/jobs",
        lambda has: _submit("export.overlay", _of_asset(has), **delivery()),
        under("input", DELIVERY),
    ),
    Route(
        "submit_job ingest",
        "POST",
        "/v1/jobs",
        lambda has: _submit("media.ingest", _of_asset(has), max_size=64),
        under("input", stills.THUMBNAIL),
    ),
    Route(
        "submit_job frame",
        "POST",
        "/v1/jobs",
        lambda has: _submit("export.frame", _of_asset(has), frame=3, format="jpeg"),
        under("input", stills.FRAME),
    ),
    Route(
        "submit_job frame by time",
        "POST",
        "/v1/jobs",
        lambda has: _submit("export.frame", _of_asset(has), time=0.5),
        under("input", stills.TIME),
    ),
    Route(
        "submit_job image layer",
        "POST",
        "/v1/jobs",
        lambda has: _submit("export.overlay", _of_asset(has), **layers.image_layer(has)),
        under("input", layers.IMAGE_LAYER),
    ),
    Route(
        "submit_job text layer",
        "POST",
        "/v1/jobs",
        lambda has: _submit("export.overlay", _of_asset(has), **layers.text_layer(has)),
        under("input", layers.TEXT_LAYER),
    ),
    Route(
        "submit_job image layer of an output",
        "POST",
        "/v1/jobs",
        lambda has: _submit("export.overlay", _of_asset(has), **layers.image_of_output(has)),
        under("input", layers.IMAGE_OF_OUTPUT),
    ),
    Route(
        "submit_job text layer of an output",
        "POST",
        "/v1/jobs",
        lambda has: _submit("export.overlay", _of_asset(has), **layers.font_of_output(has)),
        under("input", layers.FONT_OF_OUTPUT),
    ),
    Route(
        "submit_job of an output",
        "POST",
        "/v1/jobs",
        lambda has: _submit("export.overlay", _of_job(has)),
        {
            f"input.source.{name}": (
                *(each for each in text(0, 64) if each.raw not in (None, "null")),
                Wrong("missing", None, named="input.source"),
                wrong("null", named="input.source"),
                _NO_OUTPUT,
            )
            for name in ("job_id", "output")
        },
    ),
    *webhooks.ROUTES,
)
