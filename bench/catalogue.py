"""Every measurement, in the order of a whole run."""

from bench import not_run
from bench.figures import Measurement

MEASUREMENTS: tuple[Measurement, ...] = (*not_run.MEASUREMENTS,)
