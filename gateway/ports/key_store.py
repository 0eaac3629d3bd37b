"""Where tenants and their API keys are written down."""

from collections.abc import Sequence
from datetime import datetime
from typing import Protocol

from gateway.core.api_keys import ApiKey


class KeyStore(Protocol):
    """Every implementation passes `tests/conformance/test_key_stores.py`."""

    async def add(self, key: ApiKey) -> None:
        """Keep a new key, and its tenant where there is none of that name.

        Raises `Conflict` where the id is taken.
        """

    async def get(self, key_id: str) -> ApiKey | None:
        """Return the key, also a revoked one."""

    async def keys_of(self, tenant: str) -> list[ApiKey]:
        """Return the tenant's keys, oldest first, revoked ones too."""

    async def revoke(self, key_id: str, at: datetime) -> bool:
        """Revoke a key; False if there is none, or it was revoked before."""

    async def seed(self, keys: Sequence[ApiKey], at: datetime) -> None:
        """Make these the keys that the environment brings, and revoke any it no longer does.

        A repeat changes nothing; one that was revoked and is brought again is good again.
        """
