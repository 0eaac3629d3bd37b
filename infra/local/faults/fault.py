"""What one fault is: its name, what it is played on, and how it goes."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from infra.local.faults.customer import Customer
from infra.local.faults.stage import Needs

# Played on a stage with others, one after the other.
SHARED = Needs()
# Breaks something, sees what comes of it, and says so. Raises `NotSurvived`.
Play = Callable[[Customer], Awaitable[str]]


@dataclass(frozen=True, slots=True)
class Fault:
    """One way for something to go wrong."""

    name: str
    play: Play
    needs: Needs = SHARED


@dataclass(frozen=True, slots=True)
class Verdict:
    """Whether a fault was survived, and in words what came of it."""

    name: str
    survived: bool
    detail: str
