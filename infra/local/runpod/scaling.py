"""How many workers an endpoint wants."""

import math
from dataclasses import dataclass

from infra.local.runpod.config import EndpointConfig


@dataclass(frozen=True, slots=True)
class Load:
    """What bears on the number of workers.

    `overdue`: queued jobs that have waited as long as the endpoint lets them. `starting`:
    those of the `workers` that have not asked for a job yet.
    """

    queued: int
    overdue: int
    running: int
    workers: int
    starting: int


def workers_wanted(load: Load, config: EndpointConfig) -> int:
    """Return the number to have; never fewer than there are, idle ones end by themselves."""
    wanted = max(load.workers, config.min_workers, _asked(load, config))
    return min(config.max_workers, wanted)


def _asked(load: Load, config: EndpointConfig) -> int:
    if load.queued == 0:
        return 0
    if config.scaling == "request_count":
        return math.ceil((load.queued + load.running) / config.jobs_per_worker)
    if load.workers == 0:
        return 1  # the first is not waited for
    return load.workers + max(0, load.overdue - load.starting)
