"""What a happening makes of a job, and how a job ends. Pure, as all of `lifecycle`."""

from dataclasses import dataclass, replace
from datetime import datetime

from gateway.core import effects
from gateway.core.effects import Effect
from gateway.core.job import AttemptState, Job, JobError, Status, WaitingFor
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


def changed(job: Job, **fields: object) -> Job:
    """The job with these fields, one version on."""
    return replace(job, version=job.version + 1, **fields)  # type: ignore[arg-type]  # fields of Job


def with_event(job: Job, event: str, todo: tuple[Effect, ...] = ()) -> Decision:
    """The decision that adds a line to the job's log."""
    return Decision(replace(job, seq=job.seq + 1), (event,), todo)


def failure(code: str, message: str, stage: str | None) -> JobError:
    """The error of a job: of a code of the catalogue, in its own words where it has none."""
    row = FAILURES[code]
    return JobError(code, message or row.sentence, stage, row.retryable, row.who.value)


def end(
    job: Job,
    status: Status,
    event: str,
    now: datetime,
    *,
    state: AttemptState = AttemptState.ENDED,
    final_came: bool = False,
) -> Decision:
    """Let a job end, its slot go, its costs be closed, and RunPod stop where it may not know.

    `final_came`: the attempt has said its last word itself. Raises `Refused` where the table
    has no such move.
    """
    if status not in MOVES[job.status]:
        raise Refused(f"a {job.status} job cannot become {status}")
    running = job.has_open_attempt
    asked_runpod = job.waiting_for is WaitingFor.WORKER or (running and not final_came)
    todo = list(after_attempt(job, now, final_came=final_came))
    job = changed(
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
    return replace(with_event(job, event, tuple(todo)), attempt_outcome=outcome)


def after_attempt(job: Job, now: datetime, *, final_came: bool) -> tuple[Effect, ...]:
    """What an attempt's end leaves; a job that was never claimed has only its reserve."""
    if not job.has_open_attempt:
        unclaimed = replace(job, fence=job.next_fence)
        return (effects.settle(unclaimed, at=now, final_came=True),)
    return (
        effects.settle(job, at=now, final_came=final_came),
        effects.sweep(job, deadline_at=job.attempt_deadline_at or now),
    )
