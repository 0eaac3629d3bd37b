"""The events of a job, in order and without gaps."""

from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True, slots=True)
class Event:
    """One line of a job's log. `body` is the finished JSON that every watcher gets."""

    seq: int
    type: str
    body: str


class EventLog(Protocol):
    """Every implementation passes `tests/conformance/test_event_logs.py`."""

    async def read(self, job_id: str, after: int, limit: int) -> list[Event]:
        """Return events with a greater `seq`, in order, at most `limit`."""
