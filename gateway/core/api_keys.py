"""API keys: `ck_<id>_<secret>`, stored as a hash, looked up by id."""

import hmac
import re
from base64 import b32encode
from dataclasses import dataclass, field
from datetime import datetime
from hashlib import sha256

SCOPES = ("jobs", "uploads", "read", "admin")
ID_BYTES = 10
SECRET_BYTES = 32
LONGEST = 512  # characters; a longer credential is not even hashed

_FORM = re.compile(r"ck_([A-Za-z0-9-]{1,64})_[a-z2-7]{52}")
_ABSENT = "0" * 64


@dataclass(frozen=True, slots=True)
class Caller:
    """Who is calling, as the key proves it: the tenant comes from here and nowhere else."""

    tenant: str
    scopes: frozenset[str]
    key_id: str


@dataclass(frozen=True, slots=True)
class ApiKey:
    """A key as it is kept: what it opens, and the hash of it.

    `seeded` ones come from the environment and go with it. `replaced_by` names the key that
    was made in this one's place. `last_used_at` is true to some minutes. `suspended`: its
    tenant is, as the store that gave it knew.
    """

    key_id: str
    tenant: str
    label: str
    sha256: str = field(repr=False)
    scopes: frozenset[str]
    created_at: datetime
    seeded: bool = False
    revoked_at: datetime | None = None
    expires_at: datetime | None = None
    replaced_by: str | None = None
    last_used_at: datetime | None = None
    suspended: bool = False

    def is_live(self, now: datetime) -> bool:
        """True while it is neither revoked nor expired."""
        return self.revoked_at is None and (self.expires_at is None or now < self.expires_at)

    def is_proved_by(self, credential: str, now: datetime) -> bool:
        """Compare in constant time; a key that is not live is proved by nothing."""
        return hmac.compare_digest(self.sha256, hash_of(credential)) and self.is_live(now)


def new_key(random: bytes) -> str:
    """Return a new key's text, of `ID_BYTES + SECRET_BYTES` random bytes."""
    if len(random) != ID_BYTES + SECRET_BYTES:
        raise ValueError(f"{ID_BYTES + SECRET_BYTES} random bytes are needed")
    return f"ck_{_base32(random[:ID_BYTES])}_{_base32(random[ID_BYTES:])}"


def id_of(credential: str) -> str:
    """Return the id a key is looked up by.

    A key of another form, which only the environment can bring, goes by its own hash.
    """
    formed = _FORM.fullmatch(credential)
    return formed.group(1) if formed else f"env_{hash_of(credential)[:32]}"


def hash_of(credential: str) -> str:
    """Return the SHA-256 of the whole key; it holds 256 random bits, so no salt is needed."""
    return sha256(credential.encode(errors="surrogatepass")).hexdigest()


def proves(credential: str, key: ApiKey | None, now: datetime) -> bool:
    """True if there is such a key and this is it; as slow for an unknown id as for any."""
    if key is None:
        hmac.compare_digest(_ABSENT, hash_of(credential))
        return False
    return key.is_proved_by(credential, now)


def _base32(data: bytes) -> str:
    return b32encode(data).decode().rstrip("=").lower()
