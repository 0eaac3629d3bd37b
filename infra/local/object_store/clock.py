"""What time the store believes it is."""

from datetime import UTC, datetime
from typing import Protocol


class Clock(Protocol):
    """Aware UTC; a test moves it by hand."""

    def now(self) -> datetime:
        """Return the present instant."""


class MachineClock:
    """The machine's own."""

    def now(self) -> datetime:
        """Return the present instant."""
        return datetime.now(UTC)
