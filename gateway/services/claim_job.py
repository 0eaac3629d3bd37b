"""Use case: a worker asks for the work of a job, and gets a work order or is told to stop."""

from dataclasses import dataclass
from datetime import datetime

from gateway.core.decision import Refused
from gateway.core.effects import URL_MARGIN_S
from gateway.core.happenings import Claimed
from gateway.core.job import Job, JobFile, no_such_job
from gateway.core.work_tokens import WorkTokens
from gateway.ports.attempt_log import AttemptLog
from gateway.ports.clock import Clock
from gateway.ports.url_signer import UrlSigner
from gateway.services.change_job import ChangeJob
from shared.errors import NotFound, Unauthenticated
from shared.logs import add_log_fields
from shared.work import Claim, InputFile, WorkOrder


class ToldToStop(Exception):
    """This worker has no say in this job: 409 `{stop: true}`."""


@dataclass(frozen=True, slots=True)
class ClaimJob:
    """Makes the attempt: fence + 1, bound to the claimer's nonce."""

    change: ChangeJob
    attempts: AttemptLog
    tokens: WorkTokens
    signer: UrlSigner
    clock: Clock

    async def __call__(self, job_id: str, token: str, claim: Claim) -> WorkOrder:
        """Return the work order; the same nonce again gets the same attempt, fresh URLs.

        Raises `Unauthenticated`, or `ToldToStop`, also where the job was deleted since.
        """
        if not self.tokens.opens_claim(token, job_id):
            raise Unauthenticated("bad submission token", public="The token is not valid.")
        known = await self.attempts.attempts(job_id)
        try:
            job = await self.change.load(job_id)
        except NotFound as error:
            raise ToldToStop("the job was deleted") from error
        current = job.fence if job.has_open_attempt else 0
        spent = any(each.nonce == claim.nonce and each.fence != current for each in known)
        try:
            changed = await self.change(
                f"claim:{job_id}:{claim.nonce}",
                job_id,
                Claimed(claim.nonce, claim.runpod_job_id, nonce_spent=spent),
            )
        except Refused as error:
            raise ToldToStop(str(error)) from error
        job = changed.job
        if not job.has_open_attempt or job.nonce != claim.nonce:
            raise ToldToStop("the attempt under this nonce is closed")
        # The claim came under a trace of its own: what RunPod is handed holds none.
        add_log_fields(trace=job.trace, kind=job.kind, fence=job.fence)
        now = self.clock.now()
        await self.attempts.note_runpod_job(job_id, claim.runpod_job_id, job.submission, now)
        await self.attempts.note_worker(job_id, job.fence, claim.worker.model_dump(mode="json"))
        return self._order(job, claim.nonce, now)

    def _order(self, job: Job, nonce: str, now: datetime) -> WorkOrder:
        deadline_at = job.attempt_deadline_at
        if deadline_at is None:
            raise no_such_job("a claimed job without deadline")
        left_s = max(0, int((deadline_at - now).total_seconds())) + URL_MARGIN_S
        return WorkOrder(
            fence=job.fence,
            token=self.tokens.for_attempt(job.id, job.fence, nonce),
            kind=job.kind,
            kind_version=job.kind_version,
            input=job.input,
            files=[self._file(each, left_s) for each in job.files],
            checkpoint=job.checkpoint,
            deadline_at=deadline_at,
            trace=job.trace,
        )

    def _file(self, file: JobFile, left_s: int) -> InputFile:
        signed = self.signer.sign_get(file.key, expires_s=left_s)
        return InputFile(
            name=file.name,
            url=signed.url,
            headers=dict(signed.headers),
            size_bytes=file.size_bytes,
            etag=file.etag,
            content_type=file.content_type,
        )
