"""What a killed emulator left running: written down at each start, killed by the next."""

import json
import shutil
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path

from infra.local.runpod import processes
from infra.local.runpod.processes import Process

RECORD = "worker.json"
HOME = "home"
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
    except (OSError, ValueError, TypeError):
        return None


def sweep(run_folder: Path) -> int:
    """Kill the workers noted under a run folder and remove their folders, logs included.

    Returns how many were still running. Only what is proved to be ours is touched.
    """
    found = kill_leftovers(run_folder)
    for folder, _ in _noted(run_folder):
        shutil.rmtree(folder, ignore_errors=True)
    return found


def kill_leftovers(run_folder: Path) -> int:
    """Kill the workers noted under a run folder; return how many were still running."""
    found = 0
    for folder, record in _noted(run_folder):
        found += bool(left_of(record, folder))
        kill_all(partial(left_of, record, folder))
    return found


def _noted(run_folder: Path) -> list[tuple[Path, WorkerRecord]]:
    folders = sorted(run_folder.iterdir()) if run_folder.is_dir() else []
    records = ((folder, read_record(folder)) for folder in folders)
    return [(folder, record) for folder, record in records if record is not None]


def left_of(record: WorkerRecord, folder: Path) -> list[Process]:
    """Return what still runs of a noted worker.

    Its session counts only while its leader is the process that was started; what a dead
    leader left proves itself by the HOME that it was given.
    """
    if record.boot_id != processes.boot_id():
        return []
    leader = processes.find(record.session)
    same = leader is not None and leader.start_ticks == record.start_ticks
    return processes.members(folder / HOME, record.session if same else None)


def kill_all(
    look: Callable[[], list[Process]], sleep: Callable[[float], None] = time.sleep
) -> None:
    """Kill what `look` finds until it finds nothing. Raises `TimeoutError`."""
    for _ in range(round(LONGEST_S / POLL_S)):
        found = look()
        if not found:
            return
        processes.kill(found)
        sleep(POLL_S)
    raise TimeoutError("a killed worker does not end")
