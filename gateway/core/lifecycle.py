"""The life of a job: which happening moves it where. No I/O, no clock, no ids of its own.

    queued ─► running ─► succeeded
       │        ├──► failed
       │        └──► queued      (attempt lost or retryable failure, attempts left)
       ├──► succeeded            (at once: an earlier job did the very same)
       ├──► cancelled            (from queued or running)
       └──► expired              (from queued or running)

Services load a job, decide, and write the decision in one batch that compares the version.
"""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import assert_never

from gateway.core import effects
from gateway.core.effects import Effect
from gateway.core.happenings import (
    AttemptFailed,
    AttemptLost,
    AttemptStopped,
    AttemptSucceeded,
    CancelAsked,
    CheckpointReported,
    Claimed,
    DeadlinePassed,
    Happening,
    LastWord,
    ProgressReported,
    ResultReused,
    SlotGranted,
    SubmissionGone,
    SubmissionRefused,
    Unfunded,
    WarningReported,
)
from gateway.core.job import AttemptState, Job, JobError, Status, WaitingFor
from gateway.core.pricing import settled_micro_usd
from gateway.core.retry import may_retry, pause_s, retry_at
from gateway.core.snapshot import snapshot
from shared.errors import FAILURES

MOVES: dict[Status, frozenset[Status]] = {
    Status.QUEUED: frozenset(
        {Status.RUNNING, Status.SUCCEEDED, Status.FAILED, Status.CANCELLED, Status.EXPIRED}
    ),
    Status.RUNNING: frozenset(
        {Status.QUEUED, Status.SUCCEEDED, Status.FAILED, Status.CANCELLED, Status.EXPIRED}
    ),
    Status.SUCCEEDED: frozenset(),
    Status.FAILED: frozenset(),
    Status.CANCELLED: frozenset(),
    Status.EXPIRED: frozenset(),
}

# Progress that is worth an event, and how close to done a running job may say it is.
PROGRESS_STEP = 0.01
PROGRESS_EVERY_S = 2.0
ALMOST_DONE = 0.99
MOST_WARNINGS = 100
# A last word is kept right after the change it makes, and the bill goes to when it was kept.
LAST_WORD_KEPT_S = 1


@dataclass(frozen=True, slots=True)
class Decision:
    """The job after a happening, the events to write and what the world must be told.

    `attempt_outcome`: where it ends the open attempt, the job's final status or the code of
    the failure.
    """

    job: Job
    events: tuple[str, ...] = ()
    effects: tuple[Effect, ...] = ()
    attempt_outcome: str | None = None


class Refused(Exception):
    """The happening has no place in the job's present state; nothing changes."""


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
            return _end(job, Status.CANCELLED, "cancelled", now)
        case DeadlinePassed():
            return _expired(job, now)
        case _:
            if not job.has_open_attempt:
                raise Refused("no attempt is open")
            return _from_attempt(job, happening, now)


_FromAttempt = (
    ProgressReported | WarningReported | CheckpointReported | AttemptLost | LastWord | Unfunded
)


def _from_attempt(
    job: Job, happening: _FromAttempt, now: datetime, *, funded: bool = True
) -> Decision:
    match happening:
        case ProgressReported():
            return _progress(job, happening, now)
        case WarningReported(warning):
            if warning in job.warnings or len(job.warnings) >= MOST_WARNINGS:
                return Decision(_changed(job, seen_at=now))
            job = _changed(job, seen_at=now, warnings=(*job.warnings, warning))
            return _with_event(job, "warning")
        case CheckpointReported(data):
            return Decision(_changed(job, seen_at=now, checkpoint=data))
        case AttemptLost(code):
            lost = AttemptFailed(code, "")
            return _failed_attempt(job, lost, now, state=AttemptState.LOST, funded=funded)
        case AttemptFailed():
            return _failed_attempt(job, happening, now, funded=funded)
        case AttemptStopped():
            ran_out = job.attempt_deadline_at is not None and now >= job.attempt_deadline_at
            stopped = AttemptFailed("timeout" if ran_out else "worker_lost", "")
            return _failed_attempt(job, stopped, now, funded=funded)
        case Unfunded(by):
            return _from_attempt(job, by, now, funded=False)
        case AttemptSucceeded(result, outputs, fingerprint):
            ended = replace(
                job,
                result=result,
                outputs=outputs,
                progress=1.0,
                stage=job.stages[-1],
                fingerprint=fingerprint,
                outputs_at=now,
            )
            return _end(ended, Status.SUCCEEDED, "succeeded", now, final_came=True)
        case _:
            assert_never(happening)


def _submission(
    job: Job, happening: SlotGranted | SubmissionGone | SubmissionRefused, now: datetime
) -> Decision:
    match happening:
        case SlotGranted():
            if not awaits_slot(job, now):
                raise Refused("the job does not wait for a slot")
            job = _changed(
                job,
                waiting_for=WaitingFor.WORKER,
                submission=job.submission + 1,
                holds_slot=True,
            )
            return Decision(job, effects=(effects.submit(job, at=now),))
        case SubmissionGone(submission):
            _must_await_worker(job, submission)
            pause = timedelta(seconds=pause_s(job.submission - 1, job.id))
            job = _changed(job, submission=job.submission + 1)
            return Decision(job, effects=(effects.submit(job, at=now + pause),))
        case SubmissionRefused(submission):
            _must_await_worker(job, submission)
            error = _error("internal", "No worker could be asked for.", None)
            return _end(replace(job, error=error), Status.FAILED, "failed", now)


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
        return Decision(_changed(job, seen_at=now))
    may_claim = awaits_slot(job, now) or (
        job.waiting_for is WaitingFor.WORKER and now < job.deadline_at
    )
    if not may_claim or claim.nonce_spent:
        raise Refused("the job does not wait for this worker")
    job = _changed(
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
    return _with_event(job, "started")


def _reused(job: Job, earlier: Job, now: datetime) -> Decision:
    """No attempt, no reserve, nothing to undo: only for a job that nobody was asked about."""
    same = (job.tenant, job.kind, job.kind_version)
    if job.waiting_for is not WaitingFor.SLOT or job.submission or not earlier.outputs_at:
        raise Refused("the job has begun, or there is nothing to use again")
    if (earlier.tenant, earlier.kind, earlier.kind_version) != same:
        raise Refused("the earlier job did other work, or was another tenant's")
    job = _changed(
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
    return _with_event(job, "succeeded")


def _progress(job: Job, report: ProgressReported, now: datetime) -> Decision:
    stage = _later_stage(job, report.stage)
    progress = max(job.progress, min(report.progress, ALMOST_DONE))
    if stage != job.stage:
        job = _changed(job, seen_at=now, stage=stage, progress=progress, progress_event_at=now)
        return _with_event(job, "stage")
    last = job.progress_event_at or now
    grew = progress - job.progress >= PROGRESS_STEP
    if not grew or now - last < timedelta(seconds=PROGRESS_EVERY_S):
        return Decision(_changed(job, seen_at=now))
    return _with_event(
        _changed(job, seen_at=now, progress=progress, progress_event_at=now), "progress"
    )


def _later_stage(job: Job, reported: str) -> str | None:
    """Stages of one attempt go forward only; a word the kind does not know is not taken."""
    if reported not in job.stages:
        return job.stage
    here = job.stages.index(job.stage) if job.stage in job.stages else -1
    return reported if job.stages.index(reported) > here else job.stage


def _failed_attempt(
    job: Job,
    failed: AttemptFailed,
    now: datetime,
    *,
    state: AttemptState = AttemptState.ENDED,
    funded: bool,
) -> Decision:
    code, message, stage = failed.code, failed.message, failed.stage or job.stage
    if code not in FAILURES:
        code, message = "internal", ""
    final_came = state is AttemptState.ENDED
    job = replace(job, ended_micro_usd=job.ended_micro_usd + _at_most(job, now, state))
    if now >= job.deadline_at:
        return _end(job, Status.EXPIRED, "expired", now, state=state, final_came=final_came)
    pays = may_retry(job, code) and funded and pays_for_another(job)
    if not pays:
        why, words = ("budget_exceeded", "") if may_retry(job, code) else (code, message)
        job = replace(job, error=_error(why, words, stage))
        ended = _end(job, Status.FAILED, "failed", now, state=state, final_came=final_came)
        return replace(ended, attempt_outcome=code)
    again = retry_at(job, now)
    closing = _after_attempt(job, now, final_came=final_came)
    job = _changed(
        job,
        status=Status.QUEUED,
        waiting_for=WaitingFor.RETRY_AT,
        retry_at=again,
        stage=None,
        attempt_state=state,
        attempt_ended_at=now,
        holds_slot=False,
    )
    todo = (*closing, effects.dispatch(job, at=now), _dispatch_later(job, again))
    cancels = (effects.cancel(job, at=now),) if state is AttemptState.LOST else ()
    return replace(_with_event(job, "requeued", (*todo, *cancels)), attempt_outcome=code)


def _at_most(job: Job, now: datetime, state: AttemptState) -> int:
    """What the attempt that ends now will have cost; of one that may still run, its reserve."""
    if state is AttemptState.LOST or job.claimed_at is None:
        return job.reserve_micro_usd
    heard = now + timedelta(seconds=LAST_WORD_KEPT_S)
    used = settled_micro_usd(job.rate_micro_usd_per_s, job.claimed_at, heard)
    return min(used, job.reserve_micro_usd)


def pays_for_another(job: Job) -> bool:
    """True where the caller's own limit has room for the reserve of one more attempt."""
    limit = job.max_cost_micro_usd
    return limit is None or job.ended_micro_usd + job.reserve_micro_usd <= limit


def _dispatch_later(job: Job, at: datetime) -> Effect:
    later = effects.dispatch(job, at=at)
    return replace(later, id=f"{later.id}:retry")


def _expired(job: Job, now: datetime) -> Decision:
    if now < job.deadline_at:
        raise Refused("the deadline has not passed")
    return _end(job, Status.EXPIRED, "expired", now)


def _end(
    job: Job,
    status: Status,
    event: str,
    now: datetime,
    *,
    state: AttemptState = AttemptState.ENDED,
    final_came: bool = False,
) -> Decision:
    if status not in MOVES[job.status]:
        raise Refused(f"a {job.status} job cannot become {status}")
    running = job.has_open_attempt
    asked_runpod = job.waiting_for is WaitingFor.WORKER or (running and not final_came)
    todo = list(_after_attempt(job, now, final_came=final_came))
    job = _changed(
        job,
        status=status,
        waiting_for=None,
        retry_at=None,
        attempt_state=state if running else job.attempt_state,
        attempt_ended_at=now if running else job.attempt_ended_at,
        holds_slot=False,
        finished_at=now,
    )
    if asked_runpod:
        todo.append(effects.cancel(job, at=now))
    todo.append(effects.dispatch(job, at=now))
    failed = job.error.code if status is Status.FAILED and job.error else None
    outcome = (failed or status.value) if running else None
    return replace(_with_event(job, event, tuple(todo)), attempt_outcome=outcome)


def _after_attempt(job: Job, now: datetime, *, final_came: bool) -> tuple[Effect, ...]:
    """What an attempt's end leaves; a job that was never claimed has only its reserve."""
    if not job.has_open_attempt:
        unclaimed = replace(job, fence=job.next_fence)
        return (effects.settle(unclaimed, at=now, final_came=True),)
    return (
        effects.settle(job, at=now, final_came=final_came),
        effects.sweep(job, deadline_at=job.attempt_deadline_at or now),
    )


def _error(code: str, message: str, stage: str | None) -> JobError:
    row = FAILURES[code]
    return JobError(code, message or row.sentence, stage, row.retryable, row.who.value)


def _changed(job: Job, **fields: object) -> Job:
    return replace(job, version=job.version + 1, **fields)  # type: ignore[arg-type]  # fields of Job


def _with_event(job: Job, event: str, todo: tuple[Effect, ...] = ()) -> Decision:
    return Decision(replace(job, seq=job.seq + 1), (event,), todo)
