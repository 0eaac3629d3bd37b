"""The bodies of the exports product."""

from tests.attack.tables.looks import (
    FRAMING,
    OVERLAY,
    TIMES,
    TRIM,
    framing_look,
    overlay_look,
)
from tests.attack.tables.routes import Fields, Route, under
from tests.attack.tables.values import (
    Wrong,
    an_object,
    known,
    said,
    text,
    whole,
    wrong,
)

LARGEST_ID = 2**53
PUT_MAX_BYTES = 5 * 2**30

_NO_KEYS = (
    *("", "x", "/etc/passwd", "input/../x", "input//x", "input/./a", "INPUT/a", "input/"),
    *(
        "output/a/1/overlay.mp4",
        "input/a/../../b",
        "../input/a",
        "C:\\\\input\\\\a",
        "input/..",
    ),
    *("input/a\\nb", "input/\\u0085", "https://x/input/a", "file:///input/a", "%69nput/a"),
)
_OTHER_KEYS = ("input/nobody/video.mp4", "input/a?b/video.mp4", "input/%2e%2e/video.mp4")


def _key(*, null: bool = False) -> tuple[Wrong, ...]:
    return (
        *text(0, 1024, null=null),
        *(Wrong(each, f'"{each}"', code="input_key_not_allowed") for each in _NO_KEYS),
        *(Wrong(each, f'"{each}"', 404, "input_video_not_found", "") for each in _OTHER_KEYS),
    )


_PROJECT: Fields = {"project_id": whole(1, LARGEST_ID)}
_UPLOAD: Fields = {
    "filename": text(1, 255),
    "content_type": (
        *text(0, 128, missing=False),
        *said(
            map(wrong, ('""', '"image/png"', '"video/mp4x"', '"video / mp4"', '"a\\r\\nb: c"')),
            status=415,
            code="unsupported_media_type",
            named="",
        ),
    ),
    "size_bytes": (
        *(each for each in whole(1, LARGEST_ID, null=True, missing=False)),
        *said(
            map(wrong, (str(PUT_MAX_BYTES + 1), str(LARGEST_ID))),
            status=413,
            code="upload_too_large",
            named="",
        ),
    ),
    "job_id": (
        *text(1, 64, null=True, missing=False),
        *said(
            map(wrong, ('"nobody"', '"../x"', '"a b"', '"%3F"', '"é"', '"a\\nb"')),
            status=404,
            code="not_found",
            named="",
        ),
    ),
}
_MISPLACED = tuple(
    Wrong(f"{name} inside", f'{{"crop_keyframes": [], "{name}": 1}}', named=f"params.{name}")
    for name in ("clip_index", "start_time", "end_time", "effect_type", "highlight_regions")
)

ROUTES = (
    Route(
        "S4-1",
        "POST",
        "/api/export/overlay",
        lambda _: {"project_id": 7, **overlay_look()},
        {**_PROJECT, **OVERLAY},
    ),
    Route(
        "S4-3",
        "POST",
        "/api/export/framing",
        lambda _: {"project_id": 7, "clip_index": 0, **framing_look()},
        {**_PROJECT, "clip_index": whole(0, LARGEST_ID), **FRAMING},
    ),
    Route(
        "S4-5 overlay",
        "POST",
        "/api/jobs",
        lambda has: {
            "project_id": 7,
            "type": "overlay",
            "input_video_key": has.video_key,
            "params": overlay_look(),
        },
        {
            **_PROJECT,
            "type": known(("overlay", "framing")),
            "input_video_key": _key(),
            "params": an_object(),
            "clip_index": (wrong("0"),),
            "start_time": (wrong("0"),),
            "end_time": (wrong("1"),),
            **under("params", OVERLAY),
        },
    ),
    Route(
        "S4-5 framing",
        "POST",
        "/api/jobs",
        lambda has: {
            "project_id": 7,
            "type": "framing",
            "input_video_key": has.video_key,
            "params": framing_look(),
            "clip_index": 0,
            **TIMES,
        },
        {
            "params": (*an_object(), *_MISPLACED),
            "clip_index": whole(0, LARGEST_ID, null=True, missing=False),
            **TRIM,
            **under("params", FRAMING),
        },
    ),
    Route(
        "S4-8",
        "POST",
        "/api/videos/upload-url",
        lambda _: {"filename": "a.mp4", "content_type": "video/mp4", "size_bytes": 7},
        _UPLOAD,
    ),
    Route(
        "S4-10",
        "PUT",
        "/api/export/projects/7",
        lambda has: {"working_video_key": has.video_key},
        {"working_video_key": _key(null=True)},
    ),
    Route(
        "S4-11",
        "PUT",
        "/api/export/projects/7/clips/0",
        lambda has: {"source_video_key": has.video_key, **TIMES},
        {"source_video_key": _key(), **TRIM},
    ),
)
