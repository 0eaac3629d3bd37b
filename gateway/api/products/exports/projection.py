"""One job, in the words of this surface: the same for a poll and for a socket's message."""

import json
from collections.abc import Mapping
from enum import StrEnum
from types import MappingProxyType
from typing import Any

from gateway.core.job import Job, Status
from gateway.core.surfaces import Surface
from gateway.ports.event_log import Event

KINDS: Mapping[str, str] = MappingProxyType(
    {"overlay": "export.overlay", "framing": "export.framing"}
)
TYPES: Mapping[str, str] = MappingProxyType({kind: type_ for type_, kind in KINDS.items()})
OUTPUT = "video"
FIRST_STAGE = "prepare"


class Word(StrEnum):
    """The status words of this surface."""

    PENDING = "pending"
    PROCESSING = "processing"
    COMPLETE = "complete"
    ERROR = "error"


_WORDS: Mapping[Status, Word] = MappingProxyType(
    {
        Status.QUEUED: Word.PENDING,
        Status.RUNNING: Word.PROCESSING,
        Status.SUCCEEDED: Word.COMPLETE,
        Status.FAILED: Word.ERROR,
        Status.CANCELLED: Word.ERROR,
        Status.EXPIRED: Word.ERROR,
    }
)
# How ends that are no failures are told as one: sentence, and whether to try again.
_ENDS: Mapping[Status, tuple[str, bool]] = MappingProxyType(
    {
        Status.CANCELLED: ("The export was cancelled.", False),
        Status.EXPIRED: ("The export was not finished in time.", True),
    }
)


def word(status: Status, attempt: int) -> Word:
    """Return the word; who waits between two attempts is at work, or it would go back."""
    return Word.PROCESSING if _waits_again(status, attempt) else _WORDS[status]


def export_job(job: Job, event: Event) -> dict[str, Any]:
    """Return the job object as of this event, without what is made for one reader.

    `job` gives what never changes, all else is the event's.
    """
    body = json.loads(event.body)
    seen = body["job"]
    status, attempt = Status(seen["status"]), seen["attempt"]
    error, code, retryable = _failure(status, seen)
    return {
        "job_id": job.id,
        "project_id": project_of(job),
        "type": TYPES[job.kind],
        "status": word(status, attempt),
        "progress": percent(status, seen["progress"]),
        "stage": FIRST_STAGE if _waits_again(status, attempt) else seen["stage"],
        "input_video_key": job.files[0].key,
        "output_video_key": _output_key(status, seen),
        "error": error,
        "error_code": code,
        "retryable": retryable,
        "warnings": [{"code": w["code"], "message": w["message"]} for w in seen["warnings"]],
        "created_at": seen["created_at"],
        "updated_at": body["at"],
        "completed_at": seen["finished_at"],
    }


def percent(status: Status, progress: float) -> int:
    """Return whole percents done, rounded down: 100 is reached with success alone."""
    if status is Status.SUCCEEDED:
        return 100
    # A snapshot has four digits; by way of whole numbers 0.29 stays 29.
    return min(round(progress * 10_000) // 100, 99)


def project_of(job: Job) -> int | None:
    """Return the project; a job made on `/v1` is of none, whatever its labels say."""
    named = job.labels.get("project_id") if job.surface is Surface.EXPORTS else None
    return int(named) if named else None


def _waits_again(status: Status, attempt: int) -> bool:
    """True between two attempts, which is shown as if the next had begun."""
    return status is Status.QUEUED and attempt > 0


def _failure(status: Status, seen: Mapping[str, Any]) -> tuple[str | None, str | None, Any]:
    """Return sentence, code and whether to try again; of a job without a fault, nothing."""
    if status is Status.FAILED:
        error = seen["error"]
        return error["message"], error["code"], error["retryable"]
    if status in _ENDS:
        sentence, retryable = _ENDS[status]
        return sentence, status.value, retryable
    return None, None, None


def _output_key(status: Status, seen: Mapping[str, Any]) -> str | None:
    if status is not Status.SUCCEEDED:
        return None
    return next((each["key"] for each in seen["outputs"] if each["name"] == OUTPUT), None)
