"""A claim: the delivery's nonce for a work order."""

from collections.abc import Callable
from dataclasses import dataclass

from gpu_worker.protocol.gateway_calls import GatewayCalls
from gpu_worker.waiting.deadline import Deadline
from gpu_worker.waiting.pace import Pace
from shared.work import Claim, Submission, WorkerFacts, WorkOrder


@dataclass(frozen=True, slots=True)
class ClaimWork:
    """Claims for one worker; `new_nonce` is asked once for each delivery.

    A claim repeated after a lost answer carries the same nonce, so it is the same attempt; a
    second delivery of the job has another, and is told to stop.
    """

    worker: WorkerFacts
    new_nonce: Callable[[], str]
    pace: Pace
    for_s: float

    async def __call__(
        self, calls: GatewayCalls, submission: Submission, runpod_job_id: str
    ) -> tuple[WorkOrder, Deadline]:
        """Return the work order and its deadline.

        Raises `Superseded` where there is nothing to do, `Unreachable` once `for_s` is
        spent, or `Refused`.
        """
        claim = Claim(
            nonce=self.new_nonce(), runpod_job_id=runpod_job_id[:128], worker=self.worker
        )
        order, spoken_at = await self.pace.keep_trying(
            lambda: calls.ask("claim", submission.token, claim, WorkOrder),
            what="claim",
            for_s=self.for_s,
        )
        deadline = Deadline(self.pace.monotonic_s)
        deadline.set(order.deadline_at, spoken_at=spoken_at)
        return order, deadline
