"""Where tenants and their API keys are written down."""

from collections.abc import Sequence
from datetime import datetime
from typing import Protocol

from gateway.core.api_keys import ApiKey
from gateway.core.tenants import Tenant


class KeyStore(Protocol):
    """Every implementation passes `tests/conformance/test_key_stores.py`."""

    async def add(self, key: ApiKey) -> None:
        """Keep a new key, and its tenant where there is none of that name.

        Raises `Conflict` where the id is taken.
        """

    async def get(self, key_id: str) -> ApiKey | None:
        """Return the key, though it is revoked, has expired or its tenant is suspended."""

    async def keys_of(self, tenant: str) -> list[ApiKey]:
        """Return the tenant's keys, oldest first, revoked ones too."""

    async def replace(self, old: ApiKey, new: ApiKey, at: datetime, ends_at: datetime) -> bool:
        """Keep `new` in the place of `old`, which goes on until `ends_at` and no longer.

        False, and nothing is written, where `old` is not live at `at`, was replaced before,
        or was seeded. One that expires sooner still does.
        """

    async def revoke(self, key_id: str, at: datetime, *, tenant: str | None = None) -> bool:
        """Revoke a key; False if there is none, or it was revoked before.

        With a tenant, another's key is not there.
        """

    async def note_use(self, key_id: str, at: datetime) -> None:
        """Note when a key was last used, unless a later use is noted."""

    async def seed(self, keys: Sequence[ApiKey], at: datetime) -> None:
        """Make these the keys that the environment brings, and revoke any it no longer does.

        A repeat changes nothing; one that was revoked and is brought again is good again.
        """

    async def add_tenant(self, tenant: Tenant) -> bool:
        """Keep a new tenant; False if there is one of that name."""

    async def tenants(self) -> list[Tenant]:
        """Return all tenants by name, suspended ones too."""

    async def suspend(self, tenant: str, at: datetime | None) -> bool:
        """Suspend a tenant, or with None let it go on; False if there is none.

        One that is suspended already stays so since then.
        """

    async def is_suspended(self, tenant: str) -> bool:
        """True for a tenant that is there and suspended."""
