"""How an export is to look: fields that `/v1` and the exports product have alike."""

import json
from typing import Any

from shared.render.effects import Effect
from tests.attack.tables.routes import Fields, under
from tests.attack.tables.values import (
    Wrong,
    even,
    items,
    known,
    number,
    text,
    whole,
    wrong,
)
from tests.support.s4 import KEYFRAME, REGION

LATEST_FRAME = 2**53 - 1

OUTPUT_SIZE: Fields = {
    "output_width": (
        *even(16, 4096, missing=False),
        Wrong("too many pixels", "4096", named="output_width"),
    ),
    "output_height": even(16, 4096, missing=False),
}
SIZE = {"output_width": 1080, "output_height": 2162}  # 4096 wide it would be too large

_KEYFRAME: Fields = {
    "frame": whole(0, LATEST_FRAME, as_float=True),
    "x": number(-100_000, 100_000),
    "y": number(-100_000, 100_000),
    "width": number(16, 100_000),
    "height": number(16, 100_000),
}
_REGION: Fields = {
    "start_frame": (
        *whole(0, LATEST_FRAME, as_float=True),
        Wrong("the end", "9", code="invalid_range", named="end_frame"),
    ),
    "end_frame": (
        *whole(0, LATEST_FRAME, as_float=True),
        Wrong("the start", "0", code="invalid_range"),
    ),
    "x": number(-100_000, 100_000),
    "y": number(-100_000, 100_000),
    "radius_x": number(0, 100_000, open_low=True),
    "radius_y": number(0, 100_000, open_low=True),
    "opacity": number(0, 1, missing=False),
    "color": (
        *text(1, 7, missing=False, plain=True),
        *map(wrong, ('"#12345"', '"#12345g"', '"123456"', '"#١٢٣٤٥٦"', '"#ffffff\\n"')),
    ),
}

REGIONS: Fields = {
    "highlight_regions": items(0, 500, json.dumps(REGION), missing=False),
    "effect_type": known(Effect, code="unknown_effect_type"),
    **under("highlight_regions.0", _REGION),
}


def keyframes(*, missing: bool) -> Fields:
    """Return the fields of a crop, which must be there or need not."""
    other = {**KEYFRAME, "x": 5}
    return {
        "crop_keyframes": (
            *items(0, 10_000, json.dumps(KEYFRAME), null=True, missing=missing),
            Wrong(
                "two on one frame",
                json.dumps([KEYFRAME, other]),
                code="duplicate_keyframe",
                named="crop_keyframes.1.frame",
            ),
        ),
        **under("crop_keyframes.0", _KEYFRAME),
    }


TRIM: Fields = {
    "start_time": (
        *number(0, 1e300, null=True, missing=False),
        Wrong("the end", "2", code="invalid_range", named="end_time"),
    ),
    "end_time": (
        *number(0, 1e300, null=True, missing=False),
        *(wrong(each, code="invalid_range") for each in ("0", "0.5", "1")),
    ),
}
TIMES = {"start_time": 1, "end_time": 2}

OVERLAY: Fields = {**OUTPUT_SIZE, **REGIONS, **keyframes(missing=False)}
FRAMING: Fields = {**OUTPUT_SIZE, **keyframes(missing=True)}


def overlay_look() -> dict[str, Any]:
    """Return the look of an overlay, with one of everything."""
    return {
        **SIZE,
        "crop_keyframes": [KEYFRAME],
        "highlight_regions": [{**REGION, "opacity": 0.5, "color": "#aabbcc"}],
        "effect_type": "blur",
    }


def framing_look() -> dict[str, Any]:
    """Return the look of a framing."""
    return {**SIZE, "crop_keyframes": [KEYFRAME]}
