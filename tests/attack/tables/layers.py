"""Layers over an export: fields that `/v1` alone has."""

import json
from typing import Any

from shared.render.layers import Align, Anchor, Weight
from tests.attack.tables.routes import Fields, under
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

_LATEST_FRAME = 2**53 - 1
_SHORT = {"type": "text", "text": "a"}
_LONG = {"type": "text", "text": "a" * 2000}


def _frame(*, null: bool = False) -> tuple[Wrong, ...]:
    return whole(0, _LATEST_FRAME, as_float=True, null=null, missing=False)


def _share() -> tuple[Wrong, ...]:
    return number(0, 1, missing=False)


def _place() -> tuple[Wrong, ...]:
    return number(-4, 4, null=True, missing=False)


_COLOR = (
    *text(1, 7, missing=False, plain=True),
    *map(wrong, ('"#12345"', '"#12345g"', '"123456"', '"#ffffff\\n"')),
)
_LAYERS: Fields = {
    "layers": (
        *items(0, 50, json.dumps(_SHORT), missing=False),
        Wrong("too much text", json.dumps([_LONG] * 6)),
        Wrong("of no type", '[{"text": "a"}]', named="layers.0.type"),
    )
}
_ANY: Fields = {
    "type": (*known(("text", "image")), Wrong("missing", None)),
    "anchor": known(Anchor),
    "x": _place(),
    "y": _place(),
    "margin": _share(),
    "opacity": _share(),
    "start_frame": (
        *_frame(null=True),
        Wrong("the end", "5", code="invalid_range", named="end_frame"),
    ),
    "end_frame": (*_frame(null=True), Wrong("the start", "2", code="invalid_range")),
    "fade_in": _frame(),
    "fade_out": _frame(),
}


def _file(field: str, *, null: bool) -> Fields:
    """A reference: as a whole, and its names, of which one alone may be there."""
    names = [each for each in text(0, 64) if each.raw not in (None, "null")]
    return {
        field: (
            *an_object(null=null, missing=not null),
            Wrong("nothing", "{}"),
            Wrong("both", '{"asset_id": "a", "job_id": "j", "output": "video"}'),
            Wrong("half", '{"job_id": "j"}'),
        ),
        f"{field}.asset_id": (
            *names,
            Wrong("missing", None, named=field),
            wrong("null", named=field),
            Wrong("of nobody", '"nobody"', 404, "asset_not_found", ""),
        ),
    }


_IMAGE: Fields = {
    **_file("image", null=False),
    "width": number(0.001, 4, null=True, missing=False, open_low=False),
    "height": number(0.001, 4, null=True, missing=False, open_low=False),
}
_TEXT: Fields = {
    "text": (
        *text(1, 2000),
        *map(wrong, ('"  "', '"\\n"', '"a\\u0007"', '"a\\u009b1m"', '"a\\u2028b\\u007f"')),
    ),
    "font": known(("noto-sans", "noto-serif")),
    **_file("font_file", null=True),
    "size": number(0.005, 0.5, missing=False),
    "weight": known(Weight),
    "color": _COLOR,
    "align": known(Align),
    "line_spacing": number(0.5, 4, missing=False),
    "max_width": number(0.01, 4, missing=False),
    "language": (
        *text(0, 35, missing=False),
        *map(wrong, ('"j"', '"ja-"', '"ja_JP"', '"é"', '"ja\\n"', '"a b"')),
    ),
    "background": an_object(null=True, missing=False),
    "background.color": _COLOR,
    "background.opacity": _share(),
    "background.padding": number(0, 4, missing=False),
    "outline": an_object(null=True, missing=False),
    "outline.color": _COLOR,
    "outline.width": number(0, 0.2, missing=False, open_low=True),
    "shadow": an_object(null=True, missing=False),
    "shadow.color": _COLOR,
    "shadow.opacity": _share(),
    "shadow.x": number(-1, 1, missing=False),
    "shadow.y": number(-1, 1, missing=False),
    "shadow.blur": number(0, 0.25, missing=False),
}

IMAGE_LAYER: Fields = {**_LAYERS, **under("layers.0", {**_ANY, **_IMAGE})}
TEXT_LAYER: Fields = under("layers.0", {**_ANY, **_TEXT})


def _of_output(field: str) -> Fields:
    """A reference to an output: its names, each needing the other."""
    names = [each for each in text(0, 64) if each.raw not in (None, "null")]
    return {
        f"layers.0.{field}.{name}": (
            *names,
            Wrong("missing", None, named=f"layers.0.{field}"),
            wrong("null", named=f"layers.0.{field}"),
            Wrong("of nobody", '"nobody"', 404, "output_not_found", ""),
        )
        for name in ("job_id", "output")
    }


IMAGE_OF_OUTPUT: Fields = _of_output("image")
FONT_OF_OUTPUT: Fields = _of_output("font_file")

_SHOWN = {
    "anchor": "top",
    "x": 0.5,
    "y": 0.1,
    "margin": 0.1,
    "opacity": 0.9,
    "start_frame": 2,
    "end_frame": 5,
    "fade_in": 1,
    "fade_out": 1,
}


def image_layer(has: Standing) -> dict[str, Any]:
    """Return an image layer with one of everything."""
    layer = {
        "type": "image",
        **_SHOWN,
        "image": {"asset_id": has.image_id},
        "width": 0.2,
        "height": 0.2,
    }
    return {"layers": [layer]}


def text_layer(has: Standing) -> dict[str, Any]:
    """Return a text layer with one of everything."""
    layer = {
        "type": "text",
        **_SHOWN,
        "text": "Hello",
        "font": "noto-serif",
        "font_file": {"asset_id": has.font_id},
        "size": 0.1,
        "weight": "bold",
        "color": "#102030",
        "align": "center",
        "line_spacing": 1.5,
        "max_width": 0.5,
        "language": "en-GB",
        "background": {"color": "#102030", "opacity": 0.5, "padding": 0.5},
        "outline": {"color": "#102030", "width": 0.1},
        "shadow": {"color": "#102030", "opacity": 0.5, "x": 0.1, "y": 0.1, "blur": 0.1},
    }
    return {"layers": [layer]}


def image_of_output(has: Standing) -> dict[str, Any]:
    """Return an image layer of what a job has made."""
    made = {"job_id": has.made_id, "output": "picture"}
    return {"layers": [{"type": "image", "image": made}]}


def font_of_output(has: Standing) -> dict[str, Any]:
    """Return a text layer in a font that a job has made."""
    made = {"job_id": has.made_id, "output": "font"}
    return {"layers": [{"type": "text", "text": "Hello", "font_file": made}]}
