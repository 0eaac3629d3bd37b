"""Every measurement, in the order of a whole run."""

from bench import jitter, not_run, rendering, resample_oracle, submitting
from bench.figures import Measurement

MEASUREMENTS: tuple[Measurement, ...] = (
    *resample_oracle.MEASUREMENTS,
    *jitter.MEASUREMENTS,
    *rendering.MEASUREMENTS,
    *submitting.MEASUREMENTS,
    *not_run.MEASUREMENTS,
)
