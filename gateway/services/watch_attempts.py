"""The truth path: ask RunPod about what is silent, end what is lost or out of time."""

import logging
from dataclasses import dataclass
from datetime import datetime, timedelta

from gateway.core.decision import Refused
from gateway.core.happenings import AttemptLost, DeadlinePassed, Happening, SubmissionGone
from gateway.core.job import Job
from gateway.ports.attempt_log import AttemptLog, RunpodJob
from gateway.ports.clock import Clock
from gateway.ports.compute import Compute, ComputeRefused, ComputeState, ComputeUnavailable
from gateway.ports.job_watch import JobWatch
from gateway.services.change_job import ChangeJob
from gateway.services.finish_attempt import FinishAttempt
from shared.errors import TryAgainLater

log = logging.getLogger(__name__)

AT_ONCE = 100
GONE = frozenset(
    {
        ComputeState.COMPLETED,
        ComputeState.FAILED,
        ComputeState.CANCELLED,
        ComputeState.TIMED_OUT,
        ComputeState.GONE,
    }
)


@dataclass(frozen=True, slots=True)
class Patience:
    """How long silence is borne, in seconds; settings, so that tests can shorten them."""

    suspect_after_s: float = 15.0
    lost_after_s: float = 60.0
    ask_every_s: float = 2.0
    unclaimed_after_s: float = 5.0
    unclaimed_every_s: float = 15.0
    longest_gap_s: float = 15.0


@dataclass(frozen=True, slots=True)
class WatchAttempts:
    """Reports are the fast path; this finds what they did not say."""

    watch: JobWatch
    attempts: AttemptLog
    change: ChangeJob
    finish: FinishAttempt
    compute: Compute
    clock: Clock
    patience: Patience

    async def expire(self) -> None:
        """End jobs whose deadline has passed; a manifest that is there still counts."""
        for job in await self.watch.past_deadline(self.clock.now(), AT_ONCE):
            if job.has_open_attempt and await self._finished(job):
                continue
            await self._happen(f"expire:{job.id}:{job.version}", job, DeadlinePassed())

    async def ask_about_unclaimed(self) -> None:
        """Submit again what RunPod ended or forgot before any worker claimed it."""
        for job in await self.watch.unclaimed(AT_ONCE):
            known = [
                each
                for each in await self.attempts.runpod_jobs(job.id)
                if each.submission == job.submission
            ]
            if not known or not self._due(known[-1]):
                continue
            state = await self._ask(job, known[-1].runpod_id)
            if state in GONE:
                await self._happen(
                    f"gone:{job.id}:{job.submission}", job, SubmissionGone(job.submission)
                )

    async def ask_about_silent(self, heard_since: datetime) -> None:
        """Call lost what RunPod says has ended, or what was silent for too long."""
        now = self.clock.now()
        suspect = timedelta(seconds=self.patience.suspect_after_s)
        if now - heard_since < suspect:
            return
        for job in await self.watch.silent(now - suspect, AT_ONCE):
            await self._suspect(job, max(job.seen_at or job.created_at, heard_since), now)

    async def _suspect(self, job: Job, silent_since: datetime, now: datetime) -> None:
        known = next(
            (
                each
                for each in await self.attempts.runpod_jobs(job.id)
                if each.runpod_id == job.runpod_job_id
            ),
            None,
        )
        too_long = now - silent_since >= timedelta(seconds=self.patience.lost_after_s)
        state = None
        if known and (
            too_long or now - known.asked_at >= timedelta(seconds=self.patience.ask_every_s)
        ):
            state = await self._ask(job, known.runpod_id)
        if state not in GONE and not too_long:
            return
        if await self._finished(job):
            return
        code = "timeout" if state is ComputeState.TIMED_OUT else "worker_lost"
        log.warning(
            "attempt.lost",
            extra={"job_id": job.id, "kind": job.kind, "fence": job.fence, "code": code},
        )
        await self._happen(f"lost:{job.id}:{job.fence}", job, AttemptLost(code))

    def _due(self, known: RunpodJob) -> bool:
        asked_before = known.asked_at > known.learnt_at
        wait_s = (
            self.patience.unclaimed_every_s if asked_before else self.patience.unclaimed_after_s
        )
        return self.clock.now() - known.asked_at >= timedelta(seconds=wait_s)

    async def _ask(self, job: Job, runpod_id: str) -> ComputeState | None:
        """RunPod's word for one of its jobs; None where it cannot be asked now."""
        try:
            status = await self.compute.status(job.endpoint, runpod_id)
        except (ComputeUnavailable, ComputeRefused) as error:
            log.warning("compute.not_asked", extra={"job_id": job.id, "why": str(error)})
            return None
        await self.attempts.note_asked(job.id, runpod_id, self.clock.now())
        return status.state

    async def _finished(self, job: Job) -> bool:
        """True where nothing is left to decide about the attempt, for now at least."""
        try:
            return await self.finish.from_manifest(job)
        except Refused:
            return True  # its report came first
        except TryAgainLater as error:
            log.info("manifest.unreadable", extra={"job_id": job.id, "why": str(error)})
            return True  # nothing is called lost before its manifest could be asked for

    async def _happen(self, op: str, job: Job, happening: Happening) -> None:
        try:
            await self.change(op, job.id, happening)
        except Refused:
            return  # it moved on since it was read
