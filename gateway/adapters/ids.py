"""Where new ids and other chance come from."""

import secrets
from collections.abc import Iterator

from gateway.ports.clock import Clock
from shared.ids import RANDOM_BYTES, uuid7

_AT_ONCE = 256


class NewId:
    """Gives a UUIDv7 at each call, by the given clock.

    Chance is fetched for many at once: each time the interpreter is handed to another thread,
    and has to be waited for.
    """

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._random = _random()

    def __call__(self) -> str:
        """Return a new id."""
        return uuid7(self._clock.now(), next(self._random))


def _random() -> Iterator[bytes]:
    while True:
        many = secrets.token_bytes(_AT_ONCE * RANDOM_BYTES)
        for start in range(0, len(many), RANDOM_BYTES):
            yield many[start : start + RANDOM_BYTES]
