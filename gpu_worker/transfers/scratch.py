"""Scratch directories: one per attempt, gone when it ends, and swept when a worker died."""

import asyncio
import errno
import fcntl
import logging
import os
import shutil
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from pathlib import Path

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Place:
    """An attempt's own directories, all empty to begin with."""

    inputs: Path
    work: Path


@dataclass(frozen=True, slots=True)
class Scratch:
    """One worker's part of the scratch root, held for as long as the process lives."""

    home: Path

    @asynccontextmanager
    async def place(self, job_id: str, fence: int) -> AsyncIterator[Place]:
        """Make an attempt's directories; remove them with all they hold, however it ends."""
        root = self.home / f"{job_id}-{fence}"
        place = Place(root / "inputs", root / "work")
        try:
            await asyncio.to_thread(_make, place)
            yield place
        finally:
            await asyncio.to_thread(_remove, root)


@contextmanager
def hold_scratch(root: Path, worker: str) -> Iterator[Scratch]:
    """Take a directory below `root` for this process, and sweep what dead workers left there.

    A worker's lock stands beside its directory. It is a record lock, since those belong to
    one process: a `flock` would live on in whatever the SDK has forked.
    """
    root.mkdir(parents=True, exist_ok=True, mode=0o700)
    home, lock = root / worker, root / f"{worker}.lock"
    with lock.open("w") as held:
        with _one_sweeper(root):
            fcntl.lockf(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
            _sweep(root, but=lock)
        home.mkdir(mode=0o700)
        try:
            yield Scratch(home)
        finally:
            _remove(home)
            lock.unlink(missing_ok=True)


@contextmanager
def _one_sweeper(root: Path) -> Iterator[None]:
    """Keep a sweeper from taking the lock of a worker that is only just being born."""
    with (root / ".sweeping").open("w") as sweeping:
        fcntl.lockf(sweeping, fcntl.LOCK_EX)
        yield


def _sweep(root: Path, *, but: Path) -> None:
    """Remove the directories of workers that no longer hold their lock."""
    # Opening our own lock a second time and closing it would give it up.
    for lock in sorted(set(root.glob("*.lock")) - {but}):
        with lock.open("r+") as left:
            try:
                fcntl.lockf(left, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except OSError as error:
                if error.errno in (errno.EACCES, errno.EAGAIN):
                    continue  # its worker lives
                raise
            _remove(lock.with_suffix(""))
            lock.unlink(missing_ok=True)
            log.info("scratch.swept", extra={"worker": lock.stem})


def _make(place: Place) -> None:
    for directory in (place.inputs, place.work):
        os.makedirs(directory, mode=0o700)


def _remove(root: Path) -> None:
    if root.is_symlink() or not root.exists():
        return
    shutil.rmtree(root, onerror=_once_more)
    if root.exists():
        log.error("scratch.left_behind", extra={"directory": root.name})


def _once_more(_remove_one: object, path: str, _why: object) -> None:
    """Take back the permissions a kind may have given away, and try again."""
    try:
        os.chmod(os.path.dirname(path), 0o700)
        if os.path.isdir(path) and not os.path.islink(path):
            os.chmod(path, 0o700)
            shutil.rmtree(path, ignore_errors=True)
        else:
            os.unlink(path)
    except OSError as error:
        log.warning("scratch.not_removed", extra={"why": repr(error)})
