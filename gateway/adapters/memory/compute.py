"""Workers that only a test moves, by the rules of the port."""

from collections.abc import Callable
from dataclasses import dataclass, field, replace

from gateway.ports.compute import (
    ComputeHealth,
    ComputeState,
    ComputeStatus,
    ComputeUnavailable,
    SubmitRefused,
    SubmitRequest,
    SubmitUncertain,
)

_OPEN = frozenset({ComputeState.WAITING, ComputeState.RUNNING, ComputeState.UNKNOWN})


@dataclass(slots=True)
class _Knobs:
    refuse: int = 0
    not_accepted: int = 0
    answer_lost: int = 0
    retry_after_s: int | None = None
    unavailable: bool = False


@dataclass(slots=True)
class MemoryCompute:
    """RunPod in memory: jobs move only by `set_state`; every call is recorded.

    `submitted`: what was accepted, by RunPod id, in order. `submit_calls`, `status_calls`,
    `cancel_calls`: what was asked, the refused and unanswered too.
    """

    new_id: Callable[[], str] | None = None
    submitted: dict[str, SubmitRequest] = field(default_factory=dict)
    submit_calls: list[SubmitRequest] = field(default_factory=list)
    status_calls: list[tuple[str, str]] = field(default_factory=list)
    cancel_calls: list[tuple[str, str]] = field(default_factory=list)
    _statuses: dict[tuple[str, str], ComputeStatus] = field(default_factory=dict)
    _knobs: _Knobs = field(default_factory=_Knobs)

    # -- knobs -----------------------------------------------------------------

    def refuse_submits(self, count: int = 1) -> None:
        """Refuse the next submits, as a wrong key would be."""
        self._knobs.refuse = count

    def lose_submits(self, count: int = 1, *, retry_after_s: int | None = None) -> None:
        """Leave the next submits uncertain and accept none of them, as a 429 does."""
        self._knobs.not_accepted, self._knobs.retry_after_s = count, retry_after_s

    def accept_and_time_out(self, count: int = 1) -> None:
        """Accept the next submits and lose the answers."""
        self._knobs.answer_lost = count

    def be_unavailable(self, unavailable: bool = True) -> None:
        """Answer nothing until told otherwise; a submit is uncertain and not accepted."""
        self._knobs.unavailable = unavailable

    def set_state(
        self,
        runpod_id: str,
        state: ComputeState,
        *,
        worker_id: str | None = None,
        delay_s: float | None = None,
        execution_s: float | None = None,
    ) -> None:
        """Say where a job stands from now on; `GONE` forgets it."""
        key = (self.submitted[runpod_id].endpoint, runpod_id)
        self._statuses[key] = ComputeStatus(state, worker_id, delay_s, execution_s)

    # -- the port --------------------------------------------------------------

    async def submit(self, request: SubmitRequest) -> str:
        """Accept the request, unless a knob says otherwise."""
        self.submit_calls.append(request)
        knobs = self._knobs
        if knobs.refuse:
            knobs.refuse -= 1
            raise SubmitRefused("RunPod answered 401", public="No workers here.")
        if knobs.unavailable:
            raise SubmitUncertain("no answer from RunPod")
        if knobs.not_accepted:
            knobs.not_accepted -= 1
            raise SubmitUncertain("RunPod answered 429", retry_after_s=knobs.retry_after_s)
        runpod_id = self._accept(request)
        if knobs.answer_lost:
            knobs.answer_lost -= 1
            raise SubmitUncertain("no answer from RunPod")
        return runpod_id

    async def status(self, endpoint: str, runpod_id: str) -> ComputeStatus:
        """Return what was last set, `WAITING` until then."""
        self.status_calls.append((endpoint, runpod_id))
        self._answer_or_raise()
        return self._statuses.get((endpoint, runpod_id), ComputeStatus(ComputeState.GONE))

    async def cancel(self, endpoint: str, runpod_id: str) -> None:
        """Cancel what has not ended."""
        self.cancel_calls.append((endpoint, runpod_id))
        self._answer_or_raise()
        now = self._statuses.get((endpoint, runpod_id))
        if now is not None and now.state in _OPEN:
            self._statuses[endpoint, runpod_id] = replace(now, state=ComputeState.CANCELLED)

    async def health(self, endpoint: str) -> ComputeHealth:
        """Count the jobs; there are no workers to speak of."""
        self._answer_or_raise()
        states = [
            status.state for (where, _), status in self._statuses.items() if where == endpoint
        ]
        running = states.count(ComputeState.RUNNING)
        return ComputeHealth(states.count(ComputeState.WAITING), running, 0, running)

    async def aclose(self) -> None:
        """Nothing is held."""

    def _accept(self, request: SubmitRequest) -> str:
        runpod_id = self.new_id() if self.new_id else f"memory-{len(self.submitted) + 1}"
        self.submitted[runpod_id] = request
        self._statuses[request.endpoint, runpod_id] = ComputeStatus(ComputeState.WAITING)
        return runpod_id

    def _answer_or_raise(self) -> None:
        if self._knobs.unavailable:
            raise ComputeUnavailable("no answer from RunPod", public="Not just now.")
