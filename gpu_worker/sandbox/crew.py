"""Parts of one child's work in processes of their own: forked, heard, bounded, and gone.

They are of the child's group, so that who kills it kills them; they die with it by the
kernel's hand where it dies alone; and what kills one of them ends the child the same way.
"""

import contextlib
import gc
import logging
import os
import resource
import selectors
import signal
import socket
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from pydantic import BaseModel, ValidationError

from gpu_worker.kind_work import CannotFork, Part
from gpu_worker.sandbox import confinement
from gpu_worker.sandbox.child_messages import (
    PART_MESSAGE,
    Failed,
    PartAt,
    PartDone,
    PartMessage,
)
from gpu_worker.sandbox.ending import end_with, failed
from shared.errors import FAILURES, JobFailed

log = logging.getLogger(__name__)

_LONGEST_BYTES = 64 * 1024  # of one message: a packet of its own
_LOOK_UP_S = 0.1  # how long, at most, nobody looks whether to stop
_SAY_EVERY_S = 0.1


class PartDied(Exception):
    """A part's process ended without a word; `status` as `subprocess` counts."""

    def __init__(self, status: int) -> None:
        super().__init__(f"a part of the work ended with {status}")
        self.status = status


@dataclass(slots=True)
class _Member:
    """One part's process, as the one that forked it sees it."""

    pid: int
    conn: socket.socket
    fraction: float = 0.0
    done: bool = False


@dataclass(slots=True)
class ForkedCrew:
    """Forks a process for each part: a `Crew`.

    `peak_bytes` is the memory all of them took, beyond what they share with the process they
    were forked from.
    """

    cores: int
    wanted: int | None
    voice: socket.socket  # the child's own line to the worker, which no part may use
    peak_bytes: int = 0
    _members: list[_Member] = field(default_factory=list)

    @property
    def memory_bytes(self) -> int | None:
        """What the child may still take: its bound without what is mapped already.

        That is the zygote's for the most part, and a fork shares it.
        """
        bound, _ = resource.getrlimit(resource.RLIMIT_AS)
        return None if bound == resource.RLIM_INFINITY else max(0, bound - _mapped_bytes())

    def do(self, parts: Sequence[Part], progress: Callable[[float], None]) -> None:
        """As `Crew` says."""
        if not _is_single_threaded():
            raise CannotFork
        before_bytes = _resident_bytes()
        try:
            for part in parts:
                self._members.append(self._forked(part, len(parts)))
            self._listen(progress)
        finally:
            self._end_all(before_bytes)

    # --- the process that forks

    def _forked(self, part: Part, of: int) -> _Member:
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        leader_pid, share_bytes = os.getpid(), self._share_bytes(of)
        with theirs, _sigterm_held_back():
            pid = os.fork()
            if pid == 0:
                others = [ours, self.voice, *(member.conn for member in self._members)]
                end_with(lambda: _live(part, theirs, others, leader_pid, share_bytes))
        return _Member(pid, ours)

    def _share_bytes(self, of: int) -> int | None:
        left_bytes = self.memory_bytes
        return None if left_bytes is None else _mapped_bytes() + left_bytes // of

    def _listen(self, progress: Callable[[float], None]) -> None:
        with selectors.DefaultSelector() as waiting:
            for member in self._members:
                waiting.register(member.conn, selectors.EVENT_READ, member)
            while waiting.get_map():
                for key, _ in waiting.select(_LOOK_UP_S):
                    if not self._hear(key.data):
                        waiting.unregister(key.fileobj)
                progress(sum(each.fraction for each in self._members) / len(self._members))

    def _hear(self, member: _Member) -> bool:
        """Take one message; False if it was the last. Raises what ended the part."""
        body = b""
        with contextlib.suppress(ConnectionError):
            body = member.conn.recv(_LONGEST_BYTES)
        if not body:
            raise PartDied(_status_of(member.pid))
        message = _understood(body)
        match message:
            case PartAt():
                member.fraction = message.fraction
            case PartDone():
                member.fraction, member.done = 1.0, True
            case Failed():
                code = message.code if message.code in FAILURES else "internal"
                raise JobFailed(code, message.public, detail=message.detail)
        return not member.done

    def _end_all(self, before_bytes: int) -> None:
        """End every part. What one has left is no use unwinding: its files are its leader's."""
        for member in self._members:
            member.conn.close()
            if not member.done:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(member.pid, signal.SIGKILL)
        for member in self._members:
            _, _, usage = os.wait4(member.pid, 0)
            # Its pages include those it shares with us, which are counted once, as ours.
            self.peak_bytes += max(0, usage.ru_maxrss * 1024 - before_bytes)
        self._members.clear()


# --- the process of a part


def _live(
    part: Part,
    conn: socket.socket,
    others: Sequence[socket.socket],
    leader_pid: int,
    share_bytes: int | None,
) -> int:
    if not confinement.die_with_parent(leader_pid, signal.SIGKILL):
        return 1
    # The leader's handler is not ours: it would have us unwind what nobody waits for.
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    signal.pthread_sigmask(signal.SIG_SETMASK, ())
    for other in others:
        other.close()
    if share_bytes is not None:
        confinement.limit_memory(share_bytes)
    try:
        part(_Telling(conn))
    except Exception as error:  # outermost: every end is told
        last_word = failed(error)
        if last_word.code == "internal":
            log.error("part.broke", exc_info=error)
        _say(conn, last_word)
    else:
        _say(conn, PartDone())
    return 0


@dataclass(slots=True)
class _Telling:
    """A part's `progress`: cheap at every frame."""

    conn: socket.socket
    _said_at_s: float = 0.0

    def __call__(self, fraction: float) -> None:
        now_s = time.monotonic()
        if now_s - self._said_at_s >= _SAY_EVERY_S:
            self._said_at_s = now_s
            _say(self.conn, PartAt(fraction=min(1.0, max(0.0, fraction))))


def _say(conn: socket.socket, message: BaseModel) -> None:
    conn.sendall(message.model_dump_json().encode())


# --- what the kernel knows


def _understood(body: bytes) -> PartMessage:
    try:
        return PART_MESSAGE.validate_json(body)
    except ValidationError as error:
        raise JobFailed("internal", detail="a part of the work said nonsense") from error


def _status_of(pid: int) -> int:
    """How a process has ended, which is left for the next to ask."""
    ended = os.waitid(os.P_PID, pid, os.WEXITED | os.WNOWAIT)
    if ended is None:
        raise ValueError("a wait without WNOHANG ends with an answer")
    return ended.si_status if ended.si_code == os.CLD_EXITED else -ended.si_status


def _is_single_threaded() -> bool:
    # A decoder's or a filter's threads end with it, and a cycle may keep it from going.
    gc.collect()
    return len(os.listdir("/proc/self/task")) == 1


def _mapped_bytes() -> int:
    return _statm(0)


def _resident_bytes() -> int:
    return _statm(1)


def _statm(column: int) -> int:
    pages = Path("/proc/self/statm").read_text().split()[column]
    return int(pages) * resource.getpagesize()


@contextlib.contextmanager
def _sigterm_held_back() -> Iterator[None]:
    """Between the fork and the part's own handler it would run the leader's there."""
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGTERM})
