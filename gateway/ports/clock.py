"""What time it is."""

from datetime import datetime
from typing import Protocol


class Clock(Protocol):
    """Aware UTC; tests move it by hand."""

    def now(self) -> datetime:
        """Return the present instant."""
