"""Since when the gateway has been able to hear workers."""

from datetime import datetime
from typing import Protocol


class Liveness(Protocol):
    """A row that outlives the process; silence before it is the gateway's own."""

    async def started(self, now: datetime) -> None:
        """A gateway begins to listen: silence counts from here."""

    async def ticked(self, now: datetime, longest_gap_s: float) -> datetime:
        """Note a tick; return since when there was no gap longer than this."""
