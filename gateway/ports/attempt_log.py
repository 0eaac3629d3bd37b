"""What is kept of each attempt beside its job: who claimed, what it may put, what it cost."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol


@dataclass(frozen=True, slots=True)
class Attempt:
    """One claimed try at a job; it ended when its last word came, else when it was closed."""

    job_id: str
    fence: int
    nonce: str
    claimed_at: datetime
    ended_at: datetime | None


@dataclass(frozen=True, slots=True)
class Grant:
    """An output an attempt may put: its key, and what was said of it beforehand."""

    name: str
    key: str
    content_type: str
    size_bytes: int
    sha256: str
    expires_at: datetime


@dataclass(frozen=True, slots=True)
class RunpodJob:
    """A job of RunPod's that was made for one of ours."""

    runpod_id: str
    submission: int
    learnt_at: datetime
    asked_at: datetime


@dataclass(frozen=True, slots=True)
class Costs:
    """What a job has cost so far: what is still reserved, and what is settled (if any)."""

    reserved_micro_usd: int
    actual_micro_usd: int | None


LedgerEntry = tuple[int, str, int]  # fence, what it is, millionths of a dollar


def added_up(entries: Sequence[LedgerEntry]) -> Costs:
    """Return what a job's ledger comes to: a reserve stands until its attempt is closed."""
    closed = {fence for fence, entry, _ in entries if entry != "reserve"}
    settled = [amount for _, entry, amount in entries if entry == "settle"]
    reserved = sum(
        amount for fence, entry, amount in entries if entry == "reserve" and fence not in closed
    )
    return Costs(reserved, sum(settled) if settled else None)


class AttemptLog(Protocol):
    """Every implementation passes `tests/conformance/test_attempt_logs.py`."""

    async def attempts(self, job_id: str) -> list[Attempt]:
        """Return every attempt of the job, in order of fence."""

    async def note_worker(self, job_id: str, fence: int, facts: dict[str, Any]) -> None:
        """Keep which worker claimed."""

    async def note_last_word(
        self, job_id: str, fence: int, final: dict[str, Any], at: datetime
    ) -> None:
        """Keep the attempt's last word and when it came; the first one stays."""

    async def grant(self, job_id: str, fence: int, grants: Sequence[Grant]) -> None:
        """Keep what an attempt may put; a repeat for the same name replaces it."""

    async def grants(self, job_id: str, fence: int) -> list[Grant]:
        """Return what an attempt may put."""

    async def drop_grants(self, job_id: str, fence: int) -> None:
        """Forget them, once nothing of them is left in the bucket but what is published."""

    async def note_runpod_job(
        self, job_id: str, runpod_id: str, submission: int, at: datetime
    ) -> None:
        """Keep an id of RunPod's; one that is known is kept as it is."""

    async def note_asked(self, job_id: str, runpod_id: str, at: datetime) -> None:
        """Keep when RunPod was last asked about one of its jobs."""

    async def runpod_jobs(self, job_id: str) -> list[RunpodJob]:
        """Return every id of RunPod's known for the job, the newest last."""

    async def settle(
        self, job_id: str, fence: int, micro_usd: int | None, at: datetime
    ) -> None:
        """Replace the attempt's reserve by what it used, once; None: it was never claimed."""

    async def costs(self, job_id: str) -> Costs:
        """Add up the job's ledger."""

    async def costs_of(self, job_ids: Sequence[str]) -> dict[str, Costs]:
        """Add up the ledger of each of at most 100 jobs, in one question, by the job's id."""
