"""How often something may happen: a bucket per name, by the generic cell rate algorithm.

Of each name one number is kept: when its bucket would be full again (the theoretical arrival
time of ITU-T I.371). Nothing runs between two calls, and a name whose bucket is full takes no
memory that matters.
"""

from math import ceil
from typing import NamedTuple

NAMES_MAX = 10_000
_ROUNDING = 1e-6  # of one, that a sum of many parts may be short of


class Standing(NamedTuple):
    """What is left of a bucket and when it is full again.

    `wait_s` is above 0 where one was asked for and the bucket was empty: until there is one.
    """

    left: int
    full_in_s: float
    wait_s: float = 0.0

    @property
    def is_refused(self) -> bool:
        """True where nothing was taken."""
        return self.wait_s > 0

    @property
    def retry_after_s(self) -> int:
        """Return when to come back, in whole seconds."""
        return max(1, ceil(self.wait_s))


class Buckets:
    """At most `names_max` buckets of `burst`, each refilled by `per_s` a second.

    Where there are as many and one more name comes, full buckets are forgotten, which changes
    nothing; if none is full, the longest known is forgotten, and is full.
    """

    def __init__(self, *, per_s: float, burst: int, names_max: int = NAMES_MAX) -> None:
        self.per_s, self.burst = per_s, burst
        self._each_s = 1 / per_s
        self._depth_s = burst / per_s
        self.window_s = ceil(self._depth_s)
        self._names_max = names_max
        self._full_at: dict[str, float] = {}

    def take(self, name: str, now_s: float) -> Standing:
        """Take one out of the bucket at this reading of a clock that only goes forward."""
        full_at = self._full_at.get(name)
        full_in_s = 0.0 if full_at is None or full_at < now_s else full_at - now_s
        left = int((self._depth_s - full_in_s) * self.per_s + _ROUNDING)
        if left < 1:
            return self.look(name, now_s)
        if full_at is None and len(self._full_at) >= self._names_max:
            self._forget(now_s)
        full_in_s += self._each_s
        self._full_at[name] = now_s + full_in_s
        return Standing(left - 1, full_in_s)

    def look(self, name: str, now_s: float) -> Standing:
        """Return how a bucket stands, as whoever takes one out would find it."""
        full_in_s = max(self._full_at.get(name, now_s) - now_s, 0.0)
        room = (self._depth_s - full_in_s) * self.per_s
        left = int(room + _ROUNDING)
        return Standing(left, full_in_s, 0.0 if left else (1 - room) * self._each_s)

    def __len__(self) -> int:
        return len(self._full_at)

    def _forget(self, now_s: float) -> None:
        self._full_at = {name: at for name, at in self._full_at.items() if at > now_s}
        while len(self._full_at) >= self._names_max:
            del self._full_at[next(iter(self._full_at))]
