"""What a kind's code is given and what it gives back: the seam between runner and kinds."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Generic, Protocol, TypeVar

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


@dataclass(frozen=True, slots=True)
class Work(Generic[In]):
    """One attempt, as its kind sees it.

    `files`: local paths by the dotted path of the reference in the input, complete and
    checked against the size and ETag of the work order. `scratch`: an empty directory of
    the attempt's own, removed afterwards. `probed(name, facts)`: what a decoder says of an
    input file, kept with its asset.
    """

    input: In
    files: Mapping[str, Path]
    scratch: Path
    progress: SayProgress
    warn: Callable[[Notice], None]
    probed: Callable[[str, dict[str, object]], None]


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
