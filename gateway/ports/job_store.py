"""Where jobs, their events and their effects are written: one change, one batch."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import Enum, auto
from typing import Any, Protocol

from gateway.core.effects import Effect
from gateway.core.idempotency import IdempotencyKey
from gateway.core.job import Job


@dataclass(frozen=True, slots=True)
class NewJob:
    """A job to accept: with its first event, its reserve and its effects, or not at all."""

    op: str
    job: Job
    effects: Sequence[Effect]
    idempotency: IdempotencyKey | None
    open_jobs_limit: int


class TooManyOpenJobs(Exception):
    """The tenant's counter of open jobs is at its limit; nothing was written."""


class FileGone(Exception):
    """An input file was deleted while the job was being submitted; nothing was written."""


class KeyTaken(Exception):
    """Another request already bound this idempotency key; nothing was written."""


class JobIdTaken(Exception):
    """A job has this id, or had it and has left its costs; nothing was written."""


@dataclass(frozen=True, slots=True)
class Change:
    """One decision to write, if the job still is as `before`.

    `op` is chosen before the first try and kept for every repeat. `outcome` is what a
    repeat is answered with. `slot_cap`: where the change takes a slot, how many the
    endpoint has; None takes one without asking. `closes_attempt`: the attempt's last word
    came now (for the bill).
    """

    op: str
    before: Job
    after: Job
    events: Sequence[str]
    effects: Sequence[Effect]
    at: datetime
    outcome: dict[str, Any] = field(default_factory=dict)
    slot_cap: int | None = None


class Committed(Enum):
    """What became of a change."""

    DONE = auto()
    LOST = auto()  # somebody else changed the job first: load, decide again, same op
    REPEATED = auto()  # this op was done before: answer with its stored outcome
    NO_SLOT = auto()  # the endpoint is full


class JobStore(Protocol):
    """Every implementation passes `tests/conformance/test_job_stores.py`.

    Each write is durable before it is answered. `TryAgainLater` where the store is busy.
    """

    async def know_endpoints(self, names: Sequence[str]) -> None:
        """Make a counter of slots for each endpoint that has none yet."""

    async def create(self, new: NewJob) -> None:
        """Write job, event 0, reserve and effects.

        Raises `TooManyOpenJobs`, `KeyTaken`, `JobIdTaken` or `FileGone`, having written
        nothing. A repeat under the same `op` writes nothing and is no error.
        """

    async def bound_to(self, tenant: str, route: str, key: str) -> tuple[Job, str] | None:
        """Return the job an idempotency key is bound to, with the hash of its request."""

    async def get(self, job_id: str, *, tenant: str | None = None) -> Job | None:
        """Return the job; None if there is none, or none of this tenant."""

    async def commit(self, change: Change) -> Committed:
        """Write the change by compare-and-set on the job's version."""

    async def outcome_of(self, op: str) -> dict[str, Any] | None:
        """Return the stored outcome of an op that was done."""

    async def touch(self, op: str, job: Job, at: datetime, outcome: dict[str, Any]) -> None:
        """Note that the open attempt `job.fence` was heard, under `op`; nothing else."""

    async def in_line(self, endpoint: str, now: datetime) -> Job | None:
        """Return the job to get the endpoint's next slot.

        Of the jobs waiting for one (or whose `retry_at` is past) and not past their
        deadline, the oldest of the tenant with the fewest holding one.
        """

    async def position(self, job: Job) -> int:
        """How many jobs of the endpoint wait for a slot in front of this one, by age."""

    async def past_deadline(self, now: datetime, limit: int) -> list[Job]:
        """Return unfinished jobs whose deadline has passed."""

    async def silent(self, heard_before: datetime, limit: int) -> list[Job]:
        """Return running jobs last heard before this instant, the most silent first."""

    async def unclaimed(self, limit: int) -> list[Job]:
        """Return jobs that wait for a worker, the longest waiting first."""

    async def prune(self, before: datetime, limit: int) -> int:
        """Forget ops and done effects older than this, at most `limit` of each.

        Those of a job that has not ended stay: a repeat of theirs may still come. Returns
        how many rows went.
        """

    async def uses_asset(self, asset_id: str) -> bool:
        """True while an unfinished job reads this asset."""
