"""`cutroom upload` and `cutroom jobs` against the real gateway and store."""

import json
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from click.testing import Result
from typer.testing import CliRunner

from cli.main import app
from client import Cutroom
from infra.local.object_store import Wrong
from tests.support.real_v1 import API_KEY, RealV1, real_v1, sparse_mp4

Cli = Callable[..., Result]


@pytest.fixture(scope="module")
def real(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RealV1]:
    with real_v1(tmp_path_factory.mktemp("real")) as gateway:
        yield gateway


@pytest.fixture
def cutroom(real: RealV1, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Cli:
    """A command's run in an empty folder, at the real gateway."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("CUTROOM_URL", real.base_url)
    monkeypatch.setenv("CUTROOM_API_KEY", API_KEY)

    def run(*arguments: str) -> Result:
        return CliRunner().invoke(app, list(arguments))

    return run


@pytest.fixture(scope="module")
def client(real: RealV1) -> Iterator[Cutroom]:
    with Cutroom(real.base_url, API_KEY) as client:
        yield client


@pytest.fixture(scope="module")
def asset_id(client: Cutroom, tmp_path_factory: pytest.TempPathFactory) -> str:
    clip = sparse_mp4(tmp_path_factory.mktemp("clip") / "clip.mp4", 1000)
    return client.upload(clip).asset_id


@pytest.fixture
def submit(client: Cutroom, asset_id: str) -> Callable[..., str]:
    def hand_in(**labels: str) -> str:
        source = {"source": {"asset_id": asset_id}, "crop_keyframes": None}
        return client.submit("export.framing", source, labels=labels).id

    return hand_in


def test_an_upload_prints_the_assets_id_and_nothing_else_on_stdout(cutroom, client):
    sparse_mp4(Path("clip.mp4"), 1000)
    said = cutroom("upload", "clip.mp4")
    assert said.exit_code == 0, said.output
    assert client.asset(said.stdout.strip()).size_bytes == 1000
    assert "upload" in said.stderr


def test_an_upload_is_printed_for_a_program(cutroom):
    sparse_mp4(Path("clip.mp4"), 1000)
    said = cutroom("upload", "clip.mp4", "--json")
    assert json.loads(said.stdout)["content_type"] == "video/mp4"


def test_an_upload_that_broke_off_says_how_to_go_on_and_does(cutroom, real):
    sparse_mp4(Path("clip.mp4"), 64 * 2**20)
    real.store.faults.add(Wrong.UNAVAILABLE, method="PUT", times=1000)
    failed = cutroom("upload", "clip.mp4")
    real.store.faults.clear()
    assert failed.exit_code == 1
    command = failed.stderr.partition("go on with: ")[2].splitlines()[0]
    done = cutroom(*command.split()[1:])
    assert done.exit_code == 0, done.output
    assert done.stdout.strip()


def test_jobs_are_listed_with_complete_ids_newest_first(cutroom, submit):
    first, second = submit(batch="list"), submit(batch="list")
    said = cutroom("jobs", "list", "--label", "batch=list")
    # What is too long for its column goes on in a line that begins with blanks.
    lines = [line for line in said.stdout.splitlines() if not line.startswith(" ")]
    assert [line.split()[0] for line in lines[1:]] == [second, first]
    assert "batch=list" in lines[1]


def test_jobs_are_listed_for_a_program_narrowed_by_all_that_is_said(cutroom, client, submit):
    kept, ended = submit(batch="json", take="1"), submit(batch="json", take="1")
    client.cancel(ended)
    asked = ("--label", "batch=json", "--label", "take=1", "--status", "queued", "-n", "5")
    said = cutroom("jobs", "list", "--json", *asked)
    (job,) = json.loads(said.stdout)
    assert (job["id"], job["labels"]) == (kept, {"batch": "json", "take": "1"})


def test_no_jobs_are_an_empty_list_for_a_program_and_a_word_for_people(cutroom):
    none = ("--kind", "export.nothing")
    assert json.loads(cutroom("jobs", "list", "--json", *none).stdout) == []
    said = cutroom("jobs", "list", *none)
    assert (said.stdout, said.exit_code) == ("", 0)
    assert "no jobs" in said.stderr


def test_a_job_is_shown_line_by_line(cutroom, submit):
    job_id = submit(batch="show")
    said = cutroom("jobs", "show", job_id)
    assert job_id in said.stdout
    assert "queued for slot" in said.stdout
    assert "batch=show" in said.stdout


def test_a_job_is_cancelled_made_again_and_deleted(cutroom, client, submit):
    job_id = submit()
    assert f"{job_id} cancelled" in cutroom("jobs", "cancel", job_id).stdout
    again = cutroom("jobs", "retry", job_id).stdout.strip()
    assert client.job(again).retry_of == job_id
    assert cutroom("jobs", "delete", job_id, "--yes").exit_code == 0
    gone = cutroom("jobs", "show", job_id)
    assert gone.exit_code == 1
    assert "not_found" in gone.stderr


def test_a_job_is_not_deleted_unasked_where_nobody_can_be_asked(cutroom, client, submit):
    job_id = submit()
    client.cancel(job_id)
    said = cutroom("jobs", "delete", job_id)
    assert said.exit_code == 2
    assert client.job(job_id).status == "cancelled"


def test_watching_for_a_program_gives_each_event_and_the_jobs_end_as_status(
    cutroom, client, submit
):
    job_id = submit()
    client.cancel(job_id)
    said = cutroom("watch", job_id, "--json")
    events = [json.loads(line) for line in said.stdout.splitlines()]
    assert [event["type"] for event in events] == ["queued", "cancelled"]
    assert said.exit_code == 3


def test_watching_a_job_that_did_not_succeed_says_so_by_its_status(cutroom, client, submit):
    job_id = submit()
    client.cancel(job_id)
    said = cutroom("watch", job_id)
    assert said.exit_code == 3
    assert "the job is cancelled" in said.stderr


@pytest.mark.parametrize(
    ("arguments", "status", "why"),
    [
        (("jobs", "retry", "{waiting}"), 1, "not_retryable"),
        (("jobs", "delete", "{waiting}", "--yes"), 1, "still_running"),
        (("jobs", "show", "nobody"), 1, "not_found"),
        (("jobs", "list", "--status", "sleeping"), 1, "status: "),
        (("jobs", "list", "--label", "batch"), 2, "NAME=VALUE"),
        (("jobs", "list", "--limit", "0"), 2, "limit"),
        (("jobs", "download", "{waiting}", "-o", "x.mp4"), 2, "has made nothing yet"),
        (("jobs", "list", "--api-key", "ck_aaaa_wrong"), 4, "unauthenticated"),
        (("upload", "nothing.mp4"), 2, "nothing.mp4"),
    ],
    ids=lambda value: value[1] if isinstance(value, tuple) else None,
)
def test_what_cannot_be_done_says_why_and_by_its_status(
    cutroom, submit, arguments, status, why
):
    waiting = submit()
    said = cutroom(*(each.format(waiting=waiting) for each in arguments))
    assert said.exit_code == status
    assert why in said.stderr
    assert said.stdout == ""


def test_each_command_tells_its_exit_statuses(cutroom):
    for command in ((), ("upload",), ("watch",), ("jobs", "list"), ("export", "framing")):
        assert "Exit status: 0 done" in cutroom(*command, "--help").stdout
