"""API keys in memory."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime

from typing_extensions import override

from gateway.core.api_keys import ApiKey
from gateway.ports.key_store import KeyStore
from shared.errors import Conflict


class MemoryKeyStore(KeyStore):
    """Keys in a dictionary, gone when the process ends."""

    def __init__(self) -> None:
        self._keys: dict[str, ApiKey] = {}

    @override
    async def add(self, key: ApiKey) -> None:
        if key.key_id in self._keys:
            raise Conflict(f"key {key.key_id} exists", public="There is such a key already.")
        self._keys[key.key_id] = key

    @override
    async def get(self, key_id: str) -> ApiKey | None:
        return self._keys.get(key_id)

    @override
    async def keys_of(self, tenant: str) -> list[ApiKey]:
        mine = (key for key in self._keys.values() if key.tenant == tenant)
        return sorted(mine, key=lambda key: (key.created_at, key.key_id))

    @override
    async def revoke(self, key_id: str, at: datetime) -> bool:
        key = self._keys.get(key_id)
        if key is None or key.revoked_at is not None:
            return False
        self._keys[key_id] = replace(key, revoked_at=at)
        return True

    @override
    async def seed(self, keys: Sequence[ApiKey], at: datetime) -> None:
        brought = {key.key_id for key in keys}
        for key in keys:
            known = self._keys.get(key.key_id, key)
            if known.seeded:
                kept = replace(key, created_at=known.created_at)
                self._keys[key.key_id] = kept
        for key in list(self._keys.values()):
            if key.seeded and key.key_id not in brought:
                await self.revoke(key.key_id, at)
