"""Starts worker processes, each in a session of its own, and ends them whole."""

import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from infra.local.runpod import processes
from infra.local.runpod.leftovers import HOME, WorkerRecord, kill_all, sweep, write_record
from infra.local.runpod.processes import Process

LAUNCHER = Path(__file__).with_name("launcher.py")
SCRATCH = "tmp"
REAPER_ENDS_WITHIN_S = 10.0


@dataclass(frozen=True, slots=True)
class SpawnOrder:
    """A worker to start: its program, the whole of its environment, its private folder."""

    pod_id: str
    command: tuple[str, ...]
    env: Mapping[str, str]
    folder: Path


@dataclass(frozen=True, slots=True)
class WorkerProcess:
    """A started worker; its pid is the number of its session too."""

    pod_id: str
    popen: "subprocess.Popen[bytes]"
    folder: Path

    @property
    def pid(self) -> int:
        """The worker's pid."""
        return self.popen.pid

    @property
    def log_path(self) -> Path:
        """Where its output goes."""
        return self.folder / "worker.log"


class Supervisor:
    """Owner of the worker processes of one run folder.

    Workers are started from one thread that lives as long as this object: the signal
    that ends them with their parent follows the thread that forked them.
    """

    def __init__(self, run_folder: Path) -> None:
        self.run_folder = run_folder.resolve()
        self._thread: ThreadPoolExecutor | None = None
        self._reaper: subprocess.Popen[bytes] | None = None

    def open(self) -> int:
        """Sweep what an earlier owner left, and be ready; returns how many still ran."""
        self.run_folder.mkdir(parents=True, exist_ok=True)
        swept = sweep(self.run_folder)
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="runpod-supervisor")
        self._reaper = self._thread.submit(self._start_reaper).result()
        return swept

    def spawn(self, order: SpawnOrder) -> WorkerProcess:
        """Start a worker and note it for a later sweep; blocks for the fork."""
        if self._thread is None:
            raise RuntimeError("the supervisor is not open")
        return self._thread.submit(self._spawn, order).result()

    def is_dead(self, worker: WorkerProcess) -> bool:
        """True once the worker's own process has ended; its zombie keeps the number taken."""
        look = os.WEXITED | os.WNOHANG | os.WNOWAIT
        return os.waitid(os.P_PID, worker.pid, look) is not None

    def tell_to_end(self, worker: WorkerProcess) -> None:
        """Send SIGTERM to the worker's group, its heartbeat included."""
        with suppress(ProcessLookupError):
            os.killpg(worker.pid, signal.SIGTERM)

    def kill_main(self, worker: WorkerProcess) -> None:
        """Kill the worker's own process and nothing else, as running out of memory does."""
        worker.popen.kill()

    def members(self, worker: WorkerProcess) -> list[Process]:
        """Return the live processes of a worker, itself included."""
        return processes.members(worker.folder / HOME, worker.pid)

    def bury(self, worker: WorkerProcess) -> None:
        """Kill what is left of a worker and see it gone; its log stays until the next sweep.

        Raises `TimeoutError` if something does not end.
        """
        kill_all(lambda: self.members(worker))
        worker.popen.wait()
        for private in (HOME, SCRATCH):
            shutil.rmtree(worker.folder / private, ignore_errors=True)

    def close(self) -> None:
        """Let go of the thread and the reaper; every worker must have been buried."""
        if self._reaper is not None and self._reaper.stdin is not None:
            self._reaper.stdin.close()
            self._reaper.wait(REAPER_ENDS_WITHIN_S)
        if self._thread is not None:
            self._thread.shutdown()
        self._reaper = self._thread = None

    def _start_reaper(self) -> "subprocess.Popen[bytes]":
        return subprocess.Popen(
            [sys.executable, "-m", "infra.local.runpod.reaper", str(self.run_folder)],
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            start_new_session=True,
        )

    def _spawn(self, order: SpawnOrder) -> WorkerProcess:
        home, scratch = order.folder / HOME, order.folder / SCRATCH
        for folder in (order.folder, home, scratch):
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        env = dict(order.env) | {"HOME": str(home), "TMPDIR": str(scratch)}
        launch = [sys.executable, "-I", "-S", str(LAUNCHER), str(os.getpid()), "--"]
        with (order.folder / "worker.log").open("wb") as log_file:
            popen = subprocess.Popen(
                [*launch, *order.command],
                stdin=subprocess.DEVNULL,
                stdout=log_file,
                stderr=subprocess.STDOUT,
                cwd=order.folder,
                env=env,
                start_new_session=True,
            )
        worker = WorkerProcess(order.pod_id, popen, order.folder)
        self._note(worker)
        return worker

    def _note(self, worker: WorkerProcess) -> None:
        leader = processes.find(worker.pid)
        write_record(
            worker.folder,
            WorkerRecord(
                worker.pod_id,
                worker.pid,
                leader.start_ticks if leader else 0,  # dead already: matches nobody
                processes.boot_id(),
            ),
        )
