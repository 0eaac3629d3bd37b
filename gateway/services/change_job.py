"""Load a job, decide, write: the only way a job changes."""

import logging
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from gateway.core.budgets import NO_CAPS, Caps
from gateway.core.figures import JobFigures
from gateway.core.happenings import (
    AttemptFailed,
    AttemptLost,
    AttemptStopped,
    Happening,
    Unfunded,
)
from gateway.core.job import Job, no_such_job
from gateway.core.lifecycle import decide
from gateway.ports.clock import Clock
from gateway.ports.job_store import Change, Committed, JobStore
from gateway.services.bell import Bell
from shared.errors import TryAgainLater

log = logging.getLogger(__name__)

# Every lost race means that somebody else moved the job forward, so this many are plenty.
MOST_TRIES = 20


@dataclass(frozen=True, slots=True)
class Changed:
    """The job after the change; of a repeated op, the job now and the stored outcome."""

    job: Job
    outcome: dict[str, Any]
    repeated: bool = False


class NoSlot(Exception):
    """The endpoint is full, or its part for this kind; the job waits on."""


@dataclass(frozen=True, slots=True)
class ChangeJob:
    """Repeats a lost compare-and-set under the same op, decided anew each time.

    `caps`: those of budgets for which none are set.
    """

    store: JobStore
    clock: Clock
    bell: Bell
    wake: Callable[[], None]
    caps: Caps = NO_CAPS
    figures: JobFigures = field(default_factory=JobFigures)

    async def __call__(
        self,
        op: str,
        job_id: str,
        happening: Happening,
        *,
        outcome: Callable[[Job], dict[str, Any]] = lambda _: {},
        slot_cap: int | None = None,
        kind_cap: int | None = None,
    ) -> Changed:
        """Write what the happening makes of the job.

        Raises `Refused` where it may not happen, `NoSlot` where the change takes a slot and
        none is free, `NotFound` where there is no such job.
        """
        for _ in range(MOST_TRIES):
            before = await self.load(job_id)
            now = self.clock.now()
            decision = decide(before, happening, now)
            change = Change(
                op=op,
                before=before,
                after=decision.job,
                events=decision.events,
                effects=decision.effects,
                at=now,
                outcome=outcome(decision.job),
                slot_cap=slot_cap,
                kind_cap=kind_cap,
                attempt_outcome=decision.attempt_outcome,
                caps=self.caps,
            )
            match await self.store.commit(change):
                case Committed.DONE:
                    if change.events:
                        self.bell.ring(job_id)
                    if change.effects:
                        self.wake()
                    _log(change)
                    self.figures.changed(before, change.after, change.attempt_outcome)
                    return Changed(decision.job, change.outcome)
                case Committed.REPEATED:
                    stored = await self.store.outcome_of(op)
                    return Changed(await self.load(job_id), stored or {}, repeated=True)
                case Committed.NO_SLOT:
                    raise NoSlot
                case Committed.NO_BUDGET:
                    happening = _unfunded(happening)
                case Committed.LOST:
                    continue
        raise TryAgainLater(f"{op}: lost every race", public="The job is busy. Try again.")

    async def load(self, job_id: str) -> Job:
        """Return the job; raise `NotFound` where there is none."""
        job = await self.store.get(job_id)
        if job is None:
            raise no_such_job(f"no job {job_id}")
        return job


def _unfunded(happening: Happening) -> Happening:
    """What it means that another attempt has no room in the budget."""
    if isinstance(happening, AttemptFailed | AttemptStopped | AttemptLost):
        return Unfunded(happening)
    raise ValueError(f"{type(happening).__name__} reserves nothing")


def _log(change: Change) -> None:
    """Write a line for what is an event, but for how far the work is."""
    told = [event for event in change.events if event != "progress"]
    if not told:
        return
    job = change.after
    fields: dict[str, object] = {
        "job_id": job.id,
        "kind": job.kind,
        "fence": job.fence,
        "trace": job.trace,
        "told": told[-1],
    }
    if change.attempt_outcome:
        fields["outcome"] = change.attempt_outcome
    log.info("job.changed", extra=fields)
