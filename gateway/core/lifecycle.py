"""The life of a job: which happening moves it where. No I/O, no clock, no ids of its own.

    queued ─► running ─► succeeded
       │        ├──► failed
       │        └──► queued      (attempt lost or retryable failure, attempts left)
       ├──► succeeded            (at once: an earlier job did the very same)
       ├──► cancelled            (from queued or running)
       └──► expired              (from queued or running)

Services load a job, decide, and write the decision in one batch that compares the version.
"""

from dataclasses import replace
from datetime import datetime, timedelta

from gateway.core import effects
from gateway.core.decision import Decision, Refused, changed, end, failure, with_event
from gateway.core.happenings import (
    CancelAsked,
    Claimed,
    DeadlinePassed,
    Happening,
    ResultReused,
    SlotGranted,
    SubmissionGone,
    SubmissionRefused,
)
from gateway.core.job import AttemptState, Job, Status, WaitingFor
from gateway.core.open_attempt import in_attempt
from gateway.core.retry import pause_s
from gateway.core.snapshot import snapshot


def decide(job: Job, happening: Happening, now: datetime) -> Decision:
    """Return what a happening makes of a job.

    Raises `Refused` where it may not happen: to a final job, by a closed attempt, to a job
    that does not wait.
    """
    if job.is_final:
        raise Refused(f"the job is {job.status}")
    return _announced(_decided(job, happening, now), now)


def _announced(decision: Decision, now: datetime) -> Decision:
    """A job's end is left to be announced in the batch that ends it, whatever ended it."""
    job = decision.job
    if not (job.is_final and job.webhook):
        return decision
    what = {"job": snapshot(job)}
    end_id = effects.end_id(job.id)
    said = effects.announce(end_id, job.tenant, f"job.{job.status}", what, now, job_id=job.id)
    # Beside what is told, for the log: the effect is about an event, and not about the job.
    traced = replace(said, body={**said.body, "trace": job.trace})
    return replace(decision, effects=(*decision.effects, traced))


def _decided(job: Job, happening: Happening, now: datetime) -> Decision:
    match happening:
        case SlotGranted() | SubmissionGone() | SubmissionRefused():
            return _submission(job, happening, now)
        case Claimed():
            return _claimed(job, happening, now)
        case ResultReused(earlier):
            return _reused(job, earlier, now)
        case CancelAsked():
            return end(job, Status.CANCELLED, "cancelled", now)
        case DeadlinePassed():
            return _expired(job, now)
        case _:
            if not job.has_open_attempt:
                raise Refused("no attempt is open")
            return in_attempt(job, happening, now)


def _submission(
    job: Job, happening: SlotGranted | SubmissionGone | SubmissionRefused, now: datetime
) -> Decision:
    match happening:
        case SlotGranted():
            if not awaits_slot(job, now):
                raise Refused("the job does not wait for a slot")
            job = changed(
                job,
                waiting_for=WaitingFor.WORKER,
                submission=job.submission + 1,
                holds_slot=True,
            )
            return Decision(job, effects=(effects.submit(job, at=now),))
        case SubmissionGone(submission):
            _must_await_worker(job, submission)
            pause = timedelta(seconds=pause_s(job.submission - 1, job.id))
            job = changed(job, submission=job.submission + 1)
            return Decision(job, effects=(effects.submit(job, at=now + pause),))
        case SubmissionRefused(submission):
            _must_await_worker(job, submission)
            error = failure("internal", "No worker could be asked for.", None)
            return end(replace(job, error=error), Status.FAILED, "failed", now)


def awaits_slot(job: Job, now: datetime) -> bool:
    """True where a free slot of the endpoint may go to this job."""
    if job.status is not Status.QUEUED or now >= job.deadline_at:
        return False
    due = job.retry_at is not None and job.retry_at <= now
    return job.waiting_for is WaitingFor.SLOT or (
        job.waiting_for is WaitingFor.RETRY_AT and due
    )


def _must_await_worker(job: Job, submission: int) -> None:
    if job.waiting_for is not WaitingFor.WORKER or job.submission != submission:
        raise Refused("the job does not wait under this submission")


def _claimed(job: Job, claim: Claimed, now: datetime) -> Decision:
    if job.has_open_attempt and job.nonce == claim.nonce:
        return Decision(changed(job, seen_at=now))
    may_claim = awaits_slot(job, now) or (
        job.waiting_for is WaitingFor.WORKER and now < job.deadline_at
    )
    if not may_claim or claim.nonce_spent:
        raise Refused("the job does not wait for this worker")
    job = changed(
        job,
        status=Status.RUNNING,
        waiting_for=None,
        stage=job.stages[0],
        fence=job.next_fence,
        nonce=claim.nonce,
        attempt_state=AttemptState.OPEN,
        runpod_job_id=claim.runpod_job_id,
        holds_slot=True,
        claimed_at=now,
        attempt_deadline_at=min(now + timedelta(seconds=job.limit_s), job.deadline_at),
        attempt_ended_at=None,
        seen_at=now,
        progress_event_at=now,
        retry_at=None,
        started_at=job.started_at or now,
    )
    return with_event(job, "started")


def _reused(job: Job, earlier: Job, now: datetime) -> Decision:
    """No attempt, no reserve, nothing to undo: only for a job that nobody was asked about."""
    same = (job.tenant, job.kind, job.kind_version)
    if job.waiting_for is not WaitingFor.SLOT or job.submission or not earlier.outputs_at:
        raise Refused("the job has begun, or there is nothing to use again")
    if (earlier.tenant, earlier.kind, earlier.kind_version) != same:
        raise Refused("the earlier job did other work, or was another tenant's")
    job = changed(
        job,
        status=Status.SUCCEEDED,
        waiting_for=None,
        stage=job.stages[-1],
        progress=1.0,
        result=earlier.result,
        outputs=earlier.outputs,
        warnings=earlier.warnings,
        finished_at=now,
        estimated_micro_usd=0,
        reserve_micro_usd=0,
        fingerprint=earlier.fingerprint,
        reused_from=earlier.reused_from or earlier.id,
        outputs_at=earlier.outputs_at,
    )
    return with_event(job, "succeeded")


def _expired(job: Job, now: datetime) -> Decision:
    if now < job.deadline_at:
        raise Refused("the deadline has not passed")
    return end(job, Status.EXPIRED, "expired", now)
