"""However the owner of an emulator ends, no worker process is left behind."""

import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest

from infra.local.runpod.leftovers import WorkerRecord, read_record, sweep, write_record

pytestmark = pytest.mark.processes

SUPPORT = Path(__file__).parents[1] / "support"
PATIENCE_S = 30.0


class Owner:
    """The owner's process, its reaper, and its worker's family of three."""

    def __init__(self, run_folder: Path) -> None:
        self.process = psutil.Popen(
            [
                sys.executable,
                str(SUPPORT / "runpod_owner.py"),
                str(run_folder),
                str(SUPPORT / "family.py"),
            ],
            stderr=subprocess.DEVNULL,
        )
        self.run_folder = run_folder
        self.family: list[psutil.Process] = []
        self.reaper: psutil.Process | None = None

    def wait_for_family(self) -> None:
        (said,) = until(lambda: list(self.run_folder.glob("*/family.txt")))
        self.family = [psutil.Process(int(pid)) for pid in said.read_text().split()]
        (self.reaper,) = (
            each
            for each in self.process.children()
            if "infra.local.runpod.reaper" in each.cmdline()
        )

    def end_everything(self) -> None:
        for each in [self.process, self.reaper, *self.family]:
            if each is not None and each.is_running():
                each.kill()
        self.process.wait(PATIENCE_S)


@pytest.fixture
def owner(tmp_path: Path) -> Iterator[Owner]:
    owner = Owner(tmp_path)
    try:
        owner.wait_for_family()
        yield owner
    finally:
        owner.end_everything()


def until(look: Callable[[], Any]) -> Any:
    give_up_at = time.monotonic() + PATIENCE_S
    while not (found := look()):
        assert time.monotonic() < give_up_at, "it never came"
        time.sleep(0.01)
    return found


def alive(processes: list[psutil.Process]) -> list[int]:
    return [
        each.pid
        for each in processes
        if each.is_running() and each.status() != psutil.STATUS_ZOMBIE
    ]


@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGINT])
def test_an_owner_that_is_told_to_end_takes_its_workers_along(
    owner: Owner, how: signal.Signals
) -> None:
    owner.process.send_signal(how)
    status = owner.process.wait(PATIENCE_S)

    assert status == 0
    assert alive(owner.family) == []
    assert not owner.reaper.is_running()


def test_the_workers_of_a_killed_owner_are_reaped(owner: Owner) -> None:
    owner.process.kill()
    owner.process.wait(PATIENCE_S)

    until(lambda: not alive(owner.family))


def test_what_outlives_owner_and_reaper_is_swept_by_the_next_start(
    owner: Owner, tmp_path: Path
) -> None:
    owner.reaper.kill()
    owner.process.kill()
    owner.process.wait(PATIENCE_S)
    leader, *orphans = owner.family
    until(lambda: not alive([leader]))
    assert len(alive(orphans)) == 2

    swept = sweep(tmp_path)

    assert swept == 1
    assert alive(orphans) == []
    assert list(tmp_path.glob("*/worker.json")) == []


def test_a_stranger_under_a_noted_number_is_left_alone(owner: Owner, tmp_path: Path) -> None:
    noted = read_record(next(tmp_path.glob("pod-*")))
    elsewhere = tmp_path / "other-run" / "pod-1"
    elsewhere.mkdir(parents=True)
    write_record(
        elsewhere,
        WorkerRecord("pod-1", noted.session, noted.start_ticks + 1, noted.boot_id),
    )

    swept = sweep(tmp_path / "other-run")

    assert swept == 0
    assert len(alive(owner.family)) == 3
