"""What a GPU can do is found in a process that may hang or die, and takes nobody along."""

import logging
import os
import sys
import time
from pathlib import Path

import pytest

from gpu_worker.hardware import NO_HARDWARE, Hardware
from gpu_worker.hardware_search import DEVICE_NODE, TRIALS, HardwareSearch, hardware_of

ALL = ["warp", "decode h264 8", "decode hevc 10", "encode h264"]
HERE = Path(__file__)  # a file that is there, as a device's node is


def saying(*lines: str, then: str = "") -> list[str]:
    """A process that prints lines, and then does something else."""
    said = "".join(f"print({line!r}, flush=True);" for line in lines)
    return [sys.executable, "-c", f"import os, time;{said}{then}"]


def can(name: str) -> str:
    return f'{{"can": "{name}"}}'


def come_true(what, within_s: float = 60) -> None:
    until_s = time.monotonic() + within_s
    while not what():
        assert time.monotonic() < until_s
        time.sleep(0.01)


def search(command: list[str], engine="auto", node: Path = HERE) -> HardwareSearch:
    return HardwareSearch(engine, os.environ, command, node)


def test_what_was_seen_to_work_is_found():
    found = search(saying(*map(can, ALL))).found(30)

    assert found == Hardware(
        warps=True,
        decodes=frozenset({"h264 8", "hevc 10"}),
        encodes=frozenset({"h264"}),
    )


def test_what_was_tried_in_vain_is_not_there():
    cannot = '{"cannot": "encode h264", "why": "no NVENC on this chip"}'

    assert search(saying(can("warp"), cannot)).found(30) == Hardware(warps=True)


def test_what_a_process_said_before_it_died_counts():
    dies = saying(can("warp"), '{"can": "dec', then="os.abort()")

    assert search(dies).found(30) == Hardware(warps=True)


def test_one_that_hangs_is_not_waited_for(tmp_path):
    said = tmp_path / "said"
    hanging = search(
        saying(can("warp"), then=f"open({str(said)!r}, 'w').close(); time.sleep(600)")
    )
    come_true(said.exists)

    assert hanging.found(0.01) == Hardware(warps=True)


def test_nonsense_is_no_hardware():
    assert search(saying("no JSON", "[1]", "3", can("fly"))).found(30) == NO_HARDWARE


def test_without_a_device_nothing_is_tried(tmp_path):
    marking = [sys.executable, "-c", f"open({str(tmp_path / 'tried')!r}, 'w')"]

    assert search(marking, node=tmp_path / "nvidiactl").found(30) == NO_HARDWARE
    assert search(marking, "cpu").found(30) == NO_HARDWARE
    assert not (tmp_path / "tried").exists()


def test_a_gpu_that_is_insisted_on_is_tried_anyway_and_missed_aloud(tmp_path, caplog):
    cannot = '{"cannot": "warp", "why": "CUDA driver library cannot be found"}'

    found = search(saying(cannot), "cuda", tmp_path / "nvidiactl").found(30)

    (record,) = [each for each in caplog.records if each.name.startswith("gpu_worker")]
    assert found == NO_HARDWARE
    assert (record.message, record.levelno) == ("engine.not_available", logging.ERROR)
    assert record.cannot == {"warp": "CUDA driver library cannot be found"}


def test_what_is_chosen_is_logged(caplog):
    caplog.set_level(logging.INFO)

    search(saying(can("warp"))).found(30)

    (record,) = [each for each in caplog.records if each.name.startswith("gpu_worker")]
    assert (record.message, record.engine, record.warps) == ("engine.chosen", "cuda", True)


@pytest.mark.skipif(DEVICE_NODE.exists(), reason="a GPU is here; tests/gpu asks what it can")
def test_the_trials_themselves_find_nothing_where_there_is_nothing():
    found = HardwareSearch("cuda", os.environ, TRIALS).found(120)

    assert found == NO_HARDWARE


def test_hardware_is_told_by_the_names_of_what_can():
    assert hardware_of([]) == NO_HARDWARE
    assert not hardware_of(["decode h264 8"]).any
    assert hardware_of(["encode av1"]).any
