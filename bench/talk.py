"""A part of a benchmark in a process of its own, spoken to by lines of JSON."""

import json
import select
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

from bench.workplace import Workplace

STOP_S = 20.0
HEAR_S = 120.0


@dataclass(frozen=True, slots=True)
class Talk:
    """The process's two ends. It ends by itself once its standard input is closed."""

    pid: int
    log_path: Path
    _said: IO[bytes]
    _told: IO[bytes]

    def say(self, message: object) -> None:
        """Tell it something."""
        self.say_line(json.dumps(message))

    def say_line(self, line: str) -> None:
        """Tell it something that is JSON already."""
        self._told.write(line.encode() + b"\n")

    def hear(self, within_s: float = HEAR_S) -> Any:
        """Return what it says next. Raises `RuntimeError` with its log if it says nothing."""
        ready, _, _ = select.select([self._said], [], [], within_s)
        line = self._said.readline() if ready else b""
        if not line:
            end = self.log_path.read_text(errors="replace")[-2000:]
            raise RuntimeError(f"{self.log_path.stem} said nothing: {end}")
        return json.loads(line)


@contextmanager
def talking(
    place: Workplace,
    module: str,
    *arguments: str,
    env: Mapping[str, str] | None = None,
    python: str | Path = sys.executable,
) -> Iterator[Talk]:
    """Run `python -m module` beside us for as long as the block lasts."""
    log_path = place.room("log") / f"{module}.log"
    with log_path.open("wb") as log_file:
        process = subprocess.Popen(
            [str(python), "-m", module, *arguments],
            env=None if env is None else dict(env),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=log_file,
            bufsize=0,  # a line heard is a line read, so that `select` tells the truth
        )
    with process:
        if process.stdin is None or process.stdout is None:
            raise RuntimeError("pipes were asked for")
        try:
            yield Talk(process.pid, log_path, process.stdout, process.stdin)
        finally:
            process.stdin.close()
            try:
                process.wait(STOP_S)
            except subprocess.TimeoutExpired:
                process.kill()
