"""What the README tells people to type works as printed."""

import re
import shutil
import subprocess
from pathlib import Path

import av
import pytest

from tests.support.programs import REPOSITORY, running, until_served

pytestmark = [
    pytest.mark.processes,
    pytest.mark.skipif(shutil.which("curl") is None, reason="the walk-through needs curl"),
]


def test_the_walk_through_over_http_makes_the_file(tmp_path: Path, kernel_cache: Path):
    readme = (REPOSITORY / "README.md").read_text(encoding="utf-8")
    section = readme.partition("## Over HTTP")[2]
    script = re.search(r"```bash\n(.*?)```", section, re.DOTALL)
    (tmp_path / "infra").symlink_to(REPOSITORY / "infra")
    (tmp_path / "build").mkdir()
    (tmp_path / "build/kernels").symlink_to(kernel_cache)
    assert script is not None
    with running(tmp_path / "serve.out", tmp_path, "serve", "--workers", "1") as program:
        until_served(program, tmp_path)
        done = subprocess.run(
            [shutil.which("bash"), "-euo", "pipefail", "-c", script.group(1)],
            check=False,
            cwd=tmp_path,
            capture_output=True,
            text=True,
            timeout=120,
        )
    assert done.returncode == 0, done.stderr
    assert "event: succeeded" in done.stdout
    with av.open(tmp_path / "build/cars.mp4") as made:
        frames = sum(1 for _ in made.decode(video=0))
    assert frames == 37  # 15.04 s … 17.92 s at 12.5 frames a second
