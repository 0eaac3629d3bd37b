"""What the world must be told after a change: rows of the outbox, done at least once.

An effect's id is made of what it is about, so that one decided twice is one row, and
performing it twice does no harm.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

from gateway.core.budgets import Alert
from gateway.core.job import Job

# What a transfer may still need after the attempt's deadline: its URLs live as long.
URL_MARGIN_S = 60
# Clocks differ: an object is swept this long after its last URL should have expired.
SWEEP_MARGIN_S = 60
# Without a final report the bill waits this long for one.
SETTLE_AFTER_S = 60


class EffectKind(StrEnum):
    """What is to be done; `gateway/services/perform_effects.py` has one performer for each."""

    DISPATCH = "dispatch"
    SUBMIT = "submit"
    CANCEL = "cancel"
    SETTLE = "settle"
    SWEEP = "sweep"
    ERASE = "erase"
    EXPIRE = "expire"
    ERASE_TENANT = "erase_tenant"
    ALERT = "alert"
    WEBHOOK = "webhook"


@dataclass(frozen=True, slots=True)
class Effect:
    """One row of the outbox."""

    id: str
    kind: EffectKind
    due_at: datetime
    job_id: str | None = None
    body: dict[str, Any] = field(default_factory=dict)


def dispatch(job: Job, *, at: datetime) -> Effect:
    """Hand the endpoint's free slots to waiting jobs; not before `at`."""
    return Effect(
        f"dispatch:{job.id}:{job.version}",
        EffectKind.DISPATCH,
        at,
        body={"endpoint": job.endpoint},
    )


def submit(job: Job, *, at: datetime) -> Effect:
    """Ask RunPod for a worker under the job's present submission."""
    return Effect(
        f"submit:{job.id}:{job.submission}",
        EffectKind.SUBMIT,
        at,
        job.id,
        {"submission": job.submission},
    )


def cancel(job: Job, *, at: datetime) -> Effect:
    """Tell RunPod to end whatever it still has of this job."""
    return Effect(f"cancel:{job.id}:{job.version}", EffectKind.CANCEL, at, job.id)


def settle(job: Job, *, at: datetime, final_came: bool) -> Effect:
    """Replace the attempt's reserve by what it used."""
    due = at if final_came or not job.fence else at + timedelta(seconds=SETTLE_AFTER_S)
    return Effect(
        f"settle:{job.id}:{job.fence}", EffectKind.SETTLE, due, job.id, {"fence": job.fence}
    )


def sweep(job: Job, *, deadline_at: datetime) -> Effect:
    """Remove what the attempt put and nobody published, once its last URL has expired.

    Not before, though nothing may have been granted: a grant may be on its way.
    """
    at = deadline_at + timedelta(seconds=URL_MARGIN_S + SWEEP_MARGIN_S)
    return Effect(
        f"sweep:{job.id}:{job.fence}", EffectKind.SWEEP, at, job.id, {"fence": job.fence}
    )


def erase(job: Job, *, at: datetime) -> Effect:
    """Remove a deleted job's objects and rows, once nobody can put any more."""
    return erase_of(job.id, at=at)


def erase_of(job_id: str, *, at: datetime) -> Effect:
    """The same by the job's id."""
    return Effect(f"erase:{job_id}", EffectKind.ERASE, at, job_id)


def alert(what: Alert, *, at: datetime) -> Effect:
    """Say that a budget has come to a threshold."""
    return Effect(f"alert:{what.name}", EffectKind.ALERT, at, body=asdict(what))


def erase_tenant(erasure_id: str, *, at: datetime) -> Effect:
    """Remove what a tenant has; the erasure alone knows which one."""
    name = f"erase-tenant:{erasure_id}"
    return Effect(name, EffectKind.ERASE_TENANT, at, body={"erasure": erasure_id})


def expire(job_id: str, *, at: datetime) -> Effect:
    """Remove the objects of outputs that have been kept for long enough."""
    return Effect(f"expire:{job_id}", EffectKind.EXPIRE, at, job_id)


def end_id(job_id: str) -> str:
    """Return what names the end of a job, which it has once."""
    return f"evt_{job_id}"


def announce(
    event_id: str,
    tenant: str,
    type: str,
    data: Mapping[str, Any],
    at: datetime,
    *,
    job_id: str | None = None,
) -> Effect:
    """Tell the tenant's webhook endpoints that want this type what happened `at` that time.

    `event_id` names what happened, once and for all (letters, digits, `_` and `-`): the same
    one left twice is told once. `data` is what receivers get, as JSON. `job_id`: the job it is
    about, if any, whose rows wait for it.
    """
    body = {
        "event_id": event_id,
        "tenant": tenant,
        "type": type,
        "data": dict(data),
        "at": at.isoformat(),
    }
    return Effect(f"webhook:{event_id}", EffectKind.WEBHOOK, at, job_id, body)
