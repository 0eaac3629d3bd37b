"""Webhooks: who wants to hear of what, how it is signed, and when a delivery is tried again.

Signed as https://www.standardwebhooks.com has it: `webhook-id`, `webhook-timestamp` and
`webhook-signature`, an HMAC-SHA256 of the three joined by dots with the body.
"""

import hmac
import json
import re
from base64 import b64encode
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from hashlib import sha256
from typing import Any

from typing_extensions import override

from gateway.core.snapshot import timestamp

ALL = "all"
EVENT_TYPES = (
    *("job.succeeded", "job.failed", "job.cancelled", "job.expired"),
    "budget.alert",
)
TEST = "webhook.test"  # goes to the endpoint that is tested, whatever it wants to hear of

SALT_BYTES = 16
SECRET_OVERLAP = timedelta(hours=24)
RETRIED_FOR = timedelta(hours=24)
# The pauses after each try, in seconds; the last try comes as `RETRIED_FOR` is over.
PAUSES_S = (5, 60, 300, 900, 1800, 3600, 7200, 10_800, 14_400, 21_600, 25_200)
JITTER = 0.1  # of a pause, either way
# An endpoint that took nothing for so long is no longer called.
FAILING_FOR = timedelta(days=5)

TRIES_SHOWN = 20
EXCERPT_CHARACTERS = 300
_SIGNATURE = re.compile(r"v1a?,[A-Za-z0-9+/=_-]+|whsec_[A-Za-z0-9+/=_-]+")


class DeliveryStatus(StrEnum):
    """Where a delivery stands; a dead one is tried no more, unless it is replayed."""

    PENDING = "pending"
    DELIVERED = "delivered"
    DEAD = "dead"


class DisabledFor(StrEnum):
    """Why an endpoint is not called."""

    OWNER = "owner"  # who said so
    GONE = "gone"  # it answered 410
    FAILING = "failing"  # it took nothing for days


@dataclass(frozen=True, slots=True)
class WebhookEndpoint:
    """An address of a tenant's, and what it wants to hear of.

    Its secret is made of `salt` and a secret of the installation's, and stands nowhere; the
    one before it signs too, until `previous_until`.
    """

    endpoint_id: str
    tenant: str
    url: str = field(repr=False)
    events: tuple[str, ...]
    description: str
    salt: str = field(repr=False)
    created_at: datetime
    updated_at: datetime
    previous_salt: str | None = field(default=None, repr=False)
    previous_until: datetime | None = None
    disabled_for: DisabledFor | None = None
    failing_since: datetime | None = None

    @property
    def is_enabled(self) -> bool:
        """True while it is called."""
        return self.disabled_for is None

    def wants(self, event_type: str) -> bool:
        """True where it is to hear of events of this type."""
        return self.is_enabled and (event_type in self.events or ALL in self.events)

    def salts(self, now: datetime) -> list[str]:
        """Return the salts of the secrets that sign now, the newest first."""
        rotating = self.previous_until is not None and now < self.previous_until
        return [self.salt, *([self.previous_salt] if rotating and self.previous_salt else [])]


@dataclass(frozen=True, slots=True)
class DeliveryTry:
    """One request that was made: what came back, or in `error` why nothing did."""

    number: int
    at: datetime
    duration_ms: int
    status_code: int | None = None
    error: str | None = None
    excerpt: str | None = None

    @property
    def succeeded(self) -> bool:
        """True for any 2xx."""
        return self.status_code is not None and 200 <= self.status_code < 300

    @property
    def is_gone(self) -> bool:
        """True where the receiver says that nobody will ever be there again."""
        return self.status_code == 410


@dataclass(frozen=True, slots=True)
class Delivery:
    """One event on its way to one endpoint.

    `body` is sent as it is, at each try. `tries` counts all, `round_tries` those since it was
    last made or replayed, `round`: how often it was replayed. `log` has the newest tries.
    """

    delivery_id: str
    tenant: str
    endpoint_id: str
    event_id: str
    event_type: str
    body: str = field(repr=False)
    created_at: datetime
    retry_until: datetime
    due_at: datetime | None
    status: DeliveryStatus = DeliveryStatus.PENDING
    round: int = 0
    tries: int = 0
    round_tries: int = 0
    log: tuple[DeliveryTry, ...] = ()


@dataclass(frozen=True, slots=True)
class Secrets:
    """Makes the secret of each endpoint out of its salt; `repr` hides what of."""

    key: bytes

    @override
    def __repr__(self) -> str:
        return "Secrets()"

    def of(self, salt: str) -> bytes:
        """Return the 32 bytes that sign."""
        return hmac.new(self.key, f"webhook\0{salt}".encode(), sha256).digest()

    def shown(self, salt: str) -> str:
        """Return the secret as its owner is shown it, once."""
        return f"whsec_{b64encode(self.of(salt)).decode()}"


def payload(event_type: str, at: datetime, data: Mapping[str, Any]) -> str:
    """Return the body of a delivery: made once, so that each try says the same."""
    said = {"type": event_type, "timestamp": timestamp(at), "data": data}
    return json.dumps(said, separators=(",", ":"), allow_nan=False)


def signed_headers(
    event_id: str, at: datetime, body: bytes, secrets: list[bytes]
) -> dict[str, str]:
    """Return what a receiver verifies a delivery by, signed with each of the secrets."""
    seconds = int(at.timestamp())
    message = f"{event_id}.{seconds}.".encode() + body
    signatures = [hmac.new(secret, message, sha256).digest() for secret in secrets]
    return {
        "webhook-id": event_id,
        "webhook-timestamp": str(seconds),
        "webhook-signature": " ".join(f"v1,{b64encode(each).decode()}" for each in signatures),
    }


def excerpt_of(body: bytes) -> str | None:
    """Return the beginning of an answer as it may be kept: short, and without what signs."""
    text = _SIGNATURE.sub("…", body[: 4 * EXCERPT_CHARACTERS].decode(errors="replace"))
    shown = "".join(each if each.isprintable() else " " for each in text)
    return shown[:EXCERPT_CHARACTERS].strip() or None


def next_try_at(
    round_tries: int, now: datetime, retry_until: datetime, name: str
) -> datetime | None:
    """When to try again after so many tries of this round; None where it is over.

    Jitter is made of the delivery's name, so that those that failed together come apart.
    """
    if now >= retry_until:
        return None
    if round_tries > len(PAUSES_S):
        return retry_until
    share = int.from_bytes(sha256(f"{name}:{round_tries}".encode()).digest()[:8], "big") / 2**64
    pause_s = PAUSES_S[round_tries - 1] * (1 - JITTER + 2 * JITTER * share)
    return min(now + timedelta(seconds=pause_s), retry_until)


def after_try(
    delivery: Delivery, tried: DeliveryTry, endpoint: WebhookEndpoint
) -> tuple[DeliveryStatus, datetime | None, DisabledFor | None]:
    """Return what a try makes of a delivery, when the next one is, and what of its endpoint."""
    if tried.succeeded:
        return DeliveryStatus.DELIVERED, None, None
    if tried.is_gone:
        return DeliveryStatus.DEAD, None, DisabledFor.GONE
    again_at = next_try_at(
        delivery.round_tries + 1, tried.at, delivery.retry_until, delivery.delivery_id
    )
    if again_at is not None:
        return DeliveryStatus.PENDING, again_at, None
    since = endpoint.failing_since or tried.at
    given_up = tried.at - since >= FAILING_FOR
    return DeliveryStatus.DEAD, None, DisabledFor.FAILING if given_up else None
