"""Pages of jobs, newest first: what is asked for, where a page ends, and its cursor."""

import json
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from hashlib import sha256

from gateway.core.job import Job, Status
from shared.errors import FieldError, ValidationFailed

LONGEST_CURSOR = 256
_SEAL_BYTES = 9
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class JobFilter:
    """Which jobs of a tenant are wanted; all that is named must hold."""

    status: Status | None = None
    kind: str | None = None
    parent_id: str | None = None
    labels: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Place:
    """Where a job stands in the order of all: by its time, then its id."""

    created_at: datetime
    job_id: str


@dataclass(frozen=True, slots=True)
class JobPage:
    """Jobs, newest first; `last` is where the next page goes on, None where none is left."""

    jobs: list[Job]
    last: Place | None


def cursor_of(tenant: str, wanted: JobFilter, place: Place) -> str:
    """Return the text a client brings back for what comes after `place`.

    It is good for this tenant and this filter alone, and it is no secret: what it is sealed
    with keeps out what is garbled or belongs elsewhere, not what somebody makes up.
    """
    micros = (place.created_at - _EPOCH) // (datetime.resolution)
    text = f"{micros}/{place.job_id}".encode()
    return urlsafe_b64encode(_seal(tenant, wanted, text) + text).rstrip(b"=").decode()


def place_of(tenant: str, wanted: JobFilter, cursor: str) -> Place:
    """Return the place a cursor of ours stands for; raise `bad_cursor` for any other text."""
    if len(cursor) > LONGEST_CURSOR:
        raise _bad_cursor()
    try:
        raw = urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4))
        micros, _, job_id = raw[_SEAL_BYTES:].decode().partition("/")
        place = Place(_EPOCH + int(micros) * datetime.resolution, job_id)
    except (ValueError, OverflowError) as error:
        raise _bad_cursor() from error
    if cursor_of(tenant, wanted, place) != cursor:
        raise _bad_cursor()
    return place


def _seal(tenant: str, wanted: JobFilter, text: bytes) -> bytes:
    about = [
        tenant,
        wanted.status,
        wanted.kind,
        wanted.parent_id,
        sorted(wanted.labels.items()),
    ]
    return sha256(json.dumps(about).encode() + b"\n" + text).digest()[:_SEAL_BYTES]


def _bad_cursor() -> ValidationFailed:
    return ValidationFailed(
        [FieldError.at(("cursor",), "is not the next_cursor of this list")], code="bad_cursor"
    )
