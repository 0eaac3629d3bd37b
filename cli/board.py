"""Progress of several things at once: bars on a terminal, plain lines anywhere else."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Protocol

from rich.console import Console
from rich.markup import escape
from rich.progress import (
    BarColumn,
    Progress,
    TaskID,
    TaskProgressColumn,
    TextColumn,
    TimeElapsedColumn,
)

STEPS = 4  # a plain line each quarter
PLAIN_WIDTH = 120


class Track(Protocol):
    """One thing that goes on; `fraction` is 0 to 1. May be told from any thread."""

    def tell(self, what: str, fraction: float) -> None:
        """Show what is being done, and how far it is."""


class Board(Protocol):
    """Where tracks are shown."""

    def track(self, name: str) -> Track:
        """Return a new track, at its beginning."""


def console(*, stderr: bool = False) -> Console:
    """Return where a command writes; a log gets lines that are not broken at 80 columns.

    `stderr` is for progress beside an answer that a program may read.
    """
    found = Console(highlight=False, stderr=stderr)
    if found.is_terminal:
        return found
    return Console(highlight=False, stderr=stderr, width=PLAIN_WIDTH)


@contextmanager
def board(on: Console) -> Iterator[Board]:
    """Yield a board for a console, cleared up after the block."""
    if not on.is_terminal:
        yield _Lines(on)
        return
    bars = Progress(
        TextColumn("[bold]{task.description}"),
        BarColumn(),
        TaskProgressColumn(),
        TimeElapsedColumn(),
        TextColumn("{task.fields[what]}"),
        console=on,
    )
    with bars:
        yield _Bars(bars)


class _Bar:
    def __init__(self, bars: Progress, task: TaskID) -> None:
        self._bars, self._task = bars, task

    def tell(self, what: str, fraction: float) -> None:
        self._bars.update(self._task, completed=fraction, what=escape(what))


class _Bars:
    def __init__(self, bars: Progress) -> None:
        self._bars = bars

    def track(self, name: str) -> Track:
        return _Bar(self._bars, self._bars.add_task(escape(name), total=1.0, what=""))


class _Line:
    def __init__(self, on: Console, name: str) -> None:
        self._on, self._name = on, name
        self._said: tuple[str, int] | None = None

    def tell(self, what: str, fraction: float) -> None:
        saying = (what, int(fraction * STEPS))
        if saying != self._said:
            self._said = saying
            self._on.print(f"{self._name:<10} {fraction:4.0%}  {what}", markup=False)


class _Lines:
    def __init__(self, on: Console) -> None:
        self._on = on

    def track(self, name: str) -> Track:
        return _Line(self._on, name)
