"""`cutroom export` and `cutroom watch`, against a gateway that is none."""

import hashlib
import json
import os
from pathlib import Path

import pytest
import typer

from cli.export import _or_cancelled
from client import Cutroom
from tests.support.fake_v1 import API_KEY, FakeV1, log, problem, snapshot

MADE = b"an exported video"


@pytest.fixture
def clip(folder: Path) -> str:
    (folder / "clip.mp4").write_bytes(b"footage")
    return "clip.mp4"


@pytest.fixture
def done(fake: FakeV1) -> FakeV1:
    """The same gateway, whose job succeeds."""
    fake.events = log("queued", "started", "succeeded")
    fake.job = snapshot(
        2,
        "succeeded",
        started_at="2026-11-01T10:00:02.500000Z",
        finished_at="2026-11-01T10:00:06.500000Z",
        result={"frames": 250},
        cost={"estimated_usd": "0.0011", "reserved_usd": "0", "actual_usd": "0.0012"},
        outputs=[
            {
                "name": "video",
                "content_type": "video/mp4",
                "size_bytes": len(MADE),
                "sha256": hashlib.sha256(MADE).hexdigest(),
                "url": f"{os.environ['CUTROOM_URL']}/bucket/out",
            }
        ],
    )
    return fake


def submitted(fake: FakeV1) -> dict:
    (body,) = (body for _, path, _, body in fake.asked if path == "/v1/jobs")
    return json.loads(body)


def test_an_export_writes_the_file_and_says_what_it_took(done, clip, cutroom):
    said = cutroom("export", "framing", clip, "-o", "out.mp4")
    assert said.exit_code == 0, said.output
    assert Path("out.mp4").read_bytes() == MADE
    assert done.objects["up-1"] == b"footage"
    assert "250 frames, 2.5 s queued, 4.0 s running, $0.0012" in said.output


def test_a_framing_is_asked_for_as_it_was_typed(done, clip, cutroom):
    options = ("--crop", "262,0,243,432", "--start", "1.5", "--end", "4", "--size", "270x480")
    cutroom("export", "framing", clip, "-o", "out.mp4", *options)
    asked = submitted(done)
    assert asked["kind"] == "export.framing"
    assert asked["input"] == {
        "source": {"asset_id": "asset-1"},
        "crop_keyframes": [{"frame": 0, "x": 262, "y": 0, "width": 243, "height": 432}],
        "start_time": 1.5,
        "end_time": 4.0,
        "output_width": 270,
        "output_height": 480,
    }


def test_an_overlay_takes_its_regions_from_a_file(done, clip, cutroom):
    region = {"start_frame": 0, "end_frame": 9, "x": 1, "y": 2, "radius_x": 3, "radius_y": 4}
    Path("regions.json").write_text(json.dumps([region]))
    cutroom(
        *("export", "overlay", clip, "-o", "out.mp4"),
        *("--regions", "regions.json", "--effect", "tint"),
    )
    asked = submitted(done)
    assert asked["kind"] == "export.overlay"
    assert asked["input"]["highlight_regions"] == [region]
    assert asked["input"]["effect_type"] == "tint"


@pytest.mark.parametrize(
    ("options", "why"),
    [
        (("--size", "1080"), "--size is"),
        (("--crop", "1,2,3"), "--crop is"),
        (("--crop", "1,2,3,4", "--keyframes", "list.json"), "not both"),
        (("--keyframes", "object.json"), "holds no list"),
        (("--keyframes", "clip.mp4"), "is not JSON"),
    ],
)
def test_what_cannot_be_meant_is_refused_before_anything_is_sent(
    fake, clip, cutroom, options, why
):
    Path("list.json").write_text("[]")
    Path("object.json").write_text("{}")
    said = cutroom("export", "framing", clip, "-o", "out.mp4", *options)
    assert said.exit_code == 2
    assert why in said.stderr
    assert fake.asked == []


def test_a_refusal_names_each_field(fake, clip, cutroom):
    fake.answers["/v1/jobs"] = [problem(422, "validation_failed")]
    said = cutroom("export", "framing", clip, "-o", "out.mp4")
    assert said.exit_code == 1
    assert "It is validation_failed. (validation_failed)" in said.stderr
    assert "input.ratio.0: is too large" in said.stderr


def test_a_failed_job_says_why_and_writes_nothing(fake, clip, cutroom):
    error = {"code": "input_unreadable", "message": "The file cannot be read."}
    fake.events = log("queued", "failed")
    fake.job = snapshot(1, "failed", error=error)
    said = cutroom("export", "framing", clip, "-o", "out.mp4")
    assert said.exit_code == 3
    assert "The file cannot be read. (input_unreadable)" in said.stderr
    assert not Path("out.mp4").exists()


def test_nothing_a_command_says_holds_a_key_or_a_signature(done, clip, cutroom):
    said = cutroom("export", "framing", clip, "-o", "out.mp4")
    assert API_KEY not in said.output
    assert "X-Amz" not in said.output


def test_an_interrupted_export_cancels_its_job(fake):
    def work():
        raise KeyboardInterrupt

    with Cutroom(os.environ["CUTROOM_URL"], API_KEY) as client:
        job = client.job("job-1")
        with pytest.raises(typer.Exit) as ended:
            _or_cancelled(client, job, work)
    assert ended.value.exit_code == 130
    assert ("POST", "/v1/jobs/job-1/cancel") in [each[:2] for each in fake.asked]


def test_an_output_is_fetched_later_too(done, cutroom):
    said = cutroom("jobs", "download", "job-1", "-o", "later.mp4")
    assert (said.exit_code, said.stdout) == (0, "later.mp4\n")
    assert Path("later.mp4").read_bytes() == MADE


def test_a_failed_job_has_nothing_to_fetch(fake, cutroom):
    error = {"code": "input_unreadable", "message": "The file cannot be read."}
    fake.job = snapshot(1, "failed", error=error)
    said = cutroom("jobs", "download", "job-1", "-o", "later.mp4")
    assert said.exit_code == 3
    assert "input_unreadable" in said.stderr


def test_a_finished_job_is_shown_with_its_files_and_without_their_urls(done, cutroom):
    shown, told = cutroom("jobs", "show", "job-1"), cutroom("jobs", "show", "job-1", "--json")
    (output,) = json.loads(told.stdout)["outputs"]
    assert hashlib.sha256(MADE).hexdigest() in shown.stdout
    assert output["size_bytes"] == len(MADE)
    assert "/bucket/out" not in shown.output + told.output


def test_a_retry_is_watched_to_its_end(done, cutroom):
    said = cutroom("jobs", "retry", "job-0", "--watch")
    assert (said.exit_code, said.stdout) == (0, "job-1\n")
    assert "250 frames" in said.stderr


def test_a_fault_of_the_server_is_said_with_the_requests_id(fake, cutroom):
    fake.answers["/v1/jobs/job-1"] = [problem(500, "internal")]
    said = cutroom("jobs", "show", "job-1")
    assert said.exit_code == 1
    assert "request request-1" in said.stderr


def test_watching_a_finished_job_sums_it_up(done, cutroom):
    said = cutroom("watch", "job-1")
    assert said.exit_code == 0
    assert "250 frames" in said.output


def test_watching_a_foreign_job_fails(fake, cutroom):
    fake.answers["/v1/jobs/job-1"] = [problem(404, "not_found")]
    said = cutroom("watch", "job-1")
    assert said.exit_code == 1
    assert "not_found" in said.stderr
