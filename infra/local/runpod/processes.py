"""Which processes a session still has, read from /proc.

A worker is the leader of a session. Its heartbeat shares its process group, media
children have groups of their own; all are found by the session. A number is not given to
a new process while a session or group still bears it, so a session whose leader is dead
cannot be somebody else's by accident.
"""

import os
import signal
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

PROC = Path("/proc")
# In /proc/<pid>/stat, counted from the field after the name.
_STATE, _GROUP, _SESSION, _START = 0, 2, 3, 19


@dataclass(frozen=True, slots=True)
class Process:
    """One live process; `start_ticks` since boot tells it from a later one of its number."""

    pid: int
    group: int
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
    return Process(pid, int(fields[_GROUP]), int(fields[_SESSION]), int(fields[_START]))


def session_members(session: int) -> list[Process]:
    """Return the live processes of a session."""
    everyone = (find(int(entry)) for entry in os.listdir(PROC) if entry.isdigit())
    return [each for each in everyone if each is not None and each.session == session]


def signal_session(session: int, number: signal.Signals) -> int:
    """Send a signal to every group of a session; return how many groups there were."""
    groups = {each.group for each in session_members(session)}
    for group in groups:
        with suppress(ProcessLookupError):
            os.killpg(group, number)
    return len(groups)


def boot_id() -> str:
    """Return what changes at each boot: start ticks of another boot mean nothing."""
    return (PROC / "sys/kernel/random/boot_id").read_text(encoding="ascii").strip()
