"""Figures whose peer or whose part of cutroom is not here: recorded, with why, never passed."""

from collections.abc import Mapping

from bench.figures import CannotRun, Figure, Measurement
from bench.workplace import Workplace


def _absent(figure: Figure, why: str) -> Measurement:
    def run(_place: Workplace) -> Mapping[str, float]:
        raise CannotRun(why)

    return Measurement((figure,), run)


MEASUREMENTS = (
    _absent(Figure("plan_finish_ms_p50", "ms", 2, judged=False), "cutroom has no plans so far"),
)
