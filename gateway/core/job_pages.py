"""Pages of jobs, newest first: what is asked for, where a page ends, and its cursor."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from gateway.core.cursors import Place as ThingPlace
from gateway.core.cursors import cursor_place, cursor_text
from gateway.core.job import Job, Status


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

    It is good for this tenant and this filter alone.
    """
    about = _about(tenant, wanted)
    return cursor_text(about, ThingPlace(place.created_at, place.job_id))


def place_of(tenant: str, wanted: JobFilter, cursor: str) -> Place:
    """Return the place a cursor of ours stands for; raise `bad_cursor` for any other text."""
    place = cursor_place(_about(tenant, wanted), cursor)
    return Place(place.created_at, place.thing_id)


def _about(tenant: str, wanted: JobFilter) -> list[Any]:
    labels = sorted(wanted.labels.items())
    return [tenant, wanted.status, wanted.kind, wanted.parent_id, labels]
