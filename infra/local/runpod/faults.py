"""What may go wrong, and when: by count or by chance, for every job or for one."""

import random
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from typing import Literal


class FaultKind(StrEnum):
    """One way in which RunPod, or the way to it, fails."""

    REFUSE_RUN = "refuse_run"  # /run is answered by `effect` and not accepted
    LOSE_RUN_ANSWER = "lose_run_answer"  # /run is accepted and answered by `effect`
    DUPLICATE = "duplicate"  # the job is delivered twice, see `same_pod`
    LOSE_DONE = "lose_done"  # job-done is answered by `effect` and not recorded
    KILL_WORKER = "kill_worker"  # SIGKILL `delay_s` after delivery
    SLOW_QUEUE = "slow_queue"  # no delivery for `delay_s` after submission
    COLD_START = "cold_start"  # a worker starts `delay_s` late
    BOOT_LOOP = "boot_loop"  # a worker is killed before its first take
    BAD_STATUS = "bad_status"  # /status is answered by `effect`; `stale` says the state before
    BAD_CANCEL = "bad_cancel"  # /cancel is answered by `effect` and not heard
    LOSE_STOP = "lose_stop"  # a stop never reaches the worker
    FORGET = "forget"  # the job's record is gone when it is asked about
    RESURRECT = "resurrect"  # a late result replaces a final one
    LATE_DELIVERY = "late_delivery"  # a worker told to end is still given a job
    LOSE_WEBHOOK = "lose_webhook"
    DOUBLE_WEBHOOK = "double_webhook"


Effect = Literal["400", "401", "429", "500", "502", "503", "504", "reset", "hang", "stale"]


@dataclass(frozen=True, slots=True)
class Fault:
    """One fault to come.

    `count`: how many times, None for ever. `job_id`: RunPod's id or the one in the job's
    input; None for any job. `probability`: of each occasion that fits.
    """

    kind: FaultKind
    count: int | None = 1
    effect: Effect = "500"
    delay_s: float = 0.0
    same_pod: bool = False
    probability: float = 1.0
    job_id: str | None = None
    endpoint: str | None = None
    retry_after_s: int | None = None


@dataclass(slots=True)
class _Armed:
    fault: Fault
    left: int | None


class Faults:
    """The faults to come, and how many of each have come; the same seed, the same chances."""

    def __init__(self, seed: int = 0, planned: Iterable[Fault] = ()) -> None:
        self._random = random.Random(seed)
        self._armed = [_Armed(fault, fault.count) for fault in planned]
        self.fired: Counter[FaultKind] = Counter()

    def add(self, fault: Fault) -> None:
        """Let this happen too."""
        self._armed.append(_Armed(fault, fault.count))

    def clear(self) -> None:
        """Let nothing more go wrong."""
        self._armed.clear()

    def planned(self) -> list[Fault]:
        """Return what may still come."""
        return [armed.fault for armed in self._armed]

    def awaits(self, kind: FaultKind, endpoint: str) -> bool:
        """True while such a fault may still come to this endpoint; uses nothing up."""
        return any(
            armed.fault.kind is kind and armed.fault.endpoint in (None, endpoint)
            for armed in self._armed
        )

    def take(self, kind: FaultKind, endpoint: str, *job_names: str) -> Fault | None:
        """Return the fault that befalls this occasion, used up by one, or None."""
        for armed in self._armed:
            if armed.fault.kind is kind and self._fits(armed.fault, endpoint, job_names):
                self._use(armed)
                return armed.fault
        return None

    def _fits(self, fault: Fault, endpoint: str, job_names: tuple[str, ...]) -> bool:
        if fault.endpoint not in (None, endpoint):
            return False
        if fault.job_id is not None and fault.job_id not in job_names:
            return False
        return fault.probability >= 1.0 or self._random.random() < fault.probability

    def _use(self, armed: _Armed) -> None:
        self.fired[armed.fault.kind] += 1
        if armed.left is None:
            return
        armed.left -= 1
        if armed.left <= 0:
            self._armed.remove(armed)
