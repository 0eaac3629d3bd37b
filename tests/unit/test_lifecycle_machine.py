"""The lifecycle under any order of happenings: what must hold, holds at every step."""

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta
from typing import ClassVar

import pytest
from hypothesis import Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from gateway.core.decision import MOVES, Decision, Refused
from gateway.core.effects import EffectKind
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
    ProgressReported,
    SlotGranted,
    SubmissionGone,
    SubmissionRefused,
    Unfunded,
    WarningReported,
)
from gateway.core.job import FINAL, AttemptState, Job, JobWarning, Status, WaitingFor
from gateway.core.lifecycle import decide
from shared.errors import FAILURES
from tests.support.jobs import NOON, a_job


class JobMachine(RuleBasedStateMachine):
    """A job after another, a clock that only goes forward, and everything anybody may say."""

    decided_by: ClassVar[Callable[[Job, Happening, datetime], Decision]] = staticmethod(decide)

    def __init__(self) -> None:
        super().__init__()
        self.begin()

    def begin(self) -> None:
        self.job = a_job(max_attempts=2)
        self.now = NOON
        self.events = ["queued"]
        self.effect_ids: set[str] = set()
        self.claims = 0

    def happen(self, happening: Happening) -> bool:
        before = self.job
        try:
            decision = self.decided_by(before, happening, self.now)
        except Refused:
            return False
        self.job = decision.job
        self.events += decision.events
        self.effect_ids |= {effect.id for effect in decision.effects}
        assert self.job.version == before.version + 1
        assert self.job.seq == before.seq + len(decision.events)
        assert self.job.progress >= before.progress
        assert self.job.fence - before.fence in (0, 1)
        moved = self.job.status is not before.status
        assert not moved or self.job.status in MOVES[before.status]
        return True

    # Most jobs end within a few steps: those left of a game are for another.
    @precondition(lambda self: self.job.is_final)
    @rule()
    def another_job(self) -> None:
        self.begin()

    @rule(seconds=st.sampled_from([0.5, 3, 20, 70, 130, 1500, 3700]))
    def time_passes(self, seconds: float) -> None:
        self.now += timedelta(seconds=seconds)

    @rule()
    def slot(self) -> None:
        self.happen(SlotGranted())

    @rule(submission=st.integers(0, 3))
    def submission_gone(self, submission: int) -> None:
        self.happen(SubmissionGone(submission))

    @rule()
    def submission_refused(self) -> None:
        self.happen(SubmissionRefused(99))

    def take(self, nonce: str, *, spent: bool) -> None:
        before = self.job
        if self.happen(Claimed(nonce, f"r-{nonce}", nonce_spent=spent)):
            same = before.has_open_attempt and before.nonce == nonce
            assert same or self.job.fence == before.fence + 1
            assert self.job.nonce == nonce

    @rule(nonce=st.sampled_from("abc"), spent=st.booleans())
    def claim(self, nonce: str, spent: bool) -> None:
        self.take(nonce, spent=spent)

    @rule(
        stage=st.sampled_from(["prepare", "render", "upload", "persist", "?"]),
        progress=st.floats(0, 1),
    )
    def progress(self, stage: str, progress: float) -> None:
        self.happen(ProgressReported(stage, progress))

    @precondition(lambda self: self.job.has_open_attempt)
    @rule(said=st.lists(st.floats(0, 1), min_size=2, max_size=4))
    def renders(self, said: list[float]) -> None:
        for progress in said:
            self.now += timedelta(seconds=3)
            self.happen(ProgressReported("render", progress))

    @rule(code=st.sampled_from(["a", "b"]))
    def warning(self, code: str) -> None:
        self.happen(WarningReported(JobWarning(code, "m")))

    @rule()
    def checkpoint(self) -> None:
        self.happen(CheckpointReported({"at": 1}))

    @rule(code=st.sampled_from([*FAILURES, "unheard_of"]))
    def failed(self, code: str) -> None:
        self.happen(AttemptFailed(code, "m"))

    @rule()
    def stopped(self) -> None:
        self.happen(AttemptStopped())

    @rule(code=st.sampled_from(["worker_lost", "timeout"]))
    def lost(self, code: str) -> None:
        self.happen(AttemptLost(code))

    @precondition(lambda self: self.job.fence > 1)
    @rule(code=st.sampled_from([*FAILURES, "unheard_of"]))
    def unfunded(self, code: str) -> None:
        ended = self.happen(Unfunded(AttemptFailed(code, "m")))
        assert self.job.is_final or not ended

    @rule()
    def another_attempt(self) -> None:
        self.happen(AttemptLost("worker_lost"))
        self.now += timedelta(seconds=130)
        self.claims += 1
        self.take(f"n{self.claims}", spent=False)

    @precondition(lambda self: self.job.fence > 0)
    @rule()
    def succeeded(self) -> None:
        open_before = self.job.has_open_attempt
        assert self.happen(AttemptSucceeded({}, ())) == open_before

    @precondition(lambda self: self.job.fence > 1)
    @rule()
    def cancelled(self) -> None:
        self.happen(CancelAsked())

    @rule()
    def deadline(self) -> None:
        self.happen(DeadlinePassed())

    @invariant()
    def at_most_one_last_event_and_nothing_after_it(self) -> None:
        last = [event for event in self.events if event in FINAL]
        assert len(last) == (1 if self.job.is_final else 0)
        assert not last or self.events[-1] == last[0]

    @invariant()
    def progress_is_1_only_with_success(self) -> None:
        assert (self.job.progress == 1.0) == (self.job.status is Status.SUCCEEDED)

    @invariant()
    def a_slot_is_held_while_work_is_asked_for_or_done_and_only_then(self) -> None:
        working = self.job.waiting_for is WaitingFor.WORKER or self.job.has_open_attempt
        assert self.job.holds_slot == working

    @invariant()
    def attempts_stay_within_their_number(self) -> None:
        assert self.job.fence <= self.job.max_attempts

    @invariant()
    def a_waiting_job_says_what_it_waits_for_and_no_other_does(self) -> None:
        assert (self.job.waiting_for is not None) == (self.job.status is Status.QUEUED)

    @invariant()
    def an_ended_attempt_is_settled(self) -> None:
        closed = self.job.fence - (1 if self.job.has_open_attempt else 0)
        assert all(f"settle:j1:{n}" in self.effect_ids for n in range(1, closed + 1))

    @invariant()
    def a_job_that_failed_says_why(self) -> None:
        assert (self.job.error is not None) == (self.job.status is Status.FAILED)


TestJobMachine = JobMachine.TestCase
TestJobMachine.settings = settings(stateful_step_count=40, deadline=None)


# Deciders that are wrong in one place, and are found out: the rules above can be broken.


def revived(job: Job, happening: Happening, now: datetime) -> Decision:
    """An ended job takes one more word."""
    alive = replace(job, status=Status.RUNNING, attempt_state=AttemptState.OPEN)
    return decide(alive if job.is_final and job.fence else job, happening, now)


def believed(job: Job, happening: Happening, now: datetime) -> Decision:
    """Progress is what was said last."""
    decision = decide(job, happening, now)
    if isinstance(happening, ProgressReported) and not decision.job.is_final:
        return replace(decision, job=replace(decision.job, progress=happening.progress))
    return decision


def unfenced(job: Job, happening: Happening, now: datetime) -> Decision:
    """A new claim is the same attempt."""
    decision = decide(job, happening, now)
    fence = min(decision.job.fence, 1)
    return replace(decision, job=replace(decision.job, fence=fence))


def clinging(job: Job, happening: Happening, now: datetime) -> Decision:
    """A slot that was taken is kept."""
    decision = decide(job, happening, now)
    return replace(
        decision,
        job=replace(decision.job, holds_slot=job.holds_slot or decision.job.holds_slot),
    )


def unpaid(job: Job, happening: Happening, now: datetime) -> Decision:
    """Nothing is settled."""
    decision = decide(job, happening, now)
    kept = tuple(each for each in decision.effects if each.kind is not EffectKind.SETTLE)
    return replace(decision, effects=kept)


def endless(job: Job, happening: Happening, now: datetime) -> Decision:
    """There is always one more attempt."""
    decision = decide(replace(job, max_attempts=job.fence + 2), happening, now)
    return replace(decision, job=replace(decision.job, max_attempts=job.max_attempts))


@pytest.mark.parametrize("wrong", [revived, believed, unfenced, clinging, unpaid, endless])
def test_a_decider_that_is_wrong_is_found_out(wrong):
    class Wrong(JobMachine):
        decided_by = staticmethod(wrong)

    quick = settings(
        max_examples=300, stateful_step_count=40, phases=[Phase.generate], derandomize=True
    )
    with pytest.raises(AssertionError):
        run_state_machine_as_test(Wrong, settings=quick)
