"""Cursors of lists: where a page ends, as text that a client brings back.

One is good for the list it came from, and no secret: what it is sealed with keeps out what is
garbled or belongs elsewhere, not what somebody makes up.
"""

import json
from base64 import urlsafe_b64decode, urlsafe_b64encode
from dataclasses import dataclass
from datetime import UTC, datetime
from hashlib import sha256
from typing import Any

from shared.errors import FieldError, ValidationFailed

LONGEST_CURSOR = 256
_SEAL_BYTES = 9
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Place:
    """Where a thing stands in the order of all of its sort: by its time, then its id."""

    created_at: datetime
    thing_id: str


def cursor_text(about: list[Any], place: Place) -> str:
    """Return the cursor of a place in the list that `about` describes, as JSON could."""
    micros = (place.created_at - _EPOCH) // (datetime.resolution)
    text = f"{micros}/{place.thing_id}".encode()
    return urlsafe_b64encode(_seal(about, text) + text).rstrip(b"=").decode()


def cursor_place(about: list[Any], cursor: str) -> Place:
    """Return the place a cursor of this list stands for; raise `bad_cursor` for others."""
    if len(cursor) > LONGEST_CURSOR:
        raise _bad_cursor()
    try:
        raw = urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4))
        micros, _, thing_id = raw[_SEAL_BYTES:].decode().partition("/")
        place = Place(_EPOCH + int(micros) * datetime.resolution, thing_id)
    except (ValueError, OverflowError) as error:
        raise _bad_cursor() from error
    if cursor_text(about, place) != cursor:
        raise _bad_cursor()
    return place


def _seal(about: list[Any], text: bytes) -> bytes:
    return sha256(json.dumps(about).encode() + b"\n" + text).digest()[:_SEAL_BYTES]


def _bad_cursor() -> ValidationFailed:
    return ValidationFailed(
        [FieldError.at(("cursor",), "is not the next_cursor of this list")], code="bad_cursor"
    )
