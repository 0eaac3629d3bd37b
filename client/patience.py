"""How long to wait between tries, and when to stop trying."""

from collections.abc import Callable
from dataclasses import dataclass

FIRST_PAUSE_S, MOST_PAUSE_S = 0.2, 5.0
LONGEST_ASKED_S = 30.0


@dataclass(frozen=True, slots=True)
class Patience:
    """So many tries in all; with the usual 8, 17 s of pauses: a gateway's restart.

    `sleep` waits that many seconds. `spread` gives numbers of 0 to 1, by which pauses
    differ, so that those who were refused together do not come back together.
    """

    sleep: Callable[[float], object]
    spread: Callable[[], float]
    tries: int

    def pause_s(self, failed: int, asked_s: float | None = None) -> float | None:
        """Return how long to wait after the n-th failure; None to give up.

        `asked_s` is what the other side asks for: it is waited out in full, or not at all
        where it is long.
        """
        if failed >= self.tries or (asked_s or 0.0) > LONGEST_ASKED_S:
            return None
        if asked_s is not None:
            return asked_s * (1 + self.spread() / 4)
        longest_s = min(FIRST_PAUSE_S * 2.0 ** (failed - 1), MOST_PAUSE_S)
        return longest_s * (1 - self.spread() / 2)
