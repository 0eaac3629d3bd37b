"""Effects `submit` and `cancel`: ask RunPod for a worker, tell it to end what it has."""

import logging
from dataclasses import dataclass
from datetime import timedelta

from gateway.core.decision import Refused
from gateway.core.effects import Effect, EffectKind
from gateway.core.happenings import SubmissionRefused
from gateway.core.job import Job, WaitingFor
from gateway.core.work_tokens import WorkTokens
from gateway.ports.attempt_log import AttemptLog
from gateway.ports.clock import Clock
from gateway.ports.compute import (
    Compute,
    ComputeUnavailable,
    SubmitRefused,
    SubmitRequest,
    SubmitUncertain,
)
from gateway.ports.effect_queue import EffectQueue
from gateway.services.change_job import ChangeJob
from gateway.services.perform_effects import PutOff
from shared.work import Submission

log = logging.getLogger(__name__)

# RunPod's own bounds, and how long its record outlives the job's deadline.
SHORTEST_RUN_S = 5
RECORD_OUTLIVES_S = 600


@dataclass(frozen=True, slots=True)
class SubmitToCompute:
    """An uncertain submission is simply repeated: the first claim wins."""

    change: ChangeJob
    attempts: AttemptLog
    compute: Compute
    queue: EffectQueue
    tokens: WorkTokens
    clock: Clock
    public_base_url: str

    async def __call__(self, effect: Effect) -> None:
        """Ask for a worker, unless the job waits for none under this submission any more."""
        job = await self.change.store.get(effect.job_id or "")
        if job is None or job.waiting_for is not WaitingFor.WORKER:
            return
        if job.submission != int(effect.body["submission"]):
            return
        try:
            runpod_id = await self.compute.submit(self._request(job))
        except SubmitUncertain as error:
            raise PutOff(f"uncertain: {error}", after_s=error.retry_after_s) from error
        except SubmitRefused as error:
            await self._refused(job, error)
            return
        log.info("submission.accepted", extra={"kind": job.kind, "runpod_job_id": runpod_id})
        await self.attempts.note_runpod_job(job.id, runpod_id, job.submission, self.clock.now())
        if (await self.change.load(job.id)).is_final:
            # Learnt after the end: the cancel that was decided then did not know this id.
            await self.queue.add([self._late_cancel(job, runpod_id)])

    def _request(self, job: Job) -> SubmitRequest:
        left = job.deadline_at - self.clock.now()
        left_s = max(timedelta(), left).total_seconds()
        submission = Submission(
            job_id=job.id,
            submission=str(job.submission),
            claim_url=f"{self.public_base_url}/v1/work/{job.id}/claim",
            token=self.tokens.for_submission(job.id, job.submission),
        )
        return SubmitRequest(
            endpoint=job.endpoint,
            input=submission.model_dump(mode="json"),
            execution_timeout_s=max(SHORTEST_RUN_S, min(job.limit_s, left_s)),
            ttl_s=left_s + RECORD_OUTLIVES_S,
        )

    async def _refused(self, job: Job, error: SubmitRefused) -> None:
        log.error(
            "submission.refused",
            extra={"job_id": job.id, "kind": job.kind, "why": str(error)},
        )
        try:
            await self.change(
                f"refused:{job.id}:{job.submission}",
                job.id,
                SubmissionRefused(job.submission),
            )
        except Refused:
            return  # claimed or ended meanwhile: the refusal matters no more

    def _late_cancel(self, job: Job, runpod_id: str) -> Effect:
        return Effect(
            f"cancel:{job.id}:{runpod_id}", EffectKind.CANCEL, self.clock.now(), job.id
        )


@dataclass(frozen=True, slots=True)
class CancelAtCompute:
    """Posts a cancel for every id of RunPod's known for the job, surplus ones too."""

    change: ChangeJob
    attempts: AttemptLog
    compute: Compute

    async def __call__(self, effect: Effect) -> None:
        """Cancel each; one that RunPod has forgotten is done."""
        job = await self.change.store.get(effect.job_id or "")
        if job is None:
            return  # erased, which waits for every cancel
        try:
            for known in await self.attempts.runpod_jobs(job.id):
                await self.compute.cancel(job.endpoint, known.runpod_id)
        except ComputeUnavailable as error:
            raise PutOff(f"unavailable: {error}") from error
