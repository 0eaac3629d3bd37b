"""Use cases of API keys: make, list, revoke, seed, and tell whose one is."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from gateway.core import api_keys
from gateway.core.api_keys import ApiKey, Caller
from gateway.core.object_keys import is_tenant
from gateway.ports.clock import Clock
from gateway.ports.key_store import KeyStore
from shared.errors import FieldError, NotFound, Unauthenticated, ValidationFailed

SEEDED_TENANT = "default"


@dataclass(frozen=True, slots=True)
class ApiKeys:
    """`random(n)` gives n bytes that nobody can guess."""

    store: KeyStore
    clock: Clock
    random: Callable[[int], bytes]

    async def create(
        self, tenant: str, scopes: Iterable[str] = api_keys.SCOPES, *, label: str = ""
    ) -> tuple[str, ApiKey]:
        """Return a new key's text, which is kept nowhere, and what is kept of it.

        Raises `ValidationFailed` for a tenant or scope that cannot be.
        """
        wanted = frozenset(scopes)
        self._check(tenant, wanted)
        text = api_keys.new_key(self.random(api_keys.ID_BYTES + api_keys.SECRET_BYTES))
        key = self._kept(text, tenant, wanted, label)
        await self.store.add(key)
        return text, key

    async def keys_of(self, tenant: str) -> list[ApiKey]:
        """Return the tenant's keys, oldest first."""
        return await self.store.keys_of(tenant)

    async def revoke(self, key_id: str) -> None:
        """Revoke a key at once, for every process. Raises `NotFound`."""
        if not await self.store.revoke(key_id, self.clock.now()):
            raise NotFound(f"no live key {key_id}", public="There is no such key.")

    async def seed(self, texts: Sequence[str]) -> None:
        """Make the environment's keys good, for the tenant `default` and with all scopes.

        A key that was seeded before and is not among them is revoked: that is how one is
        rotated out.
        """
        scopes = frozenset(api_keys.SCOPES)
        keys = {
            key.key_id: key
            for text in texts
            if text
            for key in [self._kept(text, SEEDED_TENANT, scopes, "environment", seeded=True)]
        }
        await self.store.seed(list(keys.values()), self.clock.now())

    async def verify(self, credential: str) -> Caller:
        """Return whose key it is. Raises `Unauthenticated`, and does not say why."""
        if 0 < len(credential) <= api_keys.LONGEST:
            key = await self.store.get(api_keys.id_of(credential))
            if api_keys.proves(credential, key) and key is not None:
                return Caller(key.tenant, key.scopes, key.key_id)
        raise Unauthenticated("no such key", public="A valid API key is needed.")

    def _kept(
        self,
        text: str,
        tenant: str,
        scopes: frozenset[str],
        label: str,
        *,
        seeded: bool = False,
    ) -> ApiKey:
        return ApiKey(
            key_id=api_keys.id_of(text),
            tenant=tenant,
            label=label,
            sha256=api_keys.hash_of(text),
            scopes=scopes,
            created_at=self.clock.now(),
            seeded=seeded,
        )

    @staticmethod
    def _check(tenant: str, scopes: frozenset[str]) -> None:
        wrong = []
        if not is_tenant(tenant):
            wrong.append(FieldError("tenant", "letters, digits, _ and -, 64 at most"))
        if not scopes or scopes - set(api_keys.SCOPES):
            wrong.append(FieldError("scopes", f"some of {', '.join(api_keys.SCOPES)}"))
        if wrong:
            raise ValidationFailed(wrong)
