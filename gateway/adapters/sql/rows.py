"""Turn jobs into rows and back: instants as sortable text, structures as JSON."""

import json
from collections.abc import Callable, Mapping
from dataclasses import asdict, fields
from datetime import UTC, datetime
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

FORMAT = "%Y-%m-%dT%H:%M:%S.%fZ"


def to_text(at: datetime) -> str:
    """Return UTC text of fixed width, so that text sorts as time."""
    return at.astimezone(UTC).strftime(FORMAT)


def to_instant(text: str) -> datetime:
    """Return the aware instant of a stored text."""
    return datetime.strptime(text, FORMAT).replace(tzinfo=UTC)


def to_json(value: Any) -> str:
    """Return compact JSON; NaN is a broken promise, not a number."""
    return json.dumps(value, separators=(",", ":"), allow_nan=False)


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
    }
)
_JSON = frozenset({"input", "labels", "checkpoint", "result"})
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
        "created_at",
        "deadline_at",
        "trace",
        "labels",
        "surface",
        "parent_id",
        "retry_of",
    }
)
COLUMNS = tuple(field.name for field in fields(Job))
CHANGING = tuple(name for name in COLUMNS if name not in FIXED)


def column(name: str, value: Any) -> Value:
    """Return a field of a job as its column holds it."""
    if value is None:
        return None
    if name in _INSTANTS:
        return to_text(value)
    if name in _JSON or name == "stages":
        return to_json(value)
    if name in _RECORDS:
        return to_json([asdict(each) for each in value])
    if name == "error":
        return to_json(asdict(value))
    if name in _WORDS:
        return str(value)
    return int(value) if isinstance(value, bool) else value


def job_of(row: Row) -> Job:
    """Return the job a row holds."""
    return Job(**{name: _field(name, row[name]) for name in COLUMNS})


def _field(name: str, value: Any) -> Any:
    if value is None:
        return None
    if name in _INSTANTS:
        return to_instant(value)
    if name in _JSON:
        return json.loads(value)
    if name == "stages":
        return tuple(json.loads(value))
    if name in _RECORDS:
        return tuple(_RECORDS[name](**each) for each in json.loads(value))
    if name == "error":
        return JobError(**json.loads(value))
    if name in _WORDS:
        return _WORDS[name](value)
    return bool(value) if name == "holds_slot" else value
