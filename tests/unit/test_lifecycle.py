"""The life of a job, move by move."""

from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.core.decision import MOVES, Refused
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
    ProgressReported,
    SlotGranted,
    SubmissionGone,
    SubmissionRefused,
    WarningReported,
)
from gateway.core.job import FINAL, AttemptState, JobWarning, Status
from gateway.core.lifecycle import decide
from gateway.core.retry import pause_ceiling_s
from gateway.core.snapshot import snapshot
from shared.errors import FAILURES
from tests.support.jobs import NOON, a_job

EVERYTHING = [
    SlotGranted(),
    SubmissionGone(1),
    SubmissionRefused(1),
    Claimed("n", "r"),
    ProgressReported("render", 0.5),
    WarningReported(JobWarning("c", "m")),
    CheckpointReported({}),
    AttemptSucceeded({}, ()),
    AttemptFailed("timeout", ""),
    AttemptStopped(),
    AttemptLost("worker_lost"),
    CancelAsked(),
    DeadlinePassed(),
]


def waiting_for_worker(**fields):
    return decide(a_job(**fields), SlotGranted(), NOON).job


def running(at=NOON, **fields):
    return decide(waiting_for_worker(**fields), Claimed("n1", "r1"), at).job


def after(seconds):
    return NOON + timedelta(seconds=seconds)


def kinds(decision):
    return [effect.kind for effect in decision.effects]


def test_four_statuses_are_final():
    assert {status for status in Status if not MOVES[status]} == FINAL


@pytest.mark.parametrize("status", sorted(FINAL))
@pytest.mark.parametrize("happening", EVERYTHING, ids=lambda each: type(each).__name__)
def test_d138_nothing_happens_to_a_final_job(status, happening):
    job = replace(running(), status=status)
    with pytest.raises(Refused):
        decide(job, happening, after(10_000))


@pytest.mark.parametrize("happening", EVERYTHING[4:11], ids=lambda each: type(each).__name__)
def test_no_attempt_speaks_before_a_claim_or_after_its_end(happening):
    closed = replace(running(), attempt_state=AttemptState.LOST)
    for job in (a_job(), waiting_for_worker(), closed):
        with pytest.raises(Refused):
            decide(job, happening, after(1))


def test_a_slot_makes_a_submission_and_asks_for_a_worker():
    decision = decide(a_job(), SlotGranted(), NOON)
    assert (decision.job.waiting_for, decision.job.submission) == ("worker", 1)
    assert decision.job.holds_slot
    assert kinds(decision) == [EffectKind.SUBMIT]
    assert decision.events == ()


def test_a_slot_is_not_granted_twice():
    with pytest.raises(Refused):
        decide(waiting_for_worker(), SlotGranted(), NOON)


def test_a_claim_makes_the_attempt_under_the_next_fence():
    decision = decide(waiting_for_worker(), Claimed("n1", "r1"), after(5))
    job = decision.job
    assert (job.status, job.fence, job.nonce, job.stage) == ("running", 1, "n1", "prepare")
    assert job.started_at == after(5)
    assert job.attempt_deadline_at == after(105)
    assert decision.events == ("started",)


def test_an_attempts_deadline_is_not_past_the_jobs():
    job = running(after(10), deadline_at=after(60))
    assert job.attempt_deadline_at == after(60)


def test_the_same_nonce_again_is_the_same_attempt():
    job = running()
    again = decide(job, Claimed("n1", "r1"), after(2))
    assert again.job.fence == 1
    assert again.events == ()


def test_another_nonce_is_refused_while_the_attempt_lives():
    with pytest.raises(Refused):
        decide(running(), Claimed("n2", "r2"), after(2))


def test_a_worker_that_comes_before_its_submission_was_answered_is_welcome():
    assert decide(a_job(), Claimed("n1", "r1"), NOON).job.holds_slot


def test_a_spent_nonce_claims_no_more():
    with pytest.raises(Refused):
        decide(waiting_for_worker(), Claimed("n1", "r1", nonce_spent=True), NOON)


def test_a_claim_waits_for_the_retrys_time():
    job = decide(running(), AttemptLost("worker_lost"), after(1)).job
    with pytest.raises(Refused):
        decide(job, Claimed("n2", "r2"), job.retry_at - timedelta(microseconds=1))
    assert decide(job, Claimed("n2", "r2"), job.retry_at).job.fence == 2


def test_a_claim_past_the_deadline_is_refused():
    with pytest.raises(Refused):
        decide(waiting_for_worker(), Claimed("n1", "r1"), after(3600))


def test_a_new_stage_is_an_event_and_an_old_or_unknown_one_is_not():
    job = decide(running(), ProgressReported("render", 0.2), after(1))
    back = decide(job.job, ProgressReported("prepare", 0.2), after(2))
    strange = decide(job.job, ProgressReported("dance", 0.2), after(2))
    assert (job.events, job.job.stage) == (("stage",), "render")
    assert (back.events, back.job.stage) == ((), "render")
    assert (strange.events, strange.job.stage) == ((), "render")


@pytest.mark.parametrize(
    ("progress", "seconds", "events"),
    [
        (0.05, 2.0, ("progress",)),
        (0.05, 1.9, ()),
        (0.009, 30.0, ()),
        (0.01, 2.0, ("progress",)),
    ],
)
def test_progress_is_an_event_when_it_grew_enough_after_long_enough(progress, seconds, events):
    decision = decide(running(), ProgressReported("prepare", progress), after(seconds))
    assert decision.events == events


@given(st.lists(st.tuples(st.sampled_from(["prepare", "render", "x"]), st.floats(0, 1))))
def test_d137_progress_never_goes_back_and_is_1_only_with_success(reports):
    job, last = running(), 0.0
    for number, (stage, progress) in enumerate(reports):
        job = decide(job, ProgressReported(stage, progress), after(3 * number)).job
        assert last <= job.progress < 1.0
        last = job.progress
    lost = decide(job, AttemptLost("worker_lost"), after(1000)).job
    assert lost.progress == last
    again = decide(lost, Claimed("n2", "r2"), lost.retry_at).job
    done = decide(again, AttemptSucceeded({}, ()), after(2000)).job
    assert (again.progress, done.progress) == (last, 1.0)


def test_a_warning_is_an_event_once():
    warning = WarningReported(JobWarning("crop_clamped", "Moved inside."))
    first = decide(running(), warning, after(1))
    second = decide(first.job, warning, after(2))
    assert (first.events, second.events) == (("warning",), ())
    assert len(second.job.warnings) == 1


def test_a_checkpoint_outlives_its_attempt():
    job = decide(running(), CheckpointReported({"at": 3}), after(1)).job
    assert decide(job, AttemptLost("worker_lost"), after(2)).job.checkpoint == {"at": 3}


def test_success_ends_the_job_and_gives_its_slot_to_others():
    decision = decide(running(), AttemptSucceeded({"frames": 3}, ()), after(9))
    job = decision.job
    assert (job.status, job.result, job.finished_at) == ("succeeded", {"frames": 3}, after(9))
    assert not job.holds_slot
    assert decision.events == ("succeeded",)
    assert kinds(decision) == [
        EffectKind.SETTLE,
        EffectKind.SWEEP,
        EffectKind.DISPATCH,
        EffectKind.WEBHOOK,
    ]


@pytest.mark.parametrize("code", [code for code, row in FAILURES.items() if row.retryable])
def test_a_retryable_failure_puts_the_job_back_while_attempts_are_left(code):
    job = running(max_attempts=2)
    again = decide(job, AttemptFailed(code, "x"), after(1))
    assert (again.job.status, again.events) == ("queued", ("requeued",))
    assert after(1) <= again.job.retry_at <= after(1 + pause_ceiling_s(0))
    last = decide(again.job, Claimed("n2", "r2"), again.job.retry_at).job
    failed = decide(last, AttemptFailed(code, "x"), after(10))
    assert (failed.job.status, failed.job.error.code) == ("failed", code)


@pytest.mark.parametrize("code", [code for code, row in FAILURES.items() if not row.retryable])
def test_any_other_failure_ends_the_job_and_says_whose_move_it_is(code):
    failed = decide(running(), AttemptFailed(code, "Do this.", "render"), after(1)).job
    assert failed.status is Status.FAILED
    assert failed.error.who == FAILURES[code].who
    assert (failed.error.message, failed.error.stage) == ("Do this.", "render")


def test_a_code_nobody_knows_is_internal_and_its_words_are_not_shown():
    failed = decide(running(), AttemptFailed("sesame", "/etc/passwd"), after(1)).job
    assert failed.error.code == "internal"
    assert "/etc" not in failed.error.message


def test_a_lost_attempt_is_closed_and_runpod_is_told():
    decision = decide(running(), AttemptLost("worker_lost"), after(70))
    assert decision.job.attempt_state is AttemptState.LOST
    assert not decision.job.holds_slot
    assert EffectKind.CANCEL in kinds(decision)


def test_stopping_at_the_attempts_deadline_is_a_timeout_before_it_a_lost_worker():
    job = running(max_attempts=1)
    late = decide(job, AttemptStopped(), after(100)).job
    early = decide(job, AttemptStopped(), after(50)).job
    assert (late.error.code, early.error.code) == ("timeout", "worker_lost")


def test_an_attempt_that_fails_past_the_deadline_expires_the_job():
    job = running(deadline_at=after(30))
    assert decide(job, AttemptLost("timeout"), after(30)).job.status is Status.EXPIRED


def test_cancelling_a_running_job_stops_it_everywhere():
    decision = decide(running(), CancelAsked(), after(4))
    job = decision.job
    assert (job.status, job.attempt_state) == ("cancelled", AttemptState.ENDED)
    assert kinds(decision) == [
        EffectKind.SETTLE,
        EffectKind.SWEEP,
        EffectKind.CANCEL,
        EffectKind.DISPATCH,
        EffectKind.WEBHOOK,
    ]


ENDS = {
    "job.succeeded": AttemptSucceeded({"frames": 3}, ()),
    "job.failed": AttemptFailed("input_unreadable", "It is no video."),
    "job.cancelled": CancelAsked(),
    "job.expired": DeadlinePassed(),
}


@pytest.mark.parametrize("event_type", ENDS)
def test_d99_an_end_leaves_its_announcement_with_the_snapshot_of_its_event(event_type):
    at = after(7200)  # past the deadline, or nothing could expire
    job = running() if event_type == "job.expired" else running(deadline_at=after(9000))
    decision = decide(job, ENDS[event_type], at)
    [said] = [each for each in decision.effects if each.kind is EffectKind.WEBHOOK]
    assert said.id == f"webhook:evt_{job.id}"
    assert said.body == {
        "event_id": f"evt_{job.id}",
        "tenant": "default",
        "type": event_type,
        "data": {"job": snapshot(decision.job)},
        "at": at.isoformat(),
        "trace": job.trace,
    }


@pytest.mark.parametrize("event_type", ENDS)
def test_an_end_that_nobody_is_to_hear_of_is_not_announced(event_type):
    job = running(webhook=False, deadline_at=after(9000))
    at = after(9001 if event_type == "job.expired" else 7200)
    assert EffectKind.WEBHOOK not in kinds(decide(job, ENDS[event_type], at))


def test_what_does_not_end_a_job_is_not_announced():
    decision = decide(running(), AttemptLost("worker_lost"), after(4))
    assert decision.job.status is Status.QUEUED
    assert EffectKind.WEBHOOK not in kinds(decision)


def test_the_bill_of_a_cancelled_attempt_waits_a_minute_for_its_last_word():
    settle = decide(running(), CancelAsked(), after(4)).effects[0]
    assert settle.due_at == after(64)


def test_cancelling_a_waiting_job_releases_the_reserve_of_the_attempt_it_never_made():
    settle = decide(a_job(), CancelAsked(), after(4)).effects[0]
    assert (settle.id, settle.due_at) == ("settle:j1:1", after(4))


def test_a_job_expires_at_its_deadline_and_not_before():
    with pytest.raises(Refused):
        decide(a_job(), DeadlinePassed(), after(3599))
    for job in (a_job(), waiting_for_worker(), running()):
        assert decide(job, DeadlinePassed(), after(3600)).job.status is Status.EXPIRED


def test_a_submission_that_runpod_forgot_is_followed_by_the_next():
    decision = decide(waiting_for_worker(), SubmissionGone(1), after(6))
    assert decision.job.submission == 2
    assert kinds(decision) == [EffectKind.SUBMIT]
    with pytest.raises(Refused):
        decide(decision.job, SubmissionGone(1), after(7))


def test_a_submission_refused_for_good_fails_the_job_and_names_no_caller():
    failed = decide(waiting_for_worker(), SubmissionRefused(1), after(1)).job
    assert (failed.status, failed.error.who) == ("failed", "operator")


def test_pauses_double_up_to_a_minute():
    assert [pause_ceiling_s(n) for n in range(7)] == [2, 4, 8, 16, 32, 60, 60]


@given(st.text(min_size=1, max_size=20), st.integers(1, 9))
def test_pauses_are_spread_and_the_same_when_decided_again(job_id, fence):
    job = replace(running(max_attempts=10), id=job_id, fence=fence)
    first = decide(job, AttemptLost("worker_lost"), NOON).job.retry_at
    again = decide(job, AttemptLost("worker_lost"), NOON).job.retry_at
    assert first == again
    assert 0 <= (first - NOON).total_seconds() <= pause_ceiling_s(fence - 1)
