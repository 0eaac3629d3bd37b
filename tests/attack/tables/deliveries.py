"""The form an export is handed over in: fields that `/v1` alone has."""

from typing import Any

from shared.render.delivery import Codec, Quality
from tests.attack.tables.routes import Fields
from tests.attack.tables.values import (
    NULL,
    Wrong,
    an_object,
    known,
    number,
    other_types,
    truth,
    wrong,
)

DELIVERY: Fields = {
    "codec": known(Codec),
    "quality": known(Quality),
    "poster": (
        NULL,
        *other_types("truth", "object"),
        *map(wrong, ("0", "1", '"true"')),
        Wrong("no time", "{}", named="poster.time"),
    ),
    "poster.time": number(0, 86_400),
    "sprites": truth(),
    "loudness": an_object(null=True, missing=False),
    "loudness.target_lufs": number(-36, -5, missing=False),
}


def delivery() -> dict[str, Any]:
    """Return a delivery with one of everything."""
    return {
        "codec": "hevc",
        "quality": "draft",
        "poster": {"time": 1.5},
        "sprites": True,
        "loudness": {"target_lufs": -16},
    }
