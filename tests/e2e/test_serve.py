"""`cutroom serve`: what it announces is true, and nothing outlives it."""

import signal
import stat
from pathlib import Path
from typing import Any

import httpx
import psutil
import pytest

from client import ApiProblem, Cutroom
from tests.support.programs import SAMPLE, Program, running, still_alive, until, until_served

pytestmark = pytest.mark.processes

FRAMING = {"crop_keyframes": None, "output_width": 1080, "output_height": 1920}


@pytest.fixture
def folder(tmp_path: Path, kernel_cache: Path) -> Path:
    """An empty folder, but for kernels that need not be compiled again."""
    (tmp_path / "build").mkdir()
    (tmp_path / "build/kernels").symlink_to(kernel_cache)
    return tmp_path


def serving(folder: Path, name: str = "serve.out") -> Any:
    return running(folder / name, folder, "serve", "--workers", "1")


def workers(program: Program) -> list[psutil.Process]:
    return [each for each in program.family() if "gpu_worker.handler" in each.cmdline()]


def test_serve_announces_itself_once_all_answers_and_a_stop_leaves_nothing(folder: Path):
    with serving(folder) as program:
        said = until_served(program, folder)
        file = folder / "build/serve.json"
        ready = httpx.get(f"{said['base_url']}/readyz", timeout=10)
        mode = stat.S_IMODE(file.stat().st_mode)
        log = Path(said["log"]).read_text()
        with serving(folder, "second.out") as second:
            refused = second.ended()
        announced = file.exists()
        family = program.family()
        program.tell(signal.SIGTERM)
        status = program.ended()
    assert ready.status_code == 200
    assert (said["pid"], mode) == (program.pid, 0o600)
    assert said["api_key"] not in log
    assert len(family) >= 2
    assert refused == 1
    assert "runs in this folder already" in second.said
    assert announced
    assert status == 0
    assert still_alive(family) == []
    assert not file.exists()
    assert said["api_key"] not in program.said


def test_jobs_outlive_a_stop_in_the_middle_and_are_their_tenants_alone(folder: Path):
    with serving(folder) as program:
        said = until_served(program, folder)
        with Cutroom(said["base_url"], said["api_key"]) as cutroom:
            asset = cutroom.upload(SAMPLE)
            source = {"source": {"asset_id": asset.asset_id}}
            job = cutroom.submit("export.framing", source | FRAMING)
            until(program, lambda: cutroom.job(job.id).stage == "render")
        with Cutroom(said["base_url"], said["second_api_key"]) as neighbour:
            with pytest.raises(ApiProblem) as hidden:
                neighbour.job(job.id)
            with pytest.raises(ApiProblem) as unusable:
                neighbour.submit("export.framing", source | FRAMING)
        family = program.family()
        at_work = workers(program)
        program.tell(signal.SIGINT)
        status = program.ended()
    assert (hidden.value.status, unusable.value.status) == (404, 404)
    assert at_work  # the job was in the middle of it
    assert status == 0
    assert still_alive(family) == []
    with serving(folder, "again.out") as program:
        again = until_served(program, folder)
        with Cutroom(again["base_url"], again["api_key"]) as cutroom:
            found = cutroom.job(job.id)
            cancelled = cutroom.cancel(job.id)
    assert again["second_api_key"] == said["second_api_key"]
    assert found.status in {"running", "queued"}
    assert cancelled.status == "cancelled"


def test_a_killed_serve_leaves_nothing_either(folder: Path):
    with serving(folder) as program:
        said = until_served(program, folder)
        with Cutroom(said["base_url"], said["api_key"]) as cutroom:
            asset = cutroom.upload(SAMPLE)
            source = {"source": {"asset_id": asset.asset_id}}
            cutroom.submit("export.framing", source | FRAMING)
            until(program, lambda: bool(workers(program)))
        family = program.family()
        program.tell(signal.SIGKILL)
        program.ended()
    assert still_alive(family) == []
