"""What is measured: a figure has a name, a unit and a target; a measurement yields some."""

import logging
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from bench.workplace import Workplace

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Figure:
    """One number with its target.

    `judged`: a ratio within one run, or a count, which a target can hold on any machine. An
    absolute time says as much about the machine; it is recorded beside its aim.
    """

    name: str
    unit: str
    target: float
    judged: bool = True
    at_least: bool = False

    def holds(self, value: float) -> bool:
        """Whether a value meets the target; what is no number does not."""
        if not math.isfinite(value):
            return False
        return value >= self.target if self.at_least else value <= self.target


class CannotRun(Exception):
    """What a measurement takes is not on this machine; the text says what."""


@dataclass(frozen=True, slots=True)
class Measurement:
    """One run, whose values are those of its figures, by name. It may raise `CannotRun`."""

    figures: tuple[Figure, ...]
    run: Callable[[Workplace], Mapping[str, float]]


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of one figure.

    `ok` is None where nothing was judged: the figure is recorded only, or `why` says what
    kept it from being measured. A measurement that broke is not ok.
    """

    figure: Figure
    value: float | None
    ok: bool | None
    why: str | None = None


def measure(measurement: Measurement, place: Workplace) -> list[Outcome]:
    """Run it and judge its figures, in their order."""
    try:
        values = measurement.run(place)
    except CannotRun as absent:
        return [Outcome(each, None, None, str(absent)) for each in measurement.figures]
    except Exception as error:  # outermost: one that breaks must not take the others with it
        log.exception("measurement.broke")
        why = f"{type(error).__name__}: {error}"
        return [Outcome(each, None, False, why) for each in measurement.figures]
    return [_judged(each, values.get(each.name), place) for each in measurement.figures]


def _judged(figure: Figure, value: float | None, place: Workplace) -> Outcome:
    if value is None or not math.isfinite(value):
        return Outcome(figure, None, False, f"the measurement gave {value}")
    if not figure.judged:
        return Outcome(figure, value, None)
    if place.effort.quick:
        return Outcome(figure, value, None, "a quick run is too short to judge")
    return Outcome(figure, value, figure.holds(value))
