"""How many requests were answered and how long each took to, in plain numbers.

No library counts here: this runs at every request, also where nobody ever asks.
"""

from bisect import bisect_left
from collections.abc import Iterator
from dataclasses import dataclass, field

BOUNDS_S = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0)


@dataclass(slots=True)
class Durations:
    """A histogram: `counts[i]` took at most `BOUNDS_S[i]`, the last one longer than all."""

    counts: list[int] = field(default_factory=lambda: [0] * (len(BOUNDS_S) + 1))
    total_s: float = 0.0

    def cumulative(self) -> Iterator[tuple[str, int]]:
        """Yield each bound, as Prometheus writes it, with how many took at most that."""
        passed = 0
        for bound, count in zip((*map(str, BOUNDS_S), "+Inf"), self.counts, strict=True):
            passed += count
            yield bound, passed


@dataclass(slots=True)
class RequestFigures:
    """What this process has answered since it started, by route template and method."""

    answered: dict[tuple[str, str, int], int] = field(default_factory=dict)
    durations: dict[tuple[str, str], Durations] = field(default_factory=dict)

    def note(self, route: str, method: str, status: int, seconds: float) -> None:
        """Count one answer. All three names must be of small sets."""
        asked = (route, method, status)
        self.answered[asked] = self.answered.get(asked, 0) + 1
        durations = self.durations.setdefault((route, method), Durations())
        durations.counts[bisect_left(BOUNDS_S, seconds)] += 1
        durations.total_s += seconds
