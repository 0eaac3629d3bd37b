"""Who speaks: checks an attempt's token and whether that attempt still has a say."""

from dataclasses import dataclass

from gateway.core.job import AttemptState, Job
from gateway.core.work_tokens import WorkTokens
from gateway.ports.attempt_log import AttemptLog
from gateway.ports.job_store import JobStore
from gateway.services.claim_job import ToldToStop
from shared.errors import Unauthenticated


@dataclass(frozen=True, slots=True)
class AttemptGate:
    """A token that was never made is 401; a true one of a closed attempt is told to stop."""

    store: JobStore
    attempts: AttemptLog
    tokens: WorkTokens

    async def genuine(self, job_id: str, token: str, fence: int) -> Job:
        """Return the job, if the token was made for this attempt of it.

        Raises `Unauthenticated`, also where there is no such job: who holds no token does
        not learn which jobs there are.
        """
        job = await self.store.get(job_id)
        nonce = job.nonce if job and job.fence == fence else await self._nonce(job_id, fence)
        genuine = self.tokens.speaks_for(token, job_id, fence, nonce or "")
        if job is None or nonce is None or not genuine:
            raise Unauthenticated("bad attempt token", public="The token is not valid.")
        return job

    async def _nonce(self, job_id: str, fence: int) -> str | None:
        known = await self.attempts.attempts(job_id)
        return next((each.nonce for each in known if each.fence == fence), None)

    @staticmethod
    def must_be_heard(job: Job, fence: int) -> None:
        """Raise `ToldToStop` unless this attempt is the current one and not closed.

        The attempt that was current when its job ended is still heard: for its bill.
        """
        closed = job.attempt_state is AttemptState.LOST
        if job.fence != fence or closed or not (job.has_open_attempt or job.is_final):
            raise ToldToStop("the attempt is closed")
