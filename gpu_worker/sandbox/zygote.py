"""The process jobs are forked from: everything imported, one thread, nothing to steal.

Started by the worker before the SDK (`zygote_process.py`) with a clean environment. It
speaks JSON packets over one SOCK_SEQPACKET socket:

    worker: {"start": run} with a socket for the child   {"stop": run}   {"kill": run}
    zygote: {"ready": [kinds]}   {"started": run, "pid": n}
            {"exited": run, "signal": n | null, "code": n | null}

`stop` is SIGTERM to the child, which lets its work unwind; `kill` is SIGKILL to its whole
group. `exited` is said when not one process of the group is left. The zygote ends when the
worker does, and takes every group with it.
"""

import contextlib
import gc
import importlib
import json
import logging
import os
import select
import selectors
import signal
import socket
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from types import FrameType
from typing import Any, NoReturn

from gpu_worker.kinds import Runner, load_runners
from gpu_worker.sandbox import child, confinement
from gpu_worker.sandbox.child_messages import OUT_OF_MEMORY_EXIT
from shared.logs import start_logging
from shared.stray_lines import log_what_is_printed, log_what_strays

log = logging.getLogger("gpu_worker.sandbox.zygote")  # this module runs as __main__

_PACKET_BYTES = 64 * 1024
_HELD_BACK = frozenset({signal.SIGTERM, signal.SIGCHLD})


@dataclass(slots=True)
class _Run:
    """A child: its leader's pid is its group's number. `end` is set once the leader ended."""

    number: int
    pid: int
    end: tuple[int | None, int | None] | None = None  # signal, exit code


class Zygote:
    """Forks on request, kills on request, reaps; single-threaded, and waits in one place."""

    def __init__(self, control: socket.socket, runners: Mapping[str, Runner]) -> None:
        self._control = control
        self._runners = runners
        self._pid = os.getpid()
        self._runs: dict[int, _Run] = {}
        self._ending = False
        self._woken, self._waker = socket.socketpair()
        for end in (self._woken, self._waker, control):
            end.setblocking(False)
        self._waiting = selectors.DefaultSelector()
        self._waiting.register(control, selectors.EVENT_READ)
        self._waiting.register(self._woken, selectors.EVENT_READ)

    def serve(self) -> None:
        """Answer the worker until it, or a SIGTERM, says that it is over."""
        signal.set_wakeup_fd(self._waker.fileno(), warn_on_full_buffer=False)
        signal.signal(signal.SIGTERM, self._end)
        signal.signal(signal.SIGCHLD, _wake_only)
        self._say({"ready": sorted(self._runners)})
        while not self._ending:
            for key, _ in self._waiting.select():
                if key.fileobj is self._control:
                    self._hear()
                else:
                    self._drain()
            self._reap()
        for run in self._runs.values():
            _kill_group(run)

    def _end(self, _signal_no: int, _frame: FrameType | None) -> None:
        self._ending = True

    def _drain(self) -> None:
        with contextlib.suppress(BlockingIOError):
            self._woken.recv(_PACKET_BYTES)

    # --- what the worker says

    def _hear(self) -> None:
        try:
            data, fds, _, _ = socket.recv_fds(self._control, _PACKET_BYTES, 1)
        except BlockingIOError:
            return
        except ConnectionError:
            data, fds = b"", []
        if not data:
            self._ending = True
            return
        match json.loads(data):
            case {"start": int(number)} if fds:
                self._start(number, socket.socket(fileno=fds[0]))
            case {"stop": int(number)}:
                for run in self._numbered(number):
                    with contextlib.suppress(ProcessLookupError):
                        os.kill(run.pid, signal.SIGTERM)
            case {"kill": int(number)}:
                for run in self._numbered(number):
                    _kill_group(run)

    def _numbered(self, number: int) -> list[_Run]:
        return [run for run in self._runs.values() if run.number == number]

    def _start(self, number: int, conn: socket.socket) -> None:
        with conn, _signals_held_back():
            try:
                pid = os.fork()
            except OSError as error:  # no memory for one more process, or no number
                log.error("zygote.cannot_fork", extra={"why": repr(error)})
                self._say({"exited": number, "signal": None, "code": OUT_OF_MEMORY_EXIT})
                return
            if pid == 0:
                self._be_child(conn)
            # Said on both sides of the fork: whoever comes second finds it done.
            with contextlib.suppress(PermissionError, ProcessLookupError):
                os.setpgid(pid, pid)
            self._runs[pid] = _Run(number, pid)
        self._say({"started": number, "pid": pid})

    def _be_child(self, conn: socket.socket) -> NoReturn:
        os.setpgid(0, 0)
        self._waiting.close()
        for end in (self._control, self._woken, self._waker):
            end.close()
        conn.set_inheritable(False)
        conn.setblocking(True)
        child.live(conn, self._runners, self._pid)

    # --- what the children do

    def _reap(self) -> None:
        while (ended := _next_ended()) is not None:
            run = self._runs.get(ended.si_pid)
            if run is not None:
                # The leader's zombie still holds the group's number: nobody else can have it.
                _kill_group(run)
                run.end = _end_of(ended)
            with contextlib.suppress(ChildProcessError):
                os.waitpid(ended.si_pid, 0)
        for run in list(self._runs.values()):
            if run.end is not None and _group_is_gone(run):
                del self._runs[run.pid]
                said_by, code = run.end
                self._say({"exited": run.number, "signal": said_by, "code": code})

    def _say(self, packet: Mapping[str, Any]) -> None:
        data = json.dumps(packet).encode()
        try:
            self._control.send(data)
        except BlockingIOError:
            # The worker has thousands of packets unread: wait for it, it is our only reader.
            select.select([], [self._control], [])
            self._control.send(data)
        except ConnectionError:
            self._ending = True


@contextlib.contextmanager
def _signals_held_back() -> Iterator[None]:
    """A signal between a fork and the child's own handlers would run the zygote's there."""
    signal.pthread_sigmask(signal.SIG_BLOCK, _HELD_BACK)
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_UNBLOCK, _HELD_BACK)


def _wake_only(_signal_no: int, _frame: FrameType | None) -> None:
    """Python writes to the wake-up socket by itself; a handler must stand for it to do so."""


def _next_ended() -> "os.waitid_result | None":
    try:
        return os.waitid(os.P_ALL, 0, os.WEXITED | os.WNOHANG | os.WNOWAIT)
    except ChildProcessError:
        return None


def _end_of(ended: "os.waitid_result") -> tuple[int | None, int | None]:
    if ended.si_code == os.CLD_EXITED:
        return None, ended.si_status
    return ended.si_status, None


def _kill_group(run: _Run) -> None:
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(run.pid, signal.SIGKILL)


def _group_is_gone(run: _Run) -> bool:
    """Orphans of the group have become ours (`adopt_orphans`), so we see the last one end."""
    try:
        while os.waitid(os.P_PGID, run.pid, os.WEXITED | os.WNOHANG) is not None:
            continue
    except ChildProcessError:
        return True
    return False


def main(kinds_package: str, control_fd: int, worker_pid: int) -> None:
    """Import everything a job may need, have it warmed (`warm()` of the package), serve."""
    start_logging(sys.stdout)
    log_what_strays()
    log_what_is_printed()
    confinement.adopt_orphans()
    if not confinement.die_with_parent(worker_pid, signal.SIGTERM):
        return
    package = importlib.import_module(kinds_package)
    runners = load_runners(package)
    warm = getattr(package, "warm", None)
    if warm is not None:
        warm()
    # What is alive now stays: keeping the collector off it keeps its pages shared.
    gc.collect()
    gc.freeze()
    log.info("zygote.ready", extra={"kinds": sorted(runners)})
    Zygote(socket.socket(fileno=control_fd), runners).serve()


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]), int(sys.argv[3]))
