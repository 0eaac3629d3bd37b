import subprocess
import sys

import pytest

from gpu_worker.transfers.scratch import hold_scratch

# Holds its scratch, says so, and waits to be killed.
HOLDER = """
import signal, sys
from pathlib import Path
from gpu_worker.transfers.scratch import hold_scratch
with hold_scratch(Path(sys.argv[1]), "other") as scratch:
    (scratch.home / "left").write_text("behind")
    sys.stdout.write("held\\n")
    sys.stdout.flush()
    signal.pause()
"""


@pytest.fixture
def other_worker(tmp_path):
    """Another worker's process, which holds its scratch below the same root."""
    command = [sys.executable, "-c", HOLDER, str(tmp_path)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout.readline() == "held\n"
        yield process
        process.kill()


async def test_an_attempts_directories_are_empty_private_and_gone_afterwards(tmp_path):
    with hold_scratch(tmp_path, "w1") as scratch:
        async with scratch.place("job-1", 3) as place:
            assert list(place.inputs.iterdir()) == list(place.work.iterdir()) == []
            assert place.work.stat().st_mode & 0o777 == 0o700
            (place.work / "deep" / "er").mkdir(parents=True)
            (place.work / "deep" / "er" / "file").write_text("x")
        assert list(scratch.home.iterdir()) == []


async def test_an_attempts_directories_are_gone_also_after_an_error(tmp_path):
    with hold_scratch(tmp_path, "w1") as scratch:
        with pytest.raises(RuntimeError):
            async with scratch.place("job-1", 3):
                raise RuntimeError
        assert list(scratch.home.iterdir()) == []


async def test_two_fences_of_one_job_do_not_share_a_directory(tmp_path):
    with hold_scratch(tmp_path, "w1") as scratch:
        async with scratch.place("job-1", 3) as old, scratch.place("job-1", 4) as new:
            assert old.work != new.work


async def test_a_link_out_of_scratch_is_removed_and_not_followed(tmp_path):
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "kept").write_text("x")
    with hold_scratch(tmp_path / "root", "w1") as scratch:
        async with scratch.place("job-1", 3) as place:
            (place.work / "link").symlink_to(outside)
    assert (outside / "kept").exists()


def test_when_a_worker_ends_its_part_of_the_root_is_gone(tmp_path):
    with hold_scratch(tmp_path, "w1"):
        pass
    assert [path.name for path in tmp_path.iterdir()] == [".sweeping"]


def test_at_boot_what_a_killed_worker_left_is_swept(tmp_path, other_worker):
    other_worker.kill()
    other_worker.wait()
    assert (tmp_path / "other" / "left").exists()

    with hold_scratch(tmp_path, "w1") as scratch:
        assert scratch.home.exists()
        assert not (tmp_path / "other").exists()
        assert not (tmp_path / "other.lock").exists()


def test_at_boot_a_worker_that_lives_keeps_its_scratch(tmp_path, other_worker):
    with hold_scratch(tmp_path, "w1"):
        assert other_worker.poll() is None
        assert (tmp_path / "other" / "left").exists()
