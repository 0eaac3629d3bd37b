"""Tickets: what a browser holds in place of a key, for one thing and until a time.

    <tenant>.<expiry, seconds since 1970>.<mac of purpose, thing, tenant, expiry>

Made of a secret and stored nowhere; the purpose keeps a ticket for an upload from opening
a job.
"""

import hmac
import re
from base64 import b32encode
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256

from typing_extensions import override

_FORM = re.compile(r"([A-Za-z0-9_-]{1,64})\.([0-9]{1,12})\.[a-z2-7]{52}")


@dataclass(frozen=True, slots=True)
class Tickets:
    """Makes and checks tickets of one purpose, under one secret that `repr` hides.

    `prefix` tells a ticket from an API key: `tu_` for an upload.
    """

    secret: bytes
    prefix: str

    @override
    def __repr__(self) -> str:
        return f"Tickets({self.prefix!r})"

    def issue(self, tenant: str, thing: str, expires_at: datetime) -> str:
        """Return a ticket for one thing of the tenant."""
        expiry = str(int(expires_at.timestamp()))
        return f"{self.prefix}{tenant}.{expiry}.{self._mac(thing, tenant, expiry)}"

    def is_one(self, credential: str) -> bool:
        """True if it claims to be a ticket of this purpose; nothing is proved by that."""
        return credential.startswith(self.prefix)

    def tenant_of(self, ticket: str, thing: str, now: datetime) -> str | None:
        """Return whose thing the ticket opens; None if forged, expired or for another."""
        formed = _FORM.fullmatch(ticket.removeprefix(self.prefix))
        if formed is None or not self.is_one(ticket):
            return None
        tenant, expiry = formed.groups()
        made = f"{self.prefix}{tenant}.{expiry}.{self._mac(thing, tenant, expiry)}"
        alive = now.timestamp() < int(expiry)
        return tenant if hmac.compare_digest(made, ticket) and alive else None

    def _mac(self, *parts: str) -> str:
        message = "\0".join((self.prefix, *parts)).encode()
        digest = hmac.new(self.secret, message, sha256).digest()
        return b32encode(digest).decode().rstrip("=").lower()
