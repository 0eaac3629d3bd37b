"""Use cases of tenants, for the operator: make, list, suspend, resume."""

from dataclasses import dataclass

from gateway.core.object_keys import is_tenant
from gateway.core.tenants import Tenant
from gateway.ports.clock import Clock
from gateway.ports.key_store import KeyStore
from shared.errors import Conflict, FieldError, NotFound, ValidationFailed


@dataclass(frozen=True, slots=True)
class Tenants:
    """Tenants are also made by their first key; nothing but erasure takes one away."""

    store: KeyStore
    clock: Clock

    async def create(self, name: str) -> Tenant:
        """Return a new tenant. Raises `ValidationFailed` for a name, `Conflict` if taken."""
        if not is_tenant(name):
            said = "letters, digits, _ and -, 64 at most"
            raise ValidationFailed([FieldError("tenant", said)])
        tenant = Tenant(name, self.clock.now())
        if not await self.store.add_tenant(tenant):
            raise Conflict(f"tenant {name} exists", public="There is such a tenant already.")
        return tenant

    async def all(self) -> list[Tenant]:
        """Return all of them by name."""
        return await self.store.tenants()

    async def suspend(self, name: str) -> None:
        """Close everything to a tenant's keys and tickets. Raises `NotFound`.

        What runs goes on to its end, and nothing is deleted.
        """
        await self._set(name, suspended=True)

    async def resume(self, name: str) -> None:
        """Let a tenant go on where it was. Raises `NotFound`."""
        await self._set(name, suspended=False)

    async def _set(self, name: str, *, suspended: bool) -> None:
        if not await self.store.suspend(name, self.clock.now() if suspended else None):
            raise NotFound(f"no tenant {name}", public="There is no such tenant.")
