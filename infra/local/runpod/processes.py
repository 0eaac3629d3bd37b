"""Which processes a worker still has, read from /proc: what a container would hold.

A worker leads a session, which its heartbeat shares; what it starts in sessions of their
own descends from it, and keeps its private HOME when its parent dies. A number is not
given to a new process while a session still bears it.
"""

import os
import signal
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

PROC = Path("/proc")
# In /proc/<pid>/stat, counted from the field after the name.
_STATE, _PARENT, _SESSION, _START = 0, 1, 3, 19


@dataclass(frozen=True, slots=True)
class Process:
    """One live process; `start_ticks` since boot tells it from a later one of its number."""

    pid: int
    parent: int
    session: int
    start_ticks: int


def find(pid: int) -> Process | None:
    """Return a live process, or None; a zombie is not alive."""
    try:
        stat = (PROC / str(pid) / "stat").read_text(encoding="utf-8", errors="replace")
    except (FileNotFoundError, ProcessLookupError):
        return None
    # The name is in brackets and may itself hold spaces and brackets.
    fields = stat.rpartition(")")[2].split()
    if fields[_STATE] in ("Z", "X"):
        return None
    return Process(pid, int(fields[_PARENT]), int(fields[_SESSION]), int(fields[_START]))


def members(home: Path, session: int | None) -> list[Process]:
    """Return a worker's live processes: by its HOME, by its session, and their descendants.

    `session` None: by what the processes themselves prove alone.
    """
    everyone = {each.pid: each for each in _everyone()}
    found = {
        pid for pid, each in everyone.items() if each.session == session or _has_home(pid, home)
    }
    grown = True
    while grown:
        more = {pid for pid, each in everyone.items() if each.parent in found} - found
        found |= more
        grown = bool(more)
    return [everyone[pid] for pid in sorted(found)]


def kill(found: list[Process]) -> None:
    """Kill each at once; one that is gone is fine."""
    for each in found:
        with suppress(ProcessLookupError):
            os.kill(each.pid, signal.SIGKILL)


def boot_id() -> str:
    """Return what changes at each boot: start ticks of another boot mean nothing."""
    return (PROC / "sys/kernel/random/boot_id").read_text(encoding="ascii").strip()


def _everyone() -> Iterator[Process]:
    for entry in os.listdir(PROC):
        each = find(int(entry)) if entry.isdigit() else None
        if each is not None:
            yield each


def _has_home(pid: int, home: Path) -> bool:
    try:
        environment = (PROC / str(pid) / "environ").read_bytes()
    except OSError:
        return False  # somebody else's process, or one that has just ended
    return f"HOME={home}".encode() in environment.split(b"\0")
