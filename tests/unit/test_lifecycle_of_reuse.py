"""A job that is given an earlier one's result: the one way to succeed without an attempt."""

from dataclasses import replace

import pytest

from gateway.core.decision import MOVES, Refused
from gateway.core.happenings import (
    AttemptSucceeded,
    CancelAsked,
    Claimed,
    ResultReused,
    SlotGranted,
)
from gateway.core.job import JobOutput, JobWarning, Status
from gateway.core.lifecycle import decide
from tests.support.jobs import NOON, a_job

OUTPUT = JobOutput("video", "output/j0/1/video.mp4", "video/mp4", 5, "0" * 64, "e")


def after(job, *happenings):
    for happening in happenings:
        job = decide(job, happening, NOON).job
    return job


EARLIER = replace(
    after(
        a_job("j0"),
        *(SlotGranted(), Claimed("n", "r"), AttemptSucceeded({"n": 1}, (OUTPUT,), "f" * 64)),
    ),
    warnings=(JobWarning("w", "m"),),
)


def reused(earlier=EARLIER, **fields):
    return decide(a_job("j1", **fields), ResultReused(earlier), NOON)


def test_it_succeeds_with_what_the_earlier_job_made_and_was_told():
    job = reused().job
    assert (job.status, job.result, job.outputs) == (Status.SUCCEEDED, {"n": 1}, (OUTPUT,))
    assert (job.warnings, job.progress) == (EARLIER.warnings, 1.0)
    assert (job.reused_from, job.fingerprint) == ("j0", "f" * 64)
    assert (job.outputs_at, job.finished_at) == (EARLIER.outputs_at, NOON)
    assert Status.SUCCEEDED in MOVES[Status.QUEUED]


def test_it_reserves_nothing_asks_nobody_and_is_announced_as_any_other_end():
    decision = reused()
    job = decision.job
    assert (job.reserve_micro_usd, job.estimated_micro_usd) == (0, 0)
    assert (job.fence, job.submission, job.holds_slot, job.started_at) == (0, 0, False, None)
    assert (decision.events, job.seq) == (("succeeded",), 1)
    assert [effect.id for effect in decision.effects] == ["webhook:evt_j1"]
    assert reused(webhook=False).effects == ()


def test_a_result_that_was_reused_itself_names_the_job_that_made_it():
    second = replace(reused().job, id="j1")
    assert decide(a_job("j2"), ResultReused(second), NOON).job.reused_from == "j0"


@pytest.mark.parametrize(
    "other",
    [{"tenant": "other"}, {"kind": "k.b"}, {"kind_version": 2}],
    ids=lambda each: [*each],
)
def test_other_work_or_anothers_is_never_given(other):
    with pytest.raises(Refused):
        reused(**other)


@pytest.mark.parametrize(
    "happenings",
    [(SlotGranted(),), (SlotGranted(), Claimed("n", "r")), (CancelAsked(),)],
    ids=["asked for", "running", "cancelled"],
)
def test_a_job_that_has_begun_or_ended_is_given_nothing(happenings):
    job = after(a_job("j1"), *happenings)
    with pytest.raises(Refused):
        decide(job, ResultReused(EARLIER), NOON)


def test_a_job_that_made_nothing_gives_nothing():
    with pytest.raises(Refused):
        reused(after(a_job("j0"), CancelAsked()))
