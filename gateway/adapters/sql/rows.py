"""Turn jobs into rows and back: instants as sortable text, structures as JSON."""

import json
from collections.abc import Callable, Mapping
from dataclasses import asdict, fields
from datetime import UTC, datetime
from functools import cache
from operator import attrgetter
from types import MappingProxyType
from typing import Any

from gateway.adapters.sql.engine import Row, Value
from gateway.core.job import (
    AttemptState,
    Job,
    JobError,
    JobFile,
    JobOutput,
    JobWarning,
    Status,
    WaitingFor,
)
from gateway.core.surfaces import Surface

_compact = json.JSONEncoder(separators=(",", ":"), allow_nan=False).encode


def to_text(at: datetime) -> str:
    """Return UTC text of fixed width, so that text sorts as time."""
    utc = at if at.tzinfo is UTC else at.astimezone(UTC)
    return utc.isoformat(timespec="microseconds").removesuffix("+00:00") + "Z"


def to_instant(text: str) -> datetime:
    """Return the aware instant of a stored text."""
    return datetime.fromisoformat(text)


def to_json(value: Any) -> str:
    """Return compact JSON; NaN is a broken promise, not a number."""
    return _compact(value)


_INSTANTS = frozenset(
    {
        "created_at",
        "deadline_at",
        "claimed_at",
        "attempt_deadline_at",
        "attempt_ended_at",
        "seen_at",
        "progress_event_at",
        "retry_at",
        "started_at",
        "finished_at",
        "outputs_at",
        "outputs_expired_at",
    }
)
_JSON = frozenset({"input", "labels", "checkpoint", "result"})
_TRUTHS = frozenset({"holds_slot", "webhook"})
_RECORDS: Mapping[str, Callable[..., Any]] = MappingProxyType(
    {"files": JobFile, "outputs": JobOutput, "warnings": JobWarning}
)
_WORDS: Mapping[str, Callable[[str], Any]] = MappingProxyType(
    {
        "status": Status,
        "waiting_for": WaitingFor,
        "attempt_state": AttemptState,
        "surface": Surface,
    }
)

# What never changes once a job is accepted is written once.
FIXED = frozenset(
    {
        "id",
        "tenant",
        "kind",
        "kind_version",
        "stages",
        "input",
        "files",
        "endpoint",
        "max_attempts",
        "limit_s",
        "estimated_micro_usd",
        "reserve_micro_usd",
        "rate_micro_usd_per_s",
        "max_cost_micro_usd",
        "created_at",
        "deadline_at",
        "trace",
        "labels",
        "surface",
        "fence_floor",
        "webhook",
        "parent_id",
        "retry_of",
        "reused_from",
        # Changed after the job's end, by a statement of its own.
        "outputs_expired_at",
    }
)
COLUMNS = tuple(field.name for field in fields(Job))
CHANGING = tuple(name for name in COLUMNS if name not in FIXED)


def _to_column(name: str) -> Callable[[Any], Value] | None:
    if name in _INSTANTS:
        return to_text
    if name in _JSON or name == "stages":
        return to_json
    if name in _RECORDS:
        return lambda records: to_json([asdict(each) for each in records]) if records else "[]"
    if name == "error":
        return lambda error: to_json(asdict(error))
    if name in _WORDS:
        return str
    return int if name in _TRUTHS else None


@cache
def _reading(columns: tuple[str, ...]) -> tuple[Callable[[Job], tuple[Any, ...]], Any]:
    """What takes these fields of a job all at once, and what turns each of them."""
    return attrgetter(*columns), tuple(_to_column(name) for name in columns)


def cells(job: Job, columns: tuple[str, ...]) -> list[Value]:
    """Return these fields of a job, two or more, as their columns hold them."""
    take, turns = _reading(columns)
    return [
        value if turn is None or value is None else turn(value)
        for turn, value in zip(turns, take(job), strict=True)
    ]


def _from_column(name: str) -> Callable[[Any], Any]:
    if name in _INSTANTS:
        return to_instant
    if name in _JSON:
        return json.loads
    if name == "stages":
        return lambda text: tuple(json.loads(text))
    if record := _RECORDS.get(name):
        return lambda text: tuple(record(**each) for each in json.loads(text))
    if name == "error":
        return lambda text: JobError(**json.loads(text))
    if name in _WORDS:
        return _WORDS[name]
    return bool if name in _TRUTHS else lambda value: value


_FROM_COLUMN = MappingProxyType({name: _from_column(name) for name in COLUMNS})


def job_of(row: Row) -> Job:
    """Return the job a row holds."""
    held: dict[str, Any] = {
        name: None if (value := row[name]) is None else read(value)
        for name, read in _FROM_COLUMN.items()
    }
    return Job(**held)
