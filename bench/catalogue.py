"""Every measurement, in the order of a whole run."""

from bench import (
    against_peers,
    chunks,
    delivering,
    gpu,
    jitter,
    layers,
    not_run,
    object_store,
    presigning,
    rendering,
    resample_oracle,
    starting,
    submitting,
    watching,
)
from bench.figures import Measurement

MEASUREMENTS: tuple[Measurement, ...] = (
    *resample_oracle.MEASUREMENTS,
    *jitter.MEASUREMENTS,
    *rendering.MEASUREMENTS,
    *layers.MEASUREMENTS,
    *against_peers.MEASUREMENTS,
    *chunks.MEASUREMENTS,
    *gpu.MEASUREMENTS,
    *delivering.MEASUREMENTS,
    *presigning.MEASUREMENTS,
    *starting.MEASUREMENTS,
    *submitting.MEASUREMENTS,
    *watching.MEASUREMENTS,
    *object_store.MEASUREMENTS,
    *not_run.MEASUREMENTS,
)
