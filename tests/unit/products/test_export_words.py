"""A job in the words of the exports surface, whatever state it is in."""

import json
from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.api.products.exports.projection import export_job, percent, project_of, word
from gateway.core.events import event_body
from gateway.core.job import Job, JobError, JobFile, JobOutput, JobWarning, Status
from gateway.core.surfaces import Surface
from gateway.ports.event_log import Event
from tests.support.jobs import NOON, a_job

FILE = JobFile("source", "a1", "input/j1/video.mp4", 9, "e", "video/mp4")
OUTPUT = JobOutput("video", "output/j1/2/overlay.mp4", "video/mp4", 9, "ab" * 32, "e")
FAULT = JobError("worker_lost", "The worker was lost.", "render", True, "nobody")
LATER = NOON + timedelta(seconds=5)
STAGES = ["prepare", "render", "upload", "persist"]


def an_export(**fields) -> Job:
    given = {
        "kind": "export.overlay",
        "files": (FILE,),
        "surface": Surface.EXPORTS,
        "labels": {"project_id": "7"},
    }
    return a_job(**{**given, **fields})


def shown(job: Job, at=LATER):
    event = Event(job.seq, "progress", event_body(job, "progress", at))
    return export_job(job, event)


CANONICAL = [
    *[(Status.QUEUED, attempt, None) for attempt in (0, 1, 2)],
    *[(Status.RUNNING, 1, stage) for stage in STAGES],
    *[(status, attempt, None) for status in Status for attempt in (0, 1)],
]
WORDS = {
    Status.RUNNING: "processing",
    Status.SUCCEEDED: "complete",
    Status.FAILED: "error",
    Status.CANCELLED: "error",
    Status.EXPIRED: "error",
}


@pytest.mark.parametrize(
    ("status", "attempt", "stage"),
    [each for each in CANONICAL if each[0] is not Status.QUEUED],
)
def test_every_state_has_its_word(status, attempt, stage):
    job = an_export(status=status, fence=attempt, stage=stage, error=FAULT)
    assert (shown(job)["status"], shown(job)["stage"]) == (WORDS[status], stage)


@pytest.mark.parametrize(
    ("attempt", "expected"), [(0, "pending"), (1, "processing"), (2, "processing")]
)
def test_a_job_is_pending_before_its_first_attempt_only(attempt, expected):
    assert word(Status.QUEUED, attempt) == expected
    assert shown(an_export(fence=attempt))["status"] == expected


def test_who_waits_for_another_attempt_is_shown_preparing_and_not_before_the_first():
    stages = [shown(an_export(fence=attempt))["stage"] for attempt in (0, 1, 2)]
    assert stages == [None, "prepare", "prepare"]


@pytest.mark.parametrize(
    ("status", "code", "retryable"),
    [
        (Status.FAILED, "worker_lost", True),
        (Status.CANCELLED, "cancelled", False),
        (Status.EXPIRED, "expired", True),
    ],
)
def test_every_bad_end_says_why(status, code, retryable):
    error = FAULT if status is Status.FAILED else None
    seen = shown(an_export(status=status, error=error, finished_at=LATER))
    assert (seen["error_code"], seen["retryable"]) == (code, retryable)
    assert seen["error"].endswith(".")
    assert seen["output_video_key"] is None


@pytest.mark.parametrize("status", [Status.QUEUED, Status.RUNNING, Status.SUCCEEDED])
def test_a_job_without_a_fault_names_none(status):
    seen = shown(an_export(status=status, outputs=(OUTPUT,)))
    assert (seen["error"], seen["error_code"], seen["retryable"]) == (None, None, None)


def test_s4_6_a_job_object_has_all_that_is_said_of_it():
    job = an_export(
        status=Status.SUCCEEDED,
        fence=2,
        progress=1.0,
        outputs=(OUTPUT,),
        warnings=(JobWarning("crop_clamped", "The crop was moved inside."),),
        finished_at=LATER,
    )
    assert shown(job) == {
        "job_id": "j1",
        "project_id": 7,
        "type": "overlay",
        "status": "complete",
        "progress": 100,
        "stage": None,
        "input_video_key": "input/j1/video.mp4",
        "output_video_key": "output/j1/2/overlay.mp4",
        "error": None,
        "error_code": None,
        "retryable": None,
        "warnings": [{"code": "crop_clamped", "message": "The crop was moved inside."}],
        "created_at": "2026-11-21T12:00:00.000000Z",
        "updated_at": "2026-11-21T12:00:05.000000Z",
        "completed_at": "2026-11-21T12:00:05.000000Z",
    }


def test_what_changes_is_the_events_and_not_the_rows():
    then = an_export(status=Status.RUNNING, fence=1, progress=0.25, stage="render")
    event = Event(3, "progress", event_body(then, "progress", LATER))
    now = replace(then, status=Status.SUCCEEDED, progress=1.0, outputs=(OUTPUT,))
    seen = export_job(now, event)
    assert (seen["status"], seen["progress"], seen["stage"]) == ("processing", 25, "render")
    assert seen["output_video_key"] is None


@given(st.floats(0, 1), st.sampled_from(Status))
def test_a_hundred_percent_is_reached_with_success_alone(progress, status):
    whole = percent(status, round(progress, 4))
    assert 0 <= whole <= 100
    assert (whole == 100) == (status is Status.SUCCEEDED)


@given(st.lists(st.floats(0, 1), min_size=2))
def test_progress_that_never_goes_down_is_shown_never_going_down(steps):
    seen = [
        shown(an_export(status=Status.RUNNING, fence=1, progress=step))["progress"]
        for step in sorted(steps)
    ]
    assert seen == sorted(seen)


@pytest.mark.parametrize(
    ("progress", "whole"), [(0.0, 0), (0.0099, 0), (0.29, 29), (0.4199, 41), (0.9999, 99)]
)
def test_percents_are_whole_and_rounded_down(progress, whole):
    assert percent(Status.RUNNING, progress) == whole


@pytest.mark.parametrize("labels", [{}, {"project_id": "7"}, {"project_id": "seven"}])
def test_a_job_of_another_surface_is_of_no_project(labels):
    assert project_of(an_export(surface=Surface.V1, labels=labels)) is None


def test_a_job_object_is_plain_json():
    assert json.loads(json.dumps(shown(an_export()))) == shown(an_export())
