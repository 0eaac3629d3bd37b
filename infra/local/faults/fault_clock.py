"""A clock that is the machine's, and some time ahead of it when a file says so."""

from datetime import datetime, timedelta
from pathlib import Path

from gateway.ports.clock import Clock

AHEAD = "ahead_s"


def set_ahead(folder: Path, ahead_s: float) -> None:
    """Let the gateway of this folder believe that so much more time has passed."""
    draft = folder / f".{AHEAD}"
    draft.write_text(str(ahead_s), "utf-8")
    draft.replace(folder / AHEAD)


class FaultClock:
    """Reads the file at each call: a stored instant never comes from an earlier reading."""

    def __init__(self, clock: Clock, folder: Path) -> None:
        self._clock = clock
        self._file = folder / AHEAD

    def now(self) -> datetime:
        """Return the present instant, as this gateway is to see it."""
        try:
            ahead_s = float(self._file.read_text("utf-8"))
        except FileNotFoundError:
            ahead_s = 0.0
        return self._clock.now() + timedelta(seconds=ahead_s)
