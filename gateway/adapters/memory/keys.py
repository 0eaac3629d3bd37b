"""API keys in memory."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime

from typing_extensions import override

from gateway.core.api_keys import ApiKey
from gateway.core.tenants import Tenant
from gateway.ports.key_store import KeyStore
from shared.errors import Conflict


class MemoryKeyStore(KeyStore):
    """Keys in a dictionary, gone when the process ends."""

    def __init__(self) -> None:
        self._keys: dict[str, ApiKey] = {}
        self._tenants: dict[str, Tenant] = {}

    @override
    async def add(self, key: ApiKey) -> None:
        if key.key_id in self._keys:
            raise Conflict(f"key {key.key_id} exists", public="There is such a key already.")
        self._know(key)
        self._keys[key.key_id] = key

    @override
    async def get(self, key_id: str) -> ApiKey | None:
        key = self._keys.get(key_id)
        return None if key is None else self._as_it_is(key)

    @override
    async def keys_of(self, tenant: str) -> list[ApiKey]:
        mine = (self._as_it_is(key) for key in self._keys.values() if key.tenant == tenant)
        return sorted(mine, key=lambda key: (key.created_at, key.key_id))

    @override
    async def replace(self, old: ApiKey, new: ApiKey, at: datetime, ends_at: datetime) -> bool:
        known = self._keys.get(old.key_id)
        if known is None or known.seeded or known.replaced_by or not known.is_live(at):
            return False
        ends = min(ends_at, known.expires_at or ends_at)
        self._keys[known.key_id] = replace(known, expires_at=ends, replaced_by=new.key_id)
        self._keys[new.key_id] = new
        return True

    @override
    async def revoke(self, key_id: str, at: datetime, *, tenant: str | None = None) -> bool:
        key = self._keys.get(key_id)
        if key is None or key.revoked_at is not None or tenant not in (None, key.tenant):
            return False
        self._keys[key_id] = replace(key, revoked_at=at)
        return True

    @override
    async def note_use(self, key_id: str, at: datetime) -> None:
        key = self._keys.get(key_id)
        if key is not None and (key.last_used_at is None or key.last_used_at < at):
            self._keys[key_id] = replace(key, last_used_at=at)

    @override
    async def seed(self, keys: Sequence[ApiKey], at: datetime) -> None:
        brought = {key.key_id for key in keys}
        for key in keys:
            known = self._keys.get(key.key_id, key)
            if known.seeded:
                self._know(key)
                kept = replace(key, created_at=known.created_at)
                self._keys[key.key_id] = kept
        for key in list(self._keys.values()):
            if key.seeded and key.key_id not in brought:
                await self.revoke(key.key_id, at)

    @override
    async def add_tenant(self, tenant: Tenant) -> bool:
        return self._tenants.setdefault(tenant.name, tenant) is tenant

    @override
    async def tenants(self) -> list[Tenant]:
        return sorted(self._tenants.values(), key=lambda tenant: tenant.name)

    @override
    async def suspend(self, tenant: str, at: datetime | None) -> bool:
        known = self._tenants.get(tenant)
        if known is None:
            return False
        since = at and (known.suspended_at or at)
        self._tenants[tenant] = replace(known, suspended_at=since)
        return True

    @override
    async def is_suspended(self, tenant: str) -> bool:
        known = self._tenants.get(tenant)
        return known is not None and known.suspended_at is not None

    def forget_keys(self, tenant: str) -> None:
        """Let go of a tenant's keys."""
        self._keys = {name: key for name, key in self._keys.items() if key.tenant != tenant}

    def forget_tenant(self, tenant: str) -> None:
        """Let go of the tenant itself."""
        self._tenants.pop(tenant, None)

    def _know(self, key: ApiKey) -> None:
        self._tenants.setdefault(key.tenant, Tenant(key.tenant, key.created_at))

    def _as_it_is(self, key: ApiKey) -> ApiKey:
        return replace(key, suspended=self._tenants[key.tenant].suspended_at is not None)
