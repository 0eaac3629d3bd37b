"""When `cutroom serve` may start, and what it does with another one's announcement."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from cli.said_plainly import CommandFailed
from cli.serve import _clear_the_way, _withdraw
from infra.local.stack.config import StackConfig
from infra.local.stack.local_stack import LocalStack
from infra.local.stack.serving import StartFailed


def announcement(folder: Path, pid: int) -> Path:
    file = folder / "serve.json"
    file.write_text(json.dumps({"pid": pid}))
    return file


def test_what_a_killed_stack_left_is_removed(tmp_path):
    with subprocess.Popen([sys.executable, "-c", "", "serve"]) as dead:
        pass
    file = announcement(tmp_path, dead.pid)
    _clear_the_way(file)
    assert not file.exists()


def test_a_number_that_another_program_has_by_now_is_no_stack(tmp_path):
    file = announcement(tmp_path, os.getpid())
    _clear_the_way(file)
    assert not file.exists()


def test_a_stack_that_runs_is_left_alone(tmp_path):
    command = [sys.executable, "-c", "print(flush=True); input()", "serve"]
    both = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
    with subprocess.Popen(command, **both) as other:
        other.stdout.readline()  # it is itself by now
        file = announcement(tmp_path, other.pid)
        with pytest.raises(CommandFailed, match=str(other.pid)):
            _clear_the_way(file)
        other.kill()
    assert file.exists()


def test_only_its_own_announcement_is_withdrawn(tmp_path):
    other = announcement(tmp_path, 1)
    _withdraw(other)
    assert other.exists()
    _withdraw(announcement(tmp_path, os.getpid()))
    assert not other.exists()


async def test_a_folder_holds_one_stack(tmp_path):
    first = LocalStack(tmp_path, StackConfig())
    first.logs.mkdir(parents=True)
    first._lock()
    with pytest.raises(StartFailed, match="another stack"):
        async with LocalStack(tmp_path):
            pass
    await first._opened.aclose()
