"""Where new ids and other chance come from."""

import secrets
from dataclasses import dataclass

from gateway.ports.clock import Clock
from shared.ids import RANDOM_BYTES, uuid7


@dataclass(frozen=True, slots=True)
class NewId:
    """Gives a UUIDv7 at each call, by the given clock."""

    clock: Clock

    def __call__(self) -> str:
        """Return a new id."""
        return uuid7(self.clock.now(), secrets.token_bytes(RANDOM_BYTES))
