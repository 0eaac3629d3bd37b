"""Use case: tell a tenant's webhook endpoints that something happened."""

from dataclasses import dataclass

from gateway.core.effects import Effect


@dataclass(frozen=True, slots=True)
class AnnounceEvent:
    """Effect `webhook`: nobody can register an endpoint yet, so nobody is told."""

    async def __call__(self, effect: Effect) -> None:
        """Return at once."""
