"""Where a run of the benchmarks keeps its files, and how much it does."""

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

LONGEST_S = 600.0


@dataclass(frozen=True, slots=True)
class Effort:
    """How long and how often is measured. `quick` shows that a benchmark works, no more."""

    quick: bool = False
    rounds: int = 3
    clip_s: int = 10
    long_clip_s: int = 600
    short_clip_s: int = 30
    blocks: int = 10
    requests: int = 500
    watchers: int = 2000
    watched_jobs: int = 100
    window_s: float = 8.0
    put_mb: int = 100


QUICK = Effort(
    quick=True,
    rounds=1,
    clip_s=1,
    long_clip_s=40,
    short_clip_s=20,
    blocks=2,
    requests=60,
    watchers=100,
    watched_jobs=10,
    window_s=2.0,
    put_mb=10,
)


@dataclass(frozen=True, slots=True)
class Workplace:
    """A private folder, removed afterwards; compiled kernels are kept between runs."""

    folder: Path
    kernels: Path
    effort: Effort

    def room(self, name: str) -> Path:
        """Return a new, empty folder."""
        return Path(tempfile.mkdtemp(prefix=f"{name}-", dir=self.folder))

    def environment(self) -> dict[str, str]:
        """Return this process's environment with the kernels' place in it."""
        return {**os.environ, "NUMBA_CACHE_DIR": str(self.kernels)}

    def python(self, *arguments: str, env: Mapping[str, str] | None = None) -> str:
        """Run a module or a line of Python in a process of its own; return what it prints."""
        ran = subprocess.run(
            [sys.executable, *arguments],
            env=dict(env or self.environment()),
            check=True,
            stdout=subprocess.PIPE,
            text=True,
            timeout=LONGEST_S,
        )
        return ran.stdout


@contextmanager
def workplace(build: Path, effort: Effort) -> Iterator[Workplace]:
    """Give a place below `build`, and leave nothing of it but the kernels."""
    root, kernels = build / "bench", build / "kernels"
    for folder in (root, kernels):
        folder.mkdir(parents=True, exist_ok=True)
    folder = Path(tempfile.mkdtemp(prefix="run-", dir=root)).resolve()
    try:
        yield Workplace(folder, kernels.resolve(), effort)
    finally:
        shutil.rmtree(folder)
        if not any(root.iterdir()):
            root.rmdir()
