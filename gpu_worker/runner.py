"""One delivery from RunPod: claim the job it names, live the attempt, answer RunPod."""

import asyncio
import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

import httpx
from pydantic import ValidationError

from gpu_worker.attempt import Allowance, Attempt, Ended, Patience
from gpu_worker.protocol.claims import ClaimWork
from gpu_worker.protocol.gateway_calls import GatewayCalls, Refused, Superseded, Unreachable
from gpu_worker.sandbox.children import Children
from gpu_worker.transfers.scratch import Scratch
from gpu_worker.waiting.deadline import Deadline
from gpu_worker.waiting.pace import Pace
from gpu_worker.waiting.told import Told, ToldToStop, Why
from shared.job_kind import JobKind
from shared.logs import log_fields
from shared.work import Submission, WorkOrder

log = logging.getLogger(__name__)

Answer = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Deliver:
    """Called with each of RunPod's events; several deliveries may live at once.

    What RunPod learns is a few ids or `{"error": "code: short text"}`. The gateway decides
    what became of the job, from the final report.
    """

    kinds: Mapping[str, JobKind[Any, Any]]
    claim: ClaimWork
    children: Children
    scratch: Scratch
    allowance: Allowance
    patience: Patience
    pace: Pace
    new_client: Callable[[], httpx.AsyncClient]

    async def __call__(self, event: Mapping[str, Any]) -> Answer:
        """Return RunPod's answer; raises `CancelledError` where the work was told to stop.

        RunPod's own cancellation is passed on as a word (`Told`), so that tidying up ends
        even if it cancels again.
        """
        told = Told()
        delivery = asyncio.create_task(self._deliver(event, told))
        interrupted = False
        while not delivery.done():
            try:
                await asyncio.wait({delivery})
            except asyncio.CancelledError:
                interrupted = True
                told.stop(Why.INTERRUPTED)
        answer = delivery.result()
        if interrupted or answer is None:
            raise asyncio.CancelledError
        return answer

    async def _deliver(self, event: Mapping[str, Any], told: Told) -> Answer | None:
        try:
            submission = Submission.model_validate(event.get("input"))
        except ValidationError as error:
            log.warning("submission.malformed", extra={"errors": error.error_count()})
            return {"error": "invalid_request: this is no submission"}
        with log_fields(job_id=submission.job_id, submission=submission.submission):
            try:
                async with self.new_client() as client:
                    calls = GatewayCalls(client, submission.claim_url, self.pace)
                    return await self._claim_and_live(
                        submission, calls, str(event.get("id", "")), told
                    )
            except Exception:
                # Outermost: the SDK would print and post whatever the error says.
                log.exception("delivery.broke")
                return {"error": "internal: Something went wrong on our side."}

    async def _claim_and_live(
        self, submission: Submission, calls: GatewayCalls, runpod_job_id: str, told: Told
    ) -> Answer | None:
        try:
            order, deadline = await told.unless(self.claim(calls, submission, runpod_job_id))
        except ToldToStop:
            return None
        except Superseded:
            log.info("claim.told_to_stop")
            return {"job_id": submission.job_id, "outcome": "not_claimed"}
        except (Unreachable, Refused) as error:
            log.error("claim.failed", extra={"why": str(error)})
            return {"error": f"{error.what}: {error.public}"}
        with log_fields(kind=order.kind, fence=order.fence, trace=order.trace):
            log.info("job.claimed")
            traced = replace(calls, trace=order.trace, fence=order.fence)
            ended = await self._live(submission.job_id, order, traced, deadline, told)
        return _answer(submission.job_id, order.fence, ended)

    async def _live(
        self,
        job_id: str,
        order: WorkOrder,
        calls: GatewayCalls,
        deadline: Deadline,
        told: Told,
    ) -> Ended:
        attempt = Attempt(
            job_id=job_id,
            order=order,
            kinds=self.kinds,
            client=calls.client,
            calls=calls,
            deadline=deadline,
            told=told,
            children=self.children,
            scratch=self.scratch,
            allowance=self.allowance,
            patience=self.patience,
            pace=self.pace,
        )
        return await attempt.live()


def _answer(job_id: str, fence: int, ended: Ended) -> Answer | None:
    if ended.error is not None:
        return {"error": f"{ended.error.code}: {ended.error.message}"}
    if ended.outcome == "stopped":
        return None
    return {"job_id": job_id, "fence": fence, "outcome": ended.outcome}
