"""Timing things side by side: turn about in one run, the best of several rounds each.

Whatever else the machine does falls on all of them alike, and only ever adds: so the least
of several is the nearest to what each takes by itself.
"""

import os
import subprocess
import tempfile
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from bench.workplace import LONGEST_S

_SHOWN_OF_A_FAILURE = 2000


@dataclass(frozen=True, slots=True)
class Cost:
    """What something took: time on the wall, and of all cores together, in seconds."""

    wall_s: float
    cpu_s: float


def interleaved(contenders: Mapping[str, Callable[[], Cost]], rounds: int) -> dict[str, Cost]:
    """Return each contender's least wall and least CPU time over the rounds.

    Every second round goes backwards, so that none always follows the same other.
    """
    costs: dict[str, list[Cost]] = {name: [] for name in contenders}
    for number in range(rounds):
        names = list(contenders)
        for name in reversed(names) if number % 2 else names:
            costs[name].append(contenders[name]())
    return {
        name: Cost(min(each.wall_s for each in ran), min(each.cpu_s for each in ran))
        for name, ran in costs.items()
    }


def spawned(command: Sequence[str], env: Mapping[str, str] | None = None) -> Cost:
    """Run a command to its end and return what it and its children took.

    Raises `RuntimeError` with the end of what it said where it fails.
    """
    with tempfile.TemporaryFile() as said:
        begun_at = time.perf_counter()
        process = subprocess.Popen(
            command,
            env=None if env is None else dict(env),
            stdin=subprocess.DEVNULL,
            stdout=said,
            stderr=said,
        )
        overdue = threading.Timer(LONGEST_S, process.kill)
        overdue.start()
        _, status, usage = os.wait4(process.pid, 0)
        wall_s = time.perf_counter() - begun_at
        overdue.cancel()
        process.returncode = os.waitstatus_to_exitcode(status)  # Popen did not wait itself
        if process.returncode != 0:
            said.seek(0)
            end = said.read()[-_SHOWN_OF_A_FAILURE:].decode(errors="replace")
            raise RuntimeError(f"{command[0]} ended with {process.returncode}: {end}")
    return Cost(wall_s, usage.ru_utime + usage.ru_stime)
