"""What the README tells people to type works as printed."""

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import av
import pytest

from tests.support.programs import REPOSITORY, running, until_served

pytestmark = [
    pytest.mark.processes,
    pytest.mark.skipif(shutil.which("curl") is None, reason="the walk-through needs curl"),
]


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory, kernel_cache: Path) -> Iterator[Path]:
    """The folder that `cutroom serve` runs in, with the sample where the README has it."""
    folder = tmp_path_factory.mktemp("served")
    (folder / "infra").symlink_to(REPOSITORY / "infra")
    (folder / "build").mkdir()
    (folder / "build/kernels").symlink_to(kernel_cache)
    with running(folder / "serve.out", folder, "serve", "--workers", "1") as program:
        until_served(program, folder)
        yield folder


def code_in(section: str, language: str) -> str:
    """Return the first block of a section's code, as printed."""
    readme = (REPOSITORY / "README.md").read_text(encoding="utf-8")
    text = readme.partition(f"\n## {section}\n")[2]
    block = re.search(rf"```{language}\n(.*?)```", text, re.DOTALL)
    assert block is not None
    return block.group(1)


def run(folder: Path, *command: str | None) -> subprocess.CompletedProcess[str]:
    """Run a command as its reader would: in this folder, with our programs on the path."""
    programs = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    kept = {name: os.environ[name] for name in ("HOME",) if name in os.environ}
    return subprocess.run(
        command,
        check=False,
        cwd=folder,
        env=kept | {"PATH": programs},
        capture_output=True,
        text=True,
        timeout=120,
    )


def frames_of(path: Path) -> int:
    with av.open(path) as made:
        return sum(1 for _ in made.decode(video=0))


def test_the_walk_through_over_http_makes_the_file(served: Path):
    done = run(
        served, shutil.which("bash"), "-euo", "pipefail", "-c", code_in("Over HTTP", "bash")
    )
    assert done.returncode == 0, done.stderr
    assert "event: succeeded" in done.stdout
    # 15.04 s … 17.92 s at 12.5 frames a second
    assert frames_of(served / "build/cars.mp4") == 37


def test_the_walk_through_of_an_exports_app_makes_the_file(served: Path):
    names = code_in("Over HTTP", "bash").partition("\n\n")[0]
    script = f"{names}\n{code_in('As an exports app calls it', 'bash')}"
    done = run(served, shutil.which("bash"), "-euo", "pipefail", "-c", script)
    assert done.returncode == 0, done.stderr
    assert done.stdout == "complete\n"
    assert frames_of(served / "build/export.mp4") == 25


def test_the_walk_through_by_command_makes_the_file_and_fetches_it_again(served: Path):
    script = code_in("From the shell", "bash")
    done = run(served, shutil.which("bash"), "-euo", "pipefail", "-c", script)
    assert done.returncode == 0, done.stderr
    assert done.stdout.rstrip().endswith("deleted")
    assert frames_of(served / "build/shell.mp4") == 25
    assert (served / "build/again.mp4").read_bytes() == (
        served / "build/shell.mp4"
    ).read_bytes()


def test_the_example_in_python_makes_the_file(served: Path):
    done = run(served, sys.executable, "-c", code_in("From Python", "python"))
    assert done.returncode == 0, done.stderr
    assert "succeeded" in done.stdout
    assert frames_of(served / "build/python.mp4") == 25
