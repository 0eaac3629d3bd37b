"""What a kind's code is given and what it gives back: the seam between runner and kinds."""

from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field
from pathlib import Path
from typing import Generic, Protocol, TypeVar

from gpu_worker.hardware import NO_HARDWARE, Hardware
from shared.job_kind import Wire
from shared.work import Notice, Usage

In = TypeVar("In", bound=Wire)


class Stopped(BaseException):
    """Raised by `progress` once the attempt was told to stop: unwind, leave nothing.

    Not an `Exception`, so that a kind's own error handling lets it through.
    """


class SayProgress(Protocol):
    """Tell how far a stage is. Cheap: call it for every frame."""

    def __call__(self, stage: str, fraction: float) -> None:
        """`fraction` of this stage, 0 to 1. Raises `Stopped` when the attempt must end."""


Part = Callable[[Callable[[float], None]], None]  # is given what tells how far it is, 0 to 1


class CannotFork(Exception):
    """A process with more than one thread has no crew; it has to do the work itself."""


class Crew(Protocol):
    """Processes that do the parts of one work side by side, together within its limits."""

    @property
    def cores(self) -> int:
        """How many cores this work has, however many processes share them."""

    @property
    def wanted(self) -> int | None:
        """How many processes the operator wants; None leaves it to the work."""

    @property
    def memory_bytes(self) -> int | None:
        """What all of them may take together; None where nothing bounds it."""

    def do(self, parts: Sequence[Part], progress: Callable[[float], None]) -> None:
        """Have each part done by a process forked here; none is left on returning.

        What a part makes is files. `progress` is told how far all are, 0 to 1, and called
        often: what it raises ends all of them, as the first failure does.

        Raises what ended a part, `JobFailed`; `CannotFork` while this process has threads.
        """


@dataclass(frozen=True, slots=True)
class Work(Generic[In]):
    """One attempt, as its kind sees it.

    `files`: local paths by the dotted path of the reference in the input, complete and
    checked against the size and ETag of the work order. `scratch`: an empty directory of
    the attempt's own, removed afterwards. `probed(name, facts)`: what a decoder says of an
    input file, kept with its asset. `crew`: more processes, where there may be any.
    `hardware`: what an accelerator is there for. `looking()`: a stranger's file is looked
    through within it; one that takes too long ends the work as unreadable.
    """

    input: In
    files: Mapping[str, Path]
    scratch: Path
    progress: SayProgress
    warn: Callable[[Notice], None]
    probed: Callable[[str, dict[str, object]], None]
    crew: Crew | None = None
    hardware: Hardware = NO_HARDWARE
    looking: Callable[[], AbstractContextManager[None]] = nullcontext


@dataclass(frozen=True, slots=True)
class MadeFile:
    """A finished file to publish under one of the kind's output names."""

    name: str
    path: Path
    content_type: str


@dataclass(frozen=True, slots=True)
class Made:
    """What an attempt made: the kind's result model and its files."""

    result: Wire
    files: tuple[MadeFile, ...] = ()
    usage: Usage | None = field(default=None)
