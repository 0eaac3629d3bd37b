"""When an attempt must end, on a clock that nobody sets."""

from collections.abc import Callable
from datetime import datetime


class Deadline:
    """The attempt's deadline as the gateway's clock counts it, kept on the monotonic one.

    A worker's wall clock may be minutes off, the more so on a machine revived from a
    snapshot. So the time left is taken on the gateway's own clock, at the moment it spoke.
    """

    def __init__(self, monotonic_s: Callable[[], float]) -> None:
        self._monotonic_s = monotonic_s
        self._ends_at_s = float("inf")

    def set(self, deadline_at: datetime, *, spoken_at: datetime) -> None:
        """Move it: `spoken_at` is the gateway's clock at this moment."""
        self._ends_at_s = self._monotonic_s() + (deadline_at - spoken_at).total_seconds()

    def left_s(self) -> float:
        """Return the seconds left, negative once it is past."""
        return self._ends_at_s - self._monotonic_s()
