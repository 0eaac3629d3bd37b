"""Asking RunPod for a worker, how that worker is doing, and telling it to end.

TryAgainLater
└── ComputeUnavailable   nothing could be learnt or told; ask again
OperatorMustAct
└── ComputeRefused       the key, the endpoint or the request will not do
    └── SubmitRefused    … and so no worker was asked for
SubmitUncertain          a worker may or may not have been asked for
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Protocol

from shared.errors import CutroomError, OperatorMustAct, TryAgainLater


@dataclass(frozen=True, slots=True)
class SubmitRequest:
    """One submission: `input` is all that rests in RunPod's store.

    `execution_timeout_s`: run time alone, at least 5. `ttl_s`: from now on, queue and run;
    after it RunPod forgets the job whatever its state.
    """

    endpoint: str
    input: Mapping[str, Any]
    execution_timeout_s: float
    ttl_s: float


class ComputeState(StrEnum):
    """Where RunPod says a job of its own stands.

    `GONE`: it knows no such job. `UNKNOWN`: a word we do not know, which ends nothing.
    """

    WAITING = "waiting"
    RUNNING = "running"
    COMPLETED = "completed"
    FAILED = "failed"
    CANCELLED = "cancelled"
    TIMED_OUT = "timed_out"
    GONE = "gone"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class ComputeStatus:
    """RunPod's answer about one job.

    `delay_s`: from submission to delivery; `execution_s`: from delivery to the end, which
    is not the time that is billed. Each is None until RunPod says it.
    """

    state: ComputeState
    worker_id: str | None = None
    delay_s: float | None = None
    execution_s: float | None = None


@dataclass(frozen=True, slots=True)
class ComputeHealth:
    """What an endpoint is doing: its queue and its workers."""

    jobs_queued: int
    jobs_running: int
    workers_idle: int
    workers_running: int


class ComputeUnavailable(TryAgainLater):
    """RunPod could not be reached or did not answer as it should; nothing was learnt."""


class ComputeRefused(OperatorMustAct):
    """RunPod will not have the key, the endpoint or the request; repeating is no use."""


class SubmitRefused(ComputeRefused):
    """No worker was asked for."""


class SubmitUncertain(CutroomError):
    """A worker may or may not have been asked for: repeat the same submission.

    `retry_after_s`: when RunPod asks to come back, in seconds; None where it did not say.
    """

    code = "unavailable"

    def __init__(self, detail: str, *, retry_after_s: int | None = None) -> None:
        super().__init__(detail, public="No worker could be asked for just now.")
        self.retry_after_s = retry_after_s


class Compute(Protocol):
    """Where workers come from. Every call has a time-out; texts of errors hold no secrets."""

    async def submit(self, request: SubmitRequest) -> str:
        """Ask for a worker and return RunPod's id of the job.

        Raises `SubmitUncertain` or `SubmitRefused`. There is no idempotency key: the same
        submission sent twice may bring two workers, of which the first to claim wins.
        """

    async def status(self, endpoint: str, runpod_id: str) -> ComputeStatus:
        """Return where a job of RunPod's stands. Raises `ComputeUnavailable`."""

    async def cancel(self, endpoint: str, runpod_id: str) -> None:
        """End a job of RunPod's; one that has ended or is not known is fine.

        Raises `ComputeUnavailable`.
        """

    async def health(self, endpoint: str) -> ComputeHealth:
        """Return what the endpoint is doing. Raises `ComputeUnavailable`, `ComputeRefused`."""

    async def aclose(self) -> None:
        """Let go of the connections."""
