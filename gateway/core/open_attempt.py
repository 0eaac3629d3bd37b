"""What an open attempt reports, and how it fails: the part of `lifecycle` under a fence."""

from dataclasses import replace
from datetime import datetime, timedelta
from typing import assert_never

from gateway.core import effects
from gateway.core.decision import Decision, after_attempt, changed, end, failure, with_event
from gateway.core.effects import Effect
from gateway.core.happenings import (
    AttemptFailed,
    AttemptLost,
    AttemptStopped,
    AttemptSucceeded,
    CheckpointReported,
    LastWord,
    ProgressReported,
    Unfunded,
    WarningReported,
)
from gateway.core.job import AttemptState, Job, Status, WaitingFor
from gateway.core.pricing import settled_micro_usd
from gateway.core.retry import may_retry, retry_at
from shared.errors import FAILURES

# Progress that is worth an event, and how close to done a running job may say it is.
PROGRESS_STEP = 0.01
PROGRESS_EVERY_S = 2.0
ALMOST_DONE = 0.99
MOST_WARNINGS = 100
# A last word is kept right after the change it makes, and the bill goes to when it was kept.
LAST_WORD_KEPT_S = 1

InAttempt = (
    ProgressReported | WarningReported | CheckpointReported | AttemptLost | LastWord | Unfunded
)


def in_attempt(
    job: Job, happening: InAttempt, now: datetime, *, funded: bool = True
) -> Decision:
    """Return what is made of a word by or about the attempt that is open.

    `funded`: False where no budget has room for another attempt.
    """
    match happening:
        case ProgressReported():
            return _progress(job, happening, now)
        case WarningReported(warning):
            if warning in job.warnings or len(job.warnings) >= MOST_WARNINGS:
                return Decision(changed(job, seen_at=now))
            job = changed(job, seen_at=now, warnings=(*job.warnings, warning))
            return with_event(job, "warning")
        case CheckpointReported(data):
            return Decision(changed(job, seen_at=now, checkpoint=data))
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
            return in_attempt(job, by, now, funded=False)
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
            return end(ended, Status.SUCCEEDED, "succeeded", now, final_came=True)
        case _:
            assert_never(happening)


def _progress(job: Job, report: ProgressReported, now: datetime) -> Decision:
    stage = _later_stage(job, report.stage)
    progress = max(job.progress, min(report.progress, ALMOST_DONE))
    if stage != job.stage:
        job = changed(job, seen_at=now, stage=stage, progress=progress, progress_event_at=now)
        return with_event(job, "stage")
    last = job.progress_event_at or now
    grew = progress - job.progress >= PROGRESS_STEP
    if not grew or now - last < timedelta(seconds=PROGRESS_EVERY_S):
        return Decision(changed(job, seen_at=now))
    return with_event(
        changed(job, seen_at=now, progress=progress, progress_event_at=now), "progress"
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
        return end(job, Status.EXPIRED, "expired", now, state=state, final_came=final_came)
    pays = may_retry(job, code) and funded and pays_for_another(job)
    if not pays:
        why, words = ("budget_exceeded", "") if may_retry(job, code) else (code, message)
        job = replace(job, error=failure(why, words, stage))
        ended = end(job, Status.FAILED, "failed", now, state=state, final_came=final_came)
        return replace(ended, attempt_outcome=code)
    again = retry_at(job, now)
    closing = after_attempt(job, now, final_came=final_came)
    job = changed(
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
    return replace(with_event(job, "requeued", (*todo, *cancels)), attempt_outcome=code)


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
