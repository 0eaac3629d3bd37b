"""A job as the gateway keeps it: one row, and the words for where it stands."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

from gateway.core.surfaces import Surface
from shared.errors import NotFound


class Status(StrEnum):
    """Where a job stands; the last four are final."""

    QUEUED = "queued"
    RUNNING = "running"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    CANCELLED = "cancelled"
    EXPIRED = "expired"


# From its submission to its deadline, at most.
LONGEST_LIFE = timedelta(days=7)
# A restored database does not know which attempts were made since its backup. Their numbers are
# not given out again: each restore begins with a floor of its own, a multiple of this.
FENCES_A_LIFE = 100
FINAL = frozenset({Status.SUCCEEDED, Status.FAILED, Status.CANCELLED, Status.EXPIRED})


class WaitingFor(StrEnum):
    """What a queued job waits for: a slot of its endpoint, a worker, a time, its parents."""

    SLOT = "slot"
    WORKER = "worker"
    RETRY_AT = "retry_at"
    PARENTS = "parents"


class AttemptState(StrEnum):
    """What became of the newest attempt; only an open one changes the job.

    A lost attempt is told to stop; one whose job ended under it is told to cancel, and its
    last word is still taken for the bill.
    """

    NONE = "none"
    OPEN = "open"
    ENDED = "ended"
    LOST = "lost"


@dataclass(frozen=True, slots=True)
class JobFile:
    """An input file as it was resolved when the job was submitted: its bytes never change.

    An asset, or an output of the job `source_id`. `sha256` where the store or a worker had
    verified it by then; what a caller says of its bytes alone is none.
    """

    name: str
    asset_id: str | None
    key: str
    size_bytes: int
    etag: str
    content_type: str
    source_id: str | None = None
    sha256: str | None = None


@dataclass(frozen=True, slots=True)
class JobOutput:
    """A published object: named by a succeeded job, seen in the bucket with this size."""

    name: str
    key: str
    content_type: str
    size_bytes: int
    sha256: str
    etag: str


@dataclass(frozen=True, slots=True)
class JobWarning:
    """Something the person should know that did not stop the job."""

    code: str
    message: str


@dataclass(frozen=True, slots=True)
class JobError:
    """Why a job failed, in words for the person; `who` says whose move is next."""

    code: str
    message: str
    stage: str | None
    retryable: bool
    who: str


@dataclass(frozen=True, slots=True)
class Job:
    """One piece of work of a kind for a tenant.

    `fence` numbers the newest attempt, 0 before the first claim; `submission` the newest
    request for a worker. `version` grows with each
    change of the row, `seq` with each event. `progress` is 0 to 1 and never goes back.
    `limit_s` is the longest one attempt may run. Money is in millionths of a dollar; the
    reserve is what one attempt may cost at worst. `max_cost_micro_usd` is what all attempts
    together may cost, `ended_micro_usd` what those that have ended come to at most.
    `webhook`: its end is announced to the tenant's endpoints.

    `fence_floor` is below the numbers of attempts to come, where a restore has set one.

    `fingerprint` names the work once it has succeeded. `reused_from` is the job whose attempt
    made the outputs, where that was another one; `outputs_at` is when it made them, and
    `outputs_expired_at` when they were removed though the job is kept.
    """

    id: str
    tenant: str
    kind: str
    kind_version: int
    stages: tuple[str, ...]
    input: dict[str, Any]
    files: tuple[JobFile, ...]
    endpoint: str
    max_attempts: int
    limit_s: float
    estimated_micro_usd: int
    reserve_micro_usd: int
    rate_micro_usd_per_s: float
    created_at: datetime
    deadline_at: datetime
    trace: str
    labels: dict[str, str]

    status: Status = Status.QUEUED
    waiting_for: WaitingFor | None = WaitingFor.SLOT
    stage: str | None = None
    progress: float = 0.0
    seq: int = 0
    version: int = 1

    fence: int = 0
    nonce: str | None = None
    attempt_state: AttemptState = AttemptState.NONE
    runpod_job_id: str | None = None
    submission: int = 0
    holds_slot: bool = False
    claimed_at: datetime | None = None
    attempt_deadline_at: datetime | None = None
    attempt_ended_at: datetime | None = None
    seen_at: datetime | None = None
    progress_event_at: datetime | None = None
    checkpoint: dict[str, Any] | None = None

    result: dict[str, Any] | None = None
    outputs: tuple[JobOutput, ...] = ()
    warnings: tuple[JobWarning, ...] = ()
    error: JobError | None = None

    surface: Surface = Surface.V1
    fence_floor: int = 0
    webhook: bool = True
    parent_id: str | None = None
    retry_of: str | None = None
    retry_at: datetime | None = None
    started_at: datetime | None = None
    finished_at: datetime | None = None
    max_cost_micro_usd: int | None = None
    ended_micro_usd: int = 0
    fingerprint: str | None = None
    reused_from: str | None = None
    outputs_at: datetime | None = None
    outputs_expired_at: datetime | None = None

    @property
    def next_fence(self) -> int:
        """The number of the attempt that the next claim makes."""
        return max(self.fence, self.fence_floor) + 1

    @property
    def attempts_made(self) -> int:
        """How many attempts there have been, since the last restore at least."""
        return self.fence % FENCES_A_LIFE

    @property
    def is_final(self) -> bool:
        """True once nothing may change it."""
        return self.status in FINAL

    @property
    def has_open_attempt(self) -> bool:
        """True while a worker may speak for it."""
        return self.attempt_state is AttemptState.OPEN


def no_such_job(why: str) -> NotFound:
    """Return what is said of a job that is not there, or not the caller's: always the same."""
    return NotFound(why, public="There is no such job.")
