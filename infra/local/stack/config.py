"""What a local stack is made of, and what a test may change about it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from infra.local.runpod.config import HANDLER_COMMAND
from infra.local.runpod.faults import Fault

ENDPOINT = "local-gpu"
BUCKET = "cutroom"


@dataclass(frozen=True, slots=True)
class StackConfig:
    """One local stack.

    `port`: where it answers, 0 for a free one. `gateways`: more than one have a balancer in
    front; each has a folder of its own, and only the database and the bucket in common.
    `workers`: at most this many GPU workers, of
    which `warm_workers` run all the time; a spare one ends after `idle_s`. `stop_grace_s`:
    how long a worker that is busy may take to end. `settings`: more of the gateway's
    environment, as `CUTROOM_TIMINGS_TICK_S`. `worker_env`: more of the workers'. `faults`:
    what goes wrong at RunPod. `kernel_cache`: where workers keep compiled code, None for a
    folder among the stack's own. `emulator_control`: serve the emulator's fault routes.
    `cors_origins`: whose pages may call the gateway and put files into the store.
    `gateway_app`: the factory of another gateway, as `module:function`; `worker_command`:
    another worker. `second_tenant`: have a key made for one.
    """

    port: int = 0
    gateways: int = 1
    workers: int = 2
    warm_workers: int = 0
    idle_s: float = 30.0
    poll_hold_s: float = 5.0
    stop_grace_s: float = 3.0
    ready_within_s: float = 60.0
    settings: Mapping[str, str] = field(default_factory=dict)
    worker_env: Mapping[str, str] = field(default_factory=dict)
    faults: tuple[Fault, ...] = ()
    kernel_cache: Path | None = None
    emulator_control: bool = False
    cors_origins: tuple[str, ...] = ()
    gateway_app: str | None = None
    worker_command: tuple[str, ...] = HANDLER_COMMAND
    second_tenant: bool = True
