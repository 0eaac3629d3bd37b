"""What a killed emulator left running: written down at each start, killed by the next."""

import json
import shutil
import signal
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path

from infra.local.runpod import processes

RECORD = "worker.json"
POLL_S = 0.02
LONGEST_S = 5.0


@dataclass(frozen=True, slots=True)
class WorkerRecord:
    """A worker that was started: its session, and what proves that it is still that one."""

    pod_id: str
    session: int
    start_ticks: int
    boot_id: str


def write_record(folder: Path, record: WorkerRecord) -> None:
    """Note a worker in its own folder, whole or not at all."""
    draft = folder / f"{RECORD}.draft"
    draft.write_text(json.dumps(asdict(record)), encoding="utf-8")
    draft.replace(folder / RECORD)


def read_record(folder: Path) -> WorkerRecord | None:
    """Return the worker noted in a folder, or None."""
    try:
        return WorkerRecord(**json.loads((folder / RECORD).read_text(encoding="utf-8")))
    except (FileNotFoundError, ValueError, TypeError):
        return None


def sweep(run_folder: Path, sleep: Callable[[float], None] = time.sleep) -> int:
    """Kill the workers noted under a run folder and remove their folders.

    Returns how many were still running. Only what the record proves to be ours is touched.
    """
    found = 0
    for folder in sorted(run_folder.iterdir()) if run_folder.is_dir() else ():
        record = read_record(folder)
        if record is None:
            continue
        if is_ours(record, folder):
            found += 1
            kill_session(record.session, sleep)
        shutil.rmtree(folder, ignore_errors=True)
    return found


def is_ours(record: WorkerRecord, folder: Path) -> bool:
    """True if the noted session still runs and is the one that was started."""
    if record.boot_id != processes.boot_id():
        return False
    leader = processes.find(record.session)
    if leader is not None:
        return leader.start_ticks == record.start_ticks
    # The leader is dead; its heartbeat works in the folder that it was given.
    return any(_works_in(each, folder) for each in processes.session_members(record.session))


def kill_session(session: int, sleep: Callable[[float], None] = time.sleep) -> None:
    """Kill every process of a session and wait until none is left. Raises `TimeoutError`."""
    for _ in range(round(LONGEST_S / POLL_S)):
        if processes.signal_session(session, signal.SIGKILL) == 0:
            return
        sleep(POLL_S)
    raise TimeoutError(f"session {session} does not die")


def _works_in(process: processes.Process, folder: Path) -> bool:
    with suppress(OSError):
        cwd = (processes.PROC / str(process.pid) / "cwd").readlink()
        return cwd.is_relative_to(folder.resolve())
    return False
