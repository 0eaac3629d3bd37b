"""What happens to jobs, written into stores: for what holds the stores to their promises."""

from datetime import timedelta

from gateway.core import effects
from gateway.core.happenings import CancelAsked, Claimed, ProgressReported, SlotGranted
from gateway.core.idempotency import IdempotencyKey
from gateway.core.job import Job
from gateway.core.lifecycle import decide
from gateway.ports.job_store import Change, Committed, NewJob
from tests.support.jobs import NOON, a_job


def new(job: Job, *, op=None, key=None, limit=1000) -> NewJob:
    """A job to accept; `key`: an idempotency key and the hash of its request."""
    bind = IdempotencyKey("POST /v1/jobs", *key) if key else None
    first = effects.dispatch(job, at=job.created_at)
    return NewJob(op or f"job:{job.id}", job, (first,), bind, limit)


def change(before: Job, happening, op: str, *, at=NOON, **fields) -> Change:
    """What is decided when something happens to a job."""
    decision = decide(before, happening, at)
    return Change(op, before, decision.job, decision.events, decision.effects, at, **fields)


async def running(stores, job_id="j1", **fields) -> Job:
    """A job that was created, given a slot and claimed."""
    job = a_job(job_id, **fields)
    await stores.jobs.create(new(job))
    for happening in (SlotGranted(), Claimed("n1", "r1")):
        await stores.jobs.commit(change(job, happening, f"{job_id}:{job.version}"))
        job = await stores.jobs.get(job_id)
    return job


async def created(stores, job_id="j1", *, key=None, **fields) -> Job:
    """A job that was accepted, which left no effect."""
    job = a_job(job_id, **fields)
    bind = IdempotencyKey("POST /v1/jobs", key, "hash") if key else None
    await stores.jobs.create(NewJob(f"job:{job_id}", job, (), bind, 1000))
    return job


async def happen(stores, job: Job, *happenings, at=NOON) -> Job:
    """The job after all this has happened to it."""
    for happening in happenings:
        happened = change(job, happening, f"{job.id}:{job.version}", at=at)
        assert await stores.jobs.commit(happened) is Committed.DONE
        job = happened.after
    return job


async def ended(stores, job_id="j1", *, at=NOON, **fields) -> Job:
    """A job that was claimed, did something and was cancelled."""
    deadline_at = at + timedelta(hours=1)
    job = await created(stores, job_id, deadline_at=deadline_at, **fields)
    return await happen(
        stores,
        job,
        *(SlotGranted(), Claimed("n1", "r1"), ProgressReported("render", 0.5), CancelAsked()),
        at=at,
    )
