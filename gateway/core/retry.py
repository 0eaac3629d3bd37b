"""Which failures are tried again, and when."""

from datetime import datetime, timedelta
from hashlib import sha256

from gateway.core.job import Job
from shared.errors import FAILURES

FIRST_PAUSE_S = 2.0
LONGEST_PAUSE_S = 60.0


def may_retry(job: Job, code: str) -> bool:
    """True where another attempt may succeed with nothing changed, and one is left."""
    return FAILURES[code].retryable and job.attempts_made < job.max_attempts


def retry_at(job: Job, now: datetime) -> datetime:
    """When the next attempt may be claimed: 2 s × 2ⁿ, at most 60 s, with full jitter.

    The jitter comes from the job's id and fence: spread over jobs, the same when decided
    again.
    """
    ceiling_s = pause_ceiling_s(job.attempts_made - 1)
    return now + timedelta(seconds=ceiling_s * _share(f"{job.id}:{job.fence}"))


def pause_ceiling_s(tries: int) -> float:
    """The longest pause after this many tries before it (0 for the first)."""
    return float(min(FIRST_PAUSE_S * 2 ** min(max(tries, 0), 10), LONGEST_PAUSE_S))


def pause_s(tries: int, name: str) -> float:
    """A pause with jitter for something other than an attempt, spread by its name."""
    return pause_ceiling_s(tries) * (0.5 + _share(f"{name}:{tries}") / 2)


def _share(name: str) -> float:
    return int.from_bytes(sha256(name.encode()).digest()[:8], "big") / 2**64
