"""Points in a program at which it dies, or waits, when a file says so.

Whoever runs the program arms a folder with shots; the program fires each at its point, once.
A shot that has fired is gone before its deed is done, so the next start finds it no more.
"""

import asyncio
import json
import logging
import os
import signal
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Literal

log = logging.getLogger(__name__)

FOLDER_VARIABLE = "FAILPOINTS"
ARMED, FIRED = "armed.json", "fired.jsonl"
PAUSE_S = 1.0

Deed = Literal["kill", "pause"]


@dataclass(frozen=True, slots=True)
class Shot:
    """What happens at a point, as `jobs.create.after` or `jobs.commit[claim].before`.

    A point without brackets is met by every call of its method. `nth`: at which of the calls
    from now on.
    """

    point: str
    deed: Deed = "kill"
    nth: int = 1


def folder_of(environ: Mapping[str, str]) -> Path:
    """Return where this program's shots are, as its environment says."""
    return Path(environ[FOLDER_VARIABLE])


def arm(folder: Path, shots: Iterable[Shot]) -> None:
    """Let these happen; what was armed before is forgotten."""
    folder.mkdir(parents=True, exist_ok=True)
    _write(folder, list(shots))


def disarm(folder: Path) -> None:
    """Let nothing more happen, and forget what did."""
    for name in (ARMED, FIRED):
        (folder / name).unlink(missing_ok=True)


def armed(folder: Path) -> list[Shot]:
    """Return what is still to happen."""
    try:
        return [Shot(**each) for each in json.loads((folder / ARMED).read_text("utf-8"))]
    except FileNotFoundError:
        return []


def fired(folder: Path) -> list[str]:
    """Return the points at which something happened since the folder was disarmed."""
    try:
        lines = (folder / FIRED).read_text("utf-8").splitlines()
    except FileNotFoundError:
        return []
    return [str(json.loads(line)) for line in lines]


def names(point: str, labels: Sequence[str], side: str) -> list[str]:
    """Return the names of a place: its own, and one for each label in brackets."""
    return [f"{point}.{side}", *(f"{point}[{label}].{side}" for label in labels)]


def _write(folder: Path, shots: Sequence[Shot]) -> None:
    draft = folder / f".{ARMED}"
    draft.write_text(json.dumps([asdict(each) for each in shots]), "utf-8")
    draft.replace(folder / ARMED)


def _die() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


class Failpoints:
    """The points of one program's loop; cheap where nothing is armed."""

    def __init__(
        self,
        folder: Path,
        *,
        die: Callable[[], None] = _die,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._folder = folder
        self._die = die
        self._sleep = sleep

    async def passed(self, point: str, labels: Sequence[str], side: str) -> None:
        """Do what is armed for this place, if this is the call that is meant."""
        shot = self._taken(names(point, labels, side))
        if shot is None:
            return
        log.warning("failpoint.fired", extra={"point": shot.point, "deed": shot.deed})
        if shot.deed == "kill":
            self._die()
        else:
            await self._sleep(PAUSE_S)

    def _taken(self, here: Sequence[str]) -> Shot | None:
        """Return the shot that goes off here, gone from the folder."""
        if not (self._folder / ARMED).exists():
            return None
        shots = armed(self._folder)
        for at, shot in enumerate(shots):
            if shot.point not in here:
                continue
            due = shot.nth <= 1
            later = [] if due else [Shot(shot.point, shot.deed, shot.nth - 1)]
            _write(self._folder, [*shots[:at], *later, *shots[at + 1 :]])
            if due:
                self._note(shot)
                return shot
            return None
        return None

    def _note(self, shot: Shot) -> None:
        with (self._folder / FIRED).open("a", encoding="utf-8") as file:
            file.write(json.dumps(shot.point) + "\n")
