"""Where one job is made, found and changed: with its events and effects, in one batch."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import Enum, auto
from typing import Any, Protocol

from gateway.core.budgets import NO_CAPS, Caps
from gateway.core.effects import Effect
from gateway.core.idempotency import IdempotencyKey
from gateway.core.job import Job


@dataclass(frozen=True, slots=True)
class NewJob:
    """A job to accept: with its first event, its reserve and its effects, or not at all.

    `caps`: those of budgets for which none are set.
    """

    op: str
    job: Job
    effects: Sequence[Effect]
    idempotency: IdempotencyKey | None
    open_jobs_limit: int
    caps: Caps = NO_CAPS


class TooManyOpenJobs(Exception):
    """The tenant's counter of open jobs is at its limit; nothing was written."""


class FileGone(Exception):
    """An asset was deleted while a job that reads it was submitted; nothing was written."""


class SourceGone(Exception):
    """A job was deleted while one that takes its output was submitted; nothing was written."""


class KeyTaken(Exception):
    """Another request already bound this idempotency key; nothing was written."""


class JobIdTaken(Exception):
    """A job has this id, or had it and has left its costs; nothing was written."""


@dataclass(frozen=True, slots=True)
class Change:
    """One decision to write, if the job still is as `before`.

    `op` is chosen before the first try and kept for every repeat. `outcome` is what a
    repeat is answered with. `slot_cap`: where the change takes a slot, how many the
    endpoint has; None takes one without asking. `kind_cap`: how many of those jobs of this
    kind may hold; None is all. `attempt_outcome`: where the change ends the open attempt,
    how. `caps`: where it reserves another attempt, those of budgets for which
    none are set.
    """

    op: str
    before: Job
    after: Job
    events: Sequence[str]
    effects: Sequence[Effect]
    at: datetime
    outcome: dict[str, Any] = field(default_factory=dict)
    slot_cap: int | None = None
    kind_cap: int | None = None
    attempt_outcome: str | None = None
    caps: Caps = NO_CAPS

    @property
    def reserves(self) -> bool:
        """True where an attempt ends and another is to follow."""
        ends = self.before.has_open_attempt and not self.after.has_open_attempt
        return ends and not self.after.is_final


class Committed(Enum):
    """What became of a change."""

    DONE = auto()
    LOST = auto()  # somebody else changed the job first: load, decide again, same op
    REPEATED = auto()  # this op was done before: answer with its stored outcome
    NO_SLOT = auto()  # the endpoint is full, or its part for this kind
    NO_BUDGET = auto()  # the reserve of another attempt has no room


class JobStore(Protocol):
    """Every implementation passes `tests/conformance/test_job_stores.py`.

    Each write is durable before it is answered. `TryAgainLater` where the store is busy.
    """

    async def create(self, new: NewJob) -> int:
        """Write job, event 0, reserve and effects; return how many waited before it came.

        Raises `TooManyOpenJobs`, `OverBudget`, `KeyTaken`, `JobIdTaken`, `FileGone` or
        `SourceGone`, having written nothing but, where the budget is used up, its alert. A
        repeat under the same `op` writes nothing and is no error.
        """

    async def bound_to(self, tenant: str, route: str, key: str) -> tuple[Job, str] | None:
        """Return the job an idempotency key is bound to, with the hash of its request."""

    async def get(self, job_id: str, *, tenant: str | None = None) -> Job | None:
        """Return the job; None if there is none, or none of this tenant.

        A deleted one is its tenant's no more; without a tenant it is found until it is
        erased, for its worker and its bill.
        """

    async def commit(self, change: Change) -> Committed:
        """Write the change by compare-and-set on the job's version."""

    async def outcome_of(self, op: str) -> dict[str, Any] | None:
        """Return the stored outcome of an op that was done."""

    async def touch(self, op: str, job: Job, at: datetime, outcome: dict[str, Any]) -> None:
        """Note that the open attempt `job.fence` was heard, under `op`; nothing else."""
