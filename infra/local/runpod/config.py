"""How an emulated RunPod behaves."""

import sys
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path
from typing import Literal

from infra.local.runpod.facts import PRICES_USD_PER_S

HANDLER_COMMAND = (sys.executable, "-u", "-m", "gpu_worker.handler")


@dataclass(frozen=True, slots=True)
class EndpointConfig:
    """One serverless endpoint: its worker program, and how its workers come and go.

    `scaling`: `queue_delay` adds a worker when a job has waited `queue_delay_s`;
    `request_count` wants one for each `jobs_per_worker` open jobs. `gpu`: the name workers
    are told, None for a CPU endpoint, whose price must be given.
    """

    name: str
    gpu: str | None = "NVIDIA GeForce RTX 4090"
    price_usd_per_s: Decimal | None = None
    min_workers: int = 0
    max_workers: int = 1
    scaling: Literal["queue_delay", "request_count"] = "queue_delay"
    queue_delay_s: float = 4.0
    jobs_per_worker: int = 4
    idle_s: float = 5.0
    cold_start_s: float = 0.0
    command: tuple[str, ...] = HANDLER_COMMAND
    env: tuple[tuple[str, str], ...] = ()

    @property
    def price(self) -> Decimal:
        """Dollars a second of one worker of this endpoint."""
        if self.price_usd_per_s is not None:
            return self.price_usd_per_s
        return PRICES_USD_PER_S.get(self.gpu or "", Decimal(0))


@dataclass(frozen=True, slots=True)
class EmulatorConfig:
    """One emulated RunPod account.

    `run_folder`: where workers get their private folders and logs, and what a later start
    sweeps. `max_redeliveries`: how often a job whose worker died is queued again. `stop_sends`:
    1 is RunPod's own faithful loss; more repeats a stop that found no task. `control`: serve
    `/_faults` and `/_workers`, for loopback alone.
    """

    run_folder: Path
    api_key: str
    endpoints: tuple[EndpointConfig, ...]
    poll_hold_s: float = 20.0
    tick_s: float = 0.1
    ping_every_s: int = 10
    silent_pings: float = 4.0
    timeout_grace_s: float = 5.0
    stop_grace_s: float = 10.0
    max_redeliveries: int = 2
    stop_sends: int = 1
    seed: int = 0
    control: bool = False
    webhook_tries: int = 3
    webhook_retry_s: float = 10.0
    worker_path: str = field(default="/usr/local/bin:/usr/bin:/bin")
