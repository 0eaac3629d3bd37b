"""What can happen to a job: one frozen class each, decided by `lifecycle.decide`."""

from dataclasses import dataclass
from typing import Any

from gateway.core.job import Job, JobOutput, JobWarning


@dataclass(frozen=True, slots=True)
class SlotGranted:
    """The endpoint has room: ask RunPod for a worker under the next submission."""


@dataclass(frozen=True, slots=True)
class SubmissionRefused:
    """RunPod will not take the submission, now or later: the operator must act."""

    submission: int


@dataclass(frozen=True, slots=True)
class SubmissionGone:
    """RunPod ended or forgot an unclaimed submission: ask again under the next one."""

    submission: int


@dataclass(frozen=True, slots=True)
class Claimed:
    """A worker asks for the work. `nonce_spent`: an attempt under this nonce was closed."""

    nonce: str
    runpod_job_id: str
    nonce_spent: bool = False


@dataclass(frozen=True, slots=True)
class ProgressReported:
    """The attempt says how far the whole job is."""

    stage: str
    progress: float


@dataclass(frozen=True, slots=True)
class WarningReported:
    """The attempt found something the person should know."""

    warning: JobWarning


@dataclass(frozen=True, slots=True)
class CheckpointReported:
    """The attempt leaves something for the next one."""

    data: dict[str, Any]


@dataclass(frozen=True, slots=True)
class AttemptSucceeded:
    """The attempt's last word, after every output was seen in the bucket as stated.

    `fingerprint` names the work; None where it may not be used again.
    """

    result: dict[str, Any]
    outputs: tuple[JobOutput, ...]
    fingerprint: str | None = None


@dataclass(frozen=True, slots=True)
class ResultReused:
    """An earlier job of the tenant did this very work, and its outputs are there."""

    earlier: Job


@dataclass(frozen=True, slots=True)
class AttemptFailed:
    """The attempt's last word: it failed, under a code of the table of failures."""

    code: str
    message: str
    stage: str | None = None


@dataclass(frozen=True, slots=True)
class AttemptStopped:
    """The attempt's last word: it stopped, and the gateway knows why."""


@dataclass(frozen=True, slots=True)
class AttemptLost:
    """Nothing more will come of the attempt: `worker_lost`, or `timeout` if it ran its time."""

    code: str


@dataclass(frozen=True, slots=True)
class Unfunded:
    """An attempt ended that way, and the budget has no room for another one."""

    by: AttemptFailed | AttemptStopped | AttemptLost


@dataclass(frozen=True, slots=True)
class CancelAsked:
    """The caller wants the job no more."""


@dataclass(frozen=True, slots=True)
class DeadlinePassed:
    """The job's own deadline has passed."""


LastWord = AttemptSucceeded | AttemptFailed | AttemptStopped
Happening = (
    SlotGranted
    | SubmissionRefused
    | SubmissionGone
    | Claimed
    | ResultReused
    | ProgressReported
    | WarningReported
    | CheckpointReported
    | LastWord
    | AttemptLost
    | Unfunded
    | CancelAsked
    | DeadlinePassed
)
