"""Where jobs, their events and their effects are written: one change, one batch."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import Enum, auto
from types import MappingProxyType
from typing import Any, Protocol

from gateway.core.budgets import NO_CAPS, Caps
from gateway.core.effects import Effect
from gateway.core.idempotency import IdempotencyKey
from gateway.core.job import Job
from gateway.core.job_pages import JobFilter, JobPage, Place

# What the inputs of one page's jobs may come to, so that no page fills the memory.
PAGE_INPUT_BYTES = 8 * 2**20
NO_KIND_CAPS: Mapping[str, int] = MappingProxyType({})


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


@dataclass(frozen=True, slots=True)
class NewReuse:
    """A job that has succeeded as it comes, by what `earlier_id` made: two events, no reserve.

    `queued` is the job of event 0, `job` the one that stays.
    """

    op: str
    queued: Job
    job: Job
    effects: Sequence[Effect]
    idempotency: IdempotencyKey | None
    earlier_id: str


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


class Deleted(Enum):
    """What became of a wish to delete a job."""

    DONE = auto()
    MISSING = auto()
    UNFINISHED = auto()
    IN_USE = auto()  # an unfinished job reads one of its outputs


class JobStore(Protocol):
    """Every implementation passes `tests/conformance/test_job_stores.py`.

    Each write is durable before it is answered. `TryAgainLater` where the store is busy.
    """

    async def know_endpoints(self, names: Sequence[str]) -> None:
        """Make a counter of slots for each endpoint that has none yet."""

    async def create(self, new: NewJob) -> int:
        """Write job, event 0, reserve and effects; return how many waited before it came.

        Raises `TooManyOpenJobs`, `OverBudget`, `KeyTaken`, `JobIdTaken`, `FileGone` or
        `SourceGone`, having written nothing but, where the budget is used up, its alert. A
        repeat under the same `op` writes nothing and is no error.
        """

    async def create_reused(self, new: NewReuse) -> None:
        """Write a job that has ended, with both its events; it takes up no room and no money.

        Raises `KeyTaken`, `JobIdTaken`, or `SourceGone` where the earlier job, or a file that
        is read, was deleted or its outputs have expired, having written nothing. A repeat
        under the same `op` writes nothing and is no error.
        """

    async def reusable(
        self, tenant: str, fingerprints: Sequence[str], since: datetime | None, limit: int
    ) -> list[Job]:
        """Return succeeded jobs that did work of one of these names, the newest made first.

        None whose outputs have expired, or were made before `since`.
        """

    async def shares_outputs(self, job: Job) -> bool:
        """True while another job that is there has the same objects for its outputs."""

    async def bound_to(self, tenant: str, route: str, key: str) -> tuple[Job, str] | None:
        """Return the job an idempotency key is bound to, with the hash of its request."""

    async def get(self, job_id: str, *, tenant: str | None = None) -> Job | None:
        """Return the job; None if there is none, or none of this tenant.

        A deleted one is its tenant's no more; without a tenant it is found until it is
        erased, for its worker and its bill.
        """

    async def page(
        self, tenant: str, wanted: JobFilter, after: Place | None, limit: int
    ) -> JobPage:
        """Return the tenant's jobs that are older than `after`, the newest first.

        Reads no more rows than it returns, and one, by status, kind, both, parent or label;
        of more than that it goes through the jobs of the parent or of one label. It ends
        early once the inputs together pass `PAGE_INPUT_BYTES`.
        """

    async def commit(self, change: Change) -> Committed:
        """Write the change by compare-and-set on the job's version."""

    async def outcome_of(self, op: str) -> dict[str, Any] | None:
        """Return the stored outcome of an op that was done."""

    async def touch(self, op: str, job: Job, at: datetime, outcome: dict[str, Any]) -> None:
        """Note that the open attempt `job.fence` was heard, under `op`; nothing else."""

    async def in_line(
        self, endpoint: str, now: datetime, kind_caps: Mapping[str, int] = NO_KIND_CAPS
    ) -> Job | None:
        """Return the job to get the endpoint's next slot.

        Of the jobs waiting for one (or whose `retry_at` is past), not past their deadline and
        not of a kind that holds as many as its cap: one of the tenant with the fewest holding
        one, of its kind with the fewest, the oldest.
        """

    async def positions(self, jobs: Sequence[Job]) -> dict[str, int]:
        """How many jobs of its endpoint wait for a slot in front of each, by age.

        By the job's id; one that waits for no slot any more is left out.
        """

    async def past_deadline(self, now: datetime, limit: int) -> list[Job]:
        """Return unfinished jobs whose deadline has passed."""

    async def silent(self, heard_before: datetime, limit: int) -> list[Job]:
        """Return running jobs last heard before this instant, the most silent first."""

    async def unclaimed(self, limit: int) -> list[Job]:
        """Return jobs that wait for a worker, the longest not asked about first.

        Those RunPod has told no id of come last: about them nobody can be asked.
        """

    async def delete(self, tenant: str, job_id: str, at: datetime, erase: Effect) -> Deleted:
        """Delete an ended job that no unfinished one reads an output of; leave `erase`.

        From then on it is not the tenant's, its idempotency keys are free, and what the
        caller gave (input, labels) and got (result, checkpoint) is gone from its row.
        """

    async def erase(self, job_id: str) -> None:
        """Remove a deleted job's rows; its costs stay, with whose and what they were for."""

    async def prune_events(self, ended_before: datetime, limit: int) -> int:
        """Remove all events but the last of jobs that ended before this; return how many jobs.

        The longest ended first, each job once.
        """

    async def prune_keys(self, before: datetime, limit: int) -> int:
        """Free idempotency keys bound before this whose jobs have ended; return how many."""

    async def prune(self, before: datetime, limit: int) -> int:
        """Forget ops and done effects older than this, at most `limit` of each.

        Those of a job that has not ended stay: a repeat of theirs may still come. Returns
        how many rows went.
        """

    async def uses_asset(self, asset_id: str) -> bool:
        """True while an unfinished job reads this asset."""
