"""How many requests were answered and how long each took to, in plain numbers.

No library counts here: this runs at every request, also where nobody ever asks.
"""

from dataclasses import dataclass, field

from gateway.core.figures import Histogram


@dataclass(slots=True)
class RequestFigures:
    """What this process has answered since it started, by route template and method."""

    answered: dict[tuple[str, str, int], int] = field(default_factory=dict)
    durations: dict[tuple[str, str], Histogram] = field(default_factory=dict)

    def note(self, route: str, method: str, status: int, seconds: float) -> None:
        """Count one answer. All three names must be of small sets."""
        asked = (route, method, status)
        self.answered[asked] = self.answered.get(asked, 0) + 1
        durations = self.durations.get((route, method))
        if durations is None:
            durations = self.durations[route, method] = Histogram()
        durations.note(seconds)
