"""The `cutroom` command as a process, and what it leaves behind."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import av
import psutil

REPOSITORY = Path(__file__).parents[2]
SAMPLE = REPOSITORY / "infra/local/samples/car-detection.mp4"
ENDS_WITHIN_S = 40
PATIENCE_S = 120


class Program:
    """A running `cutroom`; its output goes to `log`."""

    def __init__(self, log: Path, cwd: Path, *arguments: str) -> None:
        self.log = log
        kept = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}
        with log.open("wb") as file:
            self._popen = subprocess.Popen(
                [sys.executable, "-m", "cli.main", *arguments],
                cwd=cwd,
                env=kept,
                stdin=subprocess.DEVNULL,
                stdout=file,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        self.pid = self._popen.pid

    @property
    def said(self) -> str:
        """What it has written so far."""
        return self.log.read_text()

    def family(self) -> list[psutil.Process]:
        """Every process under it, whatever session it is in."""
        return psutil.Process(self.pid).children(recursive=True)

    def is_running(self) -> bool:
        """Whether it has not ended."""
        return self._popen.poll() is None

    def tell(self, number: signal.Signals) -> None:
        """Send a signal to this process alone."""
        self._popen.send_signal(number)

    def ended(self, within_s: float = ENDS_WITHIN_S) -> int:
        """Wait for its end and return its exit status."""
        return self._popen.wait(within_s)

    def close(self) -> None:
        """End it if a test has not."""
        if self.is_running():
            self.tell(signal.SIGTERM)
            self.ended()


@contextmanager
def running(log: Path, cwd: Path, *arguments: str) -> Iterator[Program]:
    """Run a command for as long as a block lasts."""
    program = Program(log, cwd, *arguments)
    try:
        yield program
    finally:
        program.close()


def until(program: Program, happens: Callable[[], bool]) -> None:
    """Wait until something has happened; fail with what the program said where it ends."""
    give_up_at = time.monotonic() + PATIENCE_S
    while not happens():
        assert program.is_running(), program.said
        assert time.monotonic() < give_up_at, program.said
        time.sleep(0.02)


def until_served(program: Program, folder: Path) -> dict[str, Any]:
    """Return what `cutroom serve` announces, once it does."""
    file = folder / "build/serve.json"
    until(program, file.exists)
    found: dict[str, Any] = json.loads(file.read_text())
    return found


def still_alive(family: list[psutil.Process]) -> list[psutil.Process]:
    """Return who of a family has not ended, a moment after its head."""
    _, alive = psutil.wait_procs(family, timeout=30)
    return alive


def first_seconds(path: Path, *, seconds: float) -> Path:
    """Write the sample's beginning, its packets unchanged."""
    with av.open(SAMPLE) as source, av.open(path, "w") as short:
        copies = {each.index: short.add_stream_from_template(each) for each in source.streams}
        for packet in source.demux():
            if packet.dts is not None and packet.dts * packet.time_base < seconds:
                packet.stream = copies[packet.stream.index]
                short.mux(packet)
    return path
