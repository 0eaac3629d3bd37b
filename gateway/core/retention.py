"""What is kept how long: a rule for each class of things, and what is due by one."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum


class Kept(StrEnum):
    """A class of things that go when they are old and nothing needs them."""

    UPLOADS = "uploads"  # abandoned, aborted, or of a deleted asset: their objects
    OUTPUTS = "outputs"
    ASSETS = "assets"
    JOBS = "jobs"
    UPLOAD_ROWS = "upload_rows"
    EVENTS = "events"
    IDEMPOTENCY_KEYS = "idempotency_keys"
    OPS = "ops"
    EFFECTS = "effects"
    DELIVERIES = "webhook_deliveries"


@dataclass(frozen=True, slots=True)
class Rule:
    """How long one class is kept; None is for ever. `why` says so in words."""

    what: Kept
    keep: timedelta | None
    why: str

    def before(self, now: datetime) -> datetime | None:
        """Return the instant: what is older may go. None where nothing may."""
        return None if self.keep is None else now - self.keep


@dataclass(frozen=True, slots=True)
class Due:
    """One thing that goes: its id, whose it is where it is somebody's, and since when it ages.

    It is due by its class's rule, and nothing that is open refers to it.
    """

    what: Kept
    id: str
    tenant: str | None
    since: datetime
