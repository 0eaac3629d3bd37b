"""Use cases of API keys: make, list, rotate, revoke, seed, and tell whose one is."""

import logging
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from gateway.core import api_keys
from gateway.core.api_keys import ApiKey, Caller
from gateway.core.object_keys import is_tenant
from gateway.core.tenants import suspended
from gateway.ports.clock import Clock
from gateway.ports.key_store import KeyStore
from shared.errors import (
    Conflict,
    FieldError,
    NotFound,
    TryAgainLater,
    Unauthenticated,
    ValidationFailed,
)

log = logging.getLogger(__name__)

SEEDED_TENANT = "default"
LONGEST_LIFE = timedelta(days=3660)
# How old the noted use of a key may get before one more use is written down.
USE_NOTED_EVERY = timedelta(minutes=10)


@dataclass(frozen=True, slots=True)
class ApiKeys:
    """`random(n)` gives n bytes that nobody can guess."""

    store: KeyStore
    clock: Clock
    random: Callable[[int], bytes]

    async def create(
        self,
        tenant: str,
        scopes: Iterable[str] = api_keys.SCOPES,
        *,
        label: str = "",
        lives: timedelta | None = None,
    ) -> tuple[str, ApiKey]:
        """Return a new key's text, which is kept nowhere, and what is kept of it.

        `lives`: how long it is good for; None is until it is revoked. Raises
        `ValidationFailed` for a tenant, scope or life that cannot be.
        """
        wanted = frozenset(scopes)
        self._check(tenant, wanted, lives)
        text = self._new_text()
        expires_at = None if lives is None else self.clock.now() + lives
        key = self._kept(text, tenant, wanted, label, expires_at=expires_at)
        await self.store.add(key)
        return text, key

    async def rotate(
        self,
        key_id: str,
        *,
        grace: timedelta,
        lives: timedelta | None = None,
        tenant: str | None = None,
    ) -> tuple[str, ApiKey]:
        """Return a new key in the place of one that goes on for `grace` and then ends.

        It has the same tenant, scopes and label. Raises `NotFound` where there is no such
        live key, or with `tenant` where it is another's; `Conflict` for one that was
        replaced before or comes from the environment.
        """
        old, now = await self.store.get(key_id), self.clock.now()
        if old is None or not old.is_live(now) or tenant not in (None, old.tenant):
            raise _no_such_key(key_id)
        self._check(old.tenant, old.scopes, lives)
        text = self._new_text()
        expires_at = None if lives is None else now + lives
        new = self._kept(text, old.tenant, old.scopes, old.label, expires_at=expires_at)
        if not await self.store.replace(old, new, now, now + max(grace, timedelta(0))):
            raise Conflict(
                f"key {key_id} is seeded or replaced",
                public="This key was replaced before, or comes from CUTROOM_API_KEYS.",
            )
        return text, new

    async def keys_of(self, tenant: str) -> list[ApiKey]:
        """Return the tenant's keys, oldest first."""
        return await self.store.keys_of(tenant)

    async def revoke(self, key_id: str, *, tenant: str | None = None) -> None:
        """Revoke a key at once, for every process.

        Raises `NotFound`, with `tenant` also for another's.
        """
        if not await self.store.revoke(key_id, self.clock.now(), tenant=tenant):
            raise _no_such_key(key_id)

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
        """Return whose key it is.

        Raises `Unauthenticated`, and does not say why; `Forbidden` to a suspended tenant.
        """
        now = self.clock.now()
        if 0 < len(credential) <= api_keys.LONGEST:
            key = await self.store.get(api_keys.id_of(credential))
            if api_keys.proves(credential, key, now) and key is not None:
                if key.suspended:
                    raise suspended(key.tenant)
                await self._note_use(key, now)
                return Caller(key.tenant, key.scopes, key.key_id)
        raise Unauthenticated("no such key", public="A valid API key is needed.")

    async def _note_use(self, key: ApiKey, now: datetime) -> None:
        """Write the use down where the last one noted is long ago; else nothing is written."""
        if key.last_used_at is not None and now - key.last_used_at < USE_NOTED_EVERY:
            return
        try:
            await self.store.note_use(key.key_id, now)
        except TryAgainLater as error:  # a full disk is no reason to refuse a reader
            log.info("key.use_not_noted", extra={"key_id": key.key_id, "why": str(error)})

    def _new_text(self) -> str:
        return api_keys.new_key(self.random(api_keys.ID_BYTES + api_keys.SECRET_BYTES))

    def _kept(
        self,
        text: str,
        tenant: str,
        scopes: frozenset[str],
        label: str,
        *,
        seeded: bool = False,
        expires_at: datetime | None = None,
    ) -> ApiKey:
        return ApiKey(
            key_id=api_keys.id_of(text),
            tenant=tenant,
            label=label,
            sha256=api_keys.hash_of(text),
            scopes=scopes,
            created_at=self.clock.now(),
            seeded=seeded,
            expires_at=expires_at,
        )

    @staticmethod
    def _check(tenant: str, scopes: frozenset[str], lives: timedelta | None) -> None:
        wrong = []
        if not is_tenant(tenant):
            wrong.append(FieldError("tenant", "letters, digits, _ and -, 64 at most"))
        if not scopes or scopes - set(api_keys.SCOPES):
            wrong.append(FieldError("scopes", f"some of {', '.join(api_keys.SCOPES)}"))
        if lives is not None and not timedelta(0) < lives <= LONGEST_LIFE:
            wrong.append(FieldError("expires", f"1 to {LONGEST_LIFE.days} days from now"))
        if wrong:
            raise ValidationFailed(wrong)


def _no_such_key(key_id: str) -> NotFound:
    return NotFound(f"no live key {key_id}", public="There is no such key.")
