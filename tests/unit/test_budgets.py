"""Budgets as arithmetic: periods, refusals, alerts, and what an attempt's end costs."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.core.budgets import (
    UNLIMITED_MICRO_USD,
    Budget,
    Caps,
    Limit,
    Refusal,
    Standing,
    alert_of,
    end_of,
    over_budget,
    periods_of,
    refusal,
)
from gateway.core.happenings import (
    AttemptFailed,
    AttemptLost,
    AttemptStopped,
    Claimed,
    Unfunded,
)
from gateway.core.job import Status
from gateway.core.lifecycle import decide
from tests.support.jobs import NOON, a_job

INSTANTS = st.integers(0, 30 * 366 * 86_400).map(lambda n: NOON + timedelta(seconds=n))
DAY, MONTH = "2026-11-21", "2026-11"


@given(at=INSTANTS)
def test_an_instant_is_before_the_end_of_its_periods_and_not_before_they_begin(at):
    for period in periods_of(at):
        assert at < end_of(period)
        assert period in periods_of(end_of(period) - timedelta(microseconds=1))
        assert period not in periods_of(end_of(period))


def test_a_day_is_one_of_utc_wherever_the_instant_was_written():
    tokyo = datetime(2026, 11, 22, 8, tzinfo=timezone(timedelta(hours=9)))
    assert periods_of(tokyo) == (DAY, MONTH)


@pytest.mark.parametrize(
    ("period", "end"),
    [
        ("2026-12-31", datetime(2027, 1, 1, tzinfo=UTC)),
        ("2026-12", datetime(2027, 1, 1, tzinfo=UTC)),
        ("2028-02", datetime(2028, 3, 1, tzinfo=UTC)),
        ("2028-02-28", datetime(2028, 2, 29, tzinfo=UTC)),
    ],
)
def test_a_period_ends_when_the_next_begins(period, end):
    assert end_of(period) == end


@given(
    cap=st.integers(0, 100),
    reserved=st.integers(0, 100),
    spent=st.integers(0, 100),
    asked=st.integers(0, 100),
)
def test_i06_what_fits_under_both_caps_is_not_refused_and_nothing_else(
    cap, reserved, spent, asked
):
    used = {DAY: Standing(reserved, spent), MONTH: Standing(reserved, spent)}
    fits = reserved + spent + asked <= cap
    of_day = refusal(Budget(cap), Caps(), used, asked, NOON)
    of_month = refusal(Budget(None, None), Caps(month_micro_usd=cap), used, asked, NOON)
    assert (of_day is None, of_month is None) == (fits, fits)
    assert fits or (of_day.limit, of_month.limit) == (Limit.DAY, Limit.MONTH)


def test_a_stop_goes_before_everything():
    found = refusal(Budget(stopped_at=NOON), Caps(0, 0), {}, 1, NOON)
    assert found.limit is Limit.STOP
    assert found.sentence == "Spending is stopped for this tenant."


@pytest.mark.parametrize(
    ("ends_in_s", "said_s"), [(0.2, 1), (90.5, 90), (86_400, 86_400), (20 * 86_400, 86_400)]
)
def test_nobody_is_asked_to_come_back_later_than_in_a_day(ends_in_s, said_s):
    found = Refusal(Limit.DAY, NOON + timedelta(seconds=ends_in_s), DAY, 5, 4, 2)
    error = over_budget("default", found, NOON)
    assert (error.what, error.retry_after_s) == ("budget_exceeded", said_s)
    assert "$0.0000" in error.public


def test_only_a_budget_that_is_nearly_used_is_used_up_by_a_refusal():
    def alert(used, cap=100):
        return alert_of("t", Refusal(Limit.MONTH, NOON, MONTH, cap, used, 50))

    assert alert(79) is None
    assert (alert(80).percent, alert(80).period) == (100, MONTH)
    assert alert_of("t", Refusal(Limit.STOP, NOON)) is None


def test_the_caps_that_hold_are_the_tenants_own_else_the_usual_ones():
    assert Budget(5, None).caps(Caps(7, 9)) == Caps(5, 9)
    assert Budget(UNLIMITED_MICRO_USD).caps(Caps(7, 9)) == Caps(UNLIMITED_MICRO_USD, 9)


def running(**fields):
    return decide(a_job(**fields), Claimed("n", "r"), NOON).job


LATER = NOON + timedelta(seconds=10)


@pytest.mark.parametrize(
    ("ended_by", "outcome"),
    [
        (AttemptFailed("storage_error", "x"), "storage_error"),
        (AttemptStopped(), "worker_lost"),
        (AttemptLost("timeout"), "timeout"),
    ],
)
def test_an_attempt_without_money_for_another_ends_the_job_under_its_own_outcome(
    ended_by, outcome
):
    decision = decide(running(), Unfunded(ended_by), LATER)
    assert decision.job.status is Status.FAILED
    assert (decision.job.error.code, decision.job.error.who) == ("budget_exceeded", "caller")
    assert (decision.events, decision.attempt_outcome) == (("failed",), outcome)


def test_a_failure_that_is_not_tried_again_is_no_matter_of_money():
    decision = decide(running(), Unfunded(AttemptFailed("input_unreadable", "x")), LATER)
    assert (decision.job.error.code, decision.job.error.message) == ("input_unreadable", "x")


def test_a_job_past_its_deadline_expires_whatever_money_there_is():
    job = replace(running(), deadline_at=LATER)
    assert decide(job, Unfunded(AttemptStopped()), LATER).job.status is Status.EXPIRED


def test_what_has_ended_counts_with_what_it_used_and_what_was_lost_with_its_reserve():
    failed = decide(running(), AttemptFailed("storage_error", ""), LATER).job
    lost = decide(running(), AttemptLost("worker_lost"), LATER).job
    slow = decide(running(), AttemptStopped(), NOON + timedelta(seconds=90)).job
    assert (failed.ended_micro_usd, lost.ended_micro_usd) == (310 * 11, 9000)
    assert slow.ended_micro_usd == 9000  # which is less than 90 s
