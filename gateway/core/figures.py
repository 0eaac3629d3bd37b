"""Figures that this process keeps of itself, in plain numbers: no library counts here.

Some of it runs at every request, also where nobody ever asks. Written by one thread each, and
read by another that may see a figure one too old.
"""

from bisect import bisect_left
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from gateway.core.job import Job

BOUNDS_S = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0)
LONG_BOUNDS_S = (1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 120.0, 300.0, 900.0, 3600.0, 14400.0)
# What happens within one process takes less.
SHORT_BOUNDS_S = (0.0001, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.1, 0.5, 1.0, 5.0)
SIZE_BOUNDS = (1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 64.0, 128.0, 256.0)


@dataclass(slots=True)
class Histogram:
    """`counts[i]` were at most `bounds[i]`, the last ones more than any."""

    bounds: tuple[float, ...] = BOUNDS_S
    counts: list[int] = field(init=False)
    total: float = 0.0

    def __post_init__(self) -> None:
        self.counts = [0] * (len(self.bounds) + 1)

    def note(self, value: float) -> None:
        """Count one."""
        self.counts[bisect_left(self.bounds, value)] += 1
        self.total += value

    def cumulative(self) -> Iterator[tuple[str, int]]:
        """Yield each bound, as Prometheus writes it, with how many were at most that."""
        passed = 0
        for bound, count in zip((*map(str, self.bounds), "+Inf"), self.counts, strict=True):
            passed += count
            yield bound, passed


class Outcome(StrEnum):
    """How a call to another program went."""

    OK = "ok"
    NOT_FOUND = "not_found"
    REFUSED = "refused"  # it would be again
    UNAVAILABLE = "unavailable"  # an answer that says: later
    NO_ANSWER = "no_answer"


@dataclass(slots=True)
class CallFigures:
    """Calls to other programs, by theirs and the call's name: both of small sets."""

    ended: dict[tuple[str, str, Outcome], int] = field(default_factory=dict)
    durations: dict[tuple[str, str], Histogram] = field(default_factory=dict)

    def note(self, peer: str, call: str, outcome: Outcome, seconds: float) -> None:
        """Count one call."""
        ended = (peer, call, outcome)
        self.ended[ended] = self.ended.get(ended, 0) + 1
        self.durations.setdefault((peer, call), Histogram()).note(seconds)


@dataclass(slots=True)
class WriteFigures:
    """Groups of batches that were committed together.

    `sizes`: batches in a group. `waited_s`: from when a batch was handed in until its group
    began. `taken_s`: from then until the group was durable, or given up.
    """

    sizes: Histogram = field(default_factory=lambda: Histogram(SIZE_BOUNDS))
    waited_s: Histogram = field(default_factory=lambda: Histogram(SHORT_BOUNDS_S))
    taken_s: Histogram = field(default_factory=lambda: Histogram(SHORT_BOUNDS_S))
    failed: int = 0


@dataclass(slots=True)
class BeatFigures:
    """What goes on though nobody asks: ticks, and how late each began.

    A tick is late where this process had no time for it: by how long its loop was held up.
    """

    ticks_s: Histogram = field(default_factory=Histogram)
    late_s: Histogram = field(default_factory=lambda: Histogram(SHORT_BOUNDS_S))
    failed: int = 0


@dataclass(slots=True)
class JobFigures:
    """What became of jobs and attempts in changes that this process wrote, by kind.

    `waited_s`: from a job's submission to its first claim. `took_s`: from its submission to
    its end, by how it ended too.
    """

    attempts: dict[tuple[str, str], int] = field(default_factory=dict)
    waited_s: dict[str, Histogram] = field(default_factory=dict)
    took_s: dict[tuple[str, str], Histogram] = field(default_factory=dict)
    settled_micro_usd: dict[str, int] = field(default_factory=dict)

    def changed(self, before: Job, after: Job, attempt_outcome: str | None) -> None:
        """Count what one change has ended or begun."""
        if attempt_outcome is not None:
            ended = (after.kind, attempt_outcome)
            self.attempts[ended] = self.attempts.get(ended, 0) + 1
        if before.started_at is None and after.started_at is not None:
            waited = self.waited_s.setdefault(after.kind, Histogram(LONG_BOUNDS_S))
            waited.note(_between_s(after.created_at, after.started_at))
        if after.finished_at is not None and not before.is_final:
            how = (after.kind, after.status.value)
            took = self.took_s.setdefault(how, Histogram(LONG_BOUNDS_S))
            took.note(_between_s(after.created_at, after.finished_at))

    def settled(self, kind: str, micro_usd: int) -> None:
        """Count what an attempt has cost; one that is settled twice counts twice."""
        self.settled_micro_usd[kind] = self.settled_micro_usd.get(kind, 0) + micro_usd


def _between_s(earlier: datetime, later: datetime) -> float:
    """Not below zero where two gateways' clocks differ."""
    return max(0.0, (later - earlier).total_seconds())
