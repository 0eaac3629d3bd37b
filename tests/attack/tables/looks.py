"""How an export is to look: fields that `/v1` and the exports product have alike."""

import json
from typing import Any

from shared.render.effects import Effect
from shared.render.movement import Easing
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
_EASING: Fields = {"easing": known(Easing, code="unknown_easing")}
_SPAN: Fields = {
    "start_frame": (
        *whole(0, LATEST_FRAME, as_float=True),
        Wrong("the end", "9", code="invalid_range", named="end_frame"),
    ),
    "end_frame": (
        *whole(0, LATEST_FRAME, as_float=True),
        Wrong("the start", "0", code="invalid_range"),
    ),
    "opacity": number(0, 1, missing=False),
    "color": (
        *text(1, 7, missing=False, plain=True),
        *map(wrong, ('"#12345"', '"#12345g"', '"123456"', '"#١٢٣٤٥٦"', '"#ffffff\\n"')),
    ),
}

_PLACE: Fields = {
    "x": number(-100_000, 100_000),
    "y": number(-100_000, 100_000),
    "radius_x": number(0, 100_000, open_low=True),
    "radius_y": number(0, 100_000, open_low=True),
}
ELLIPSE = {"frame": 3, **{name: REGION[name] for name in _PLACE}}
_ELLIPSE: Fields = {
    "frame": whole(0, LATEST_FRAME, as_float=True),
    **_PLACE,
    "opacity": number(0, 1, null=True, missing=False),
    **_EASING,
}
_MOVEMENT: Fields = {
    "feather": number(0, 100_000, missing=False),
    "keyframes": (
        *items(0, 10_000, json.dumps(ELLIPSE), missing=False),
        Wrong("beside a place", json.dumps([ELLIPSE]), named="x"),
        Wrong(
            "two on one frame",
            json.dumps([ELLIPSE, {**ELLIPSE, "x": 7}]),
            code="duplicate_keyframe",
            named="keyframes.1.frame",
        ),
    ),
}

_EFFECT: Fields = {
    "highlight_regions": items(0, 500, json.dumps(REGION), missing=False),
    "effect_type": known(Effect, code="unknown_effect_type"),
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

OVERLAY: Fields = {
    **OUTPUT_SIZE,
    **_EFFECT,
    **under("highlight_regions.0", {**_SPAN, **_PLACE}),
    **keyframes(missing=False),
}
FRAMING: Fields = {**OUTPUT_SIZE, **keyframes(missing=True)}
# What `/v1` takes beyond that.
MOVING_CROP: Fields = under("crop_keyframes.0", _EASING)
REGION_MOVEMENT: Fields = under("highlight_regions.0", _MOVEMENT)
MOVING_REGION: Fields = under("highlight_regions.0.keyframes.0", _ELLIPSE)


def overlay_look() -> dict[str, Any]:
    """Return the look of an overlay, with one of everything."""
    return {
        **SIZE,
        "crop_keyframes": [KEYFRAME],
        "highlight_regions": [{**REGION, "opacity": 0.5, "color": "#aabbcc"}],
        "effect_type": "blur",
    }


def moving_look() -> dict[str, Any]:
    """Return the look of an overlay in which everything moves."""
    region = {name: value for name, value in REGION.items() if name not in _PLACE}
    ellipse = {**ELLIPSE, "opacity": 0.5, "easing": "hold"}
    return {
        "crop_keyframes": [{**KEYFRAME, "easing": "smooth"}],
        "highlight_regions": [{**region, "feather": 2, "keyframes": [ellipse]}],
    }


def framing_look() -> dict[str, Any]:
    """Return the look of a framing."""
    return {**SIZE, "crop_keyframes": [KEYFRAME]}
