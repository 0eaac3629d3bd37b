"""What RunPod starts: `python -u -m gpu_worker.handler`."""

import os
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx

from gpu_worker import machine
from gpu_worker.attempt import Allowance, Patience
from gpu_worker.hardware import NO_HARDWARE, Hardware
from gpu_worker.hardware_search import HardwareSearch
from gpu_worker.protocol.claims import ClaimWork
from gpu_worker.runner import Deliver
from gpu_worker.runpod_sdk import import_sdk
from gpu_worker.sandbox.children import Children
from gpu_worker.sandbox.zygote_process import clean_environment
from gpu_worker.settings import WorkerSettings
from gpu_worker.transfers.scratch import Scratch, hold_scratch
from gpu_worker.waiting.pace import Pace
from shared.job_kind import JobKind
from shared.kinds import load_kinds
from shared.logs import start_logging
from shared.stray_lines import log_what_is_printed, log_what_strays
from shared.work import WorkerFacts

_MIB = 1024 * 1024
# A child may use most of the memory; the rest is the worker's, which must outlive it.
_CHILDREN_SHARE = 0.8


def _clients() -> Callable[[], httpx.AsyncClient]:
    """One client a delivery: connections of a worker revived from a snapshot are dead.

    The ambient proxies and `.netrc` are left alone: a credential of theirs would spoil a
    presigned request. Whom to trust is read once: it takes 20 ms, which jobs would wait for.
    """
    trusted = httpx.create_ssl_context(trust_env=False)

    def new_client() -> httpx.AsyncClient:
        return httpx.AsyncClient(
            timeout=10, verify=trusted, trust_env=False, follow_redirects=False
        )

    return new_client


@dataclass(frozen=True, slots=True)
class Kit:
    """What a worker does, and by what it speaks to the world.

    `kinds_package`: where the zygote finds the code of the `kinds`.
    """

    kinds: Mapping[str, JobKind[Any, Any]] = field(default_factory=load_kinds)
    kinds_package: str = "gpu_worker.kinds"
    new_client: Callable[[], httpx.AsyncClient] = field(default_factory=_clients)


def main(kit: Kit | None = None) -> None:
    """Serve until RunPod stops us: the zygote first, then the SDK with its threads."""
    kit = kit or Kit()
    settings = WorkerSettings()
    start_logging(sys.stdout, level=settings.log_level)
    log_what_strays()
    log_what_is_printed()  # by the SDK
    with hold_scratch(settings.scratch, f"worker-{uuid4().hex}") as scratch:
        environment = clean_environment(os.environ, numba_cache_dir=settings.numba_cache_dir)
        # Before the zygote is waited for: both take seconds, side by side.
        search = HardwareSearch(settings.engine, environment)
        children = Children(
            command=(
                sys.executable,
                "-u",
                "-m",
                "gpu_worker.sandbox.zygote",
                kit.kinds_package,
            ),
            environment=environment,
            at_once=settings.media_at_once,
            oom_kills=machine.oom_kills,
        )
        children.start()
        try:
            _serve(settings, kit, children, scratch, search)
        finally:
            children.close()


def _serve(
    settings: WorkerSettings,
    kit: Kit,
    children: Children,
    scratch: Scratch,
    search: HardwareSearch,
) -> None:
    # Read once, as the SDK is imported; its default prints outputs and URLs.
    os.environ["RUNPOD_LOG_LEVEL"] = "INFO"
    sdk = import_sdk()

    hardware = search.found(settings.engine_search_s)
    deliver = _deliver(settings, kit, children, scratch, hardware)

    async def handle(event: Mapping[str, Any]) -> dict[str, Any]:
        return await deliver(event)

    def zygote_is_ready() -> None:
        children.start().wait_ready(settings.zygote_ready_s)

    sdk.serverless.register_fitness_check(zygote_is_ready)
    sdk.serverless.start(
        {"handler": handle, "concurrency_modifier": lambda _current: settings.jobs_at_once}
    )


def _deliver(
    settings: WorkerSettings,
    kit: Kit,
    children: Children,
    scratch: Scratch,
    hardware: Hardware,
) -> Deliver:
    pace = Pace()
    patience = Patience.on(settings.compute)
    return Deliver(
        kinds=kit.kinds,
        claim=ClaimWork(_facts(settings), lambda: uuid4().hex, pace, patience.claim_s),
        children=children,
        scratch=scratch,
        allowance=_allowance(settings, hardware),
        patience=patience,
        pace=pace,
        new_client=kit.new_client,
    )


def _facts(settings: WorkerSettings) -> WorkerFacts:
    return WorkerFacts(
        id=os.environ.get("RUNPOD_POD_ID", "local")[:128],
        gpu=settings.gpu or machine.gpu_name(os.environ),
        cores=machine.cores(),
        memory_mb=machine.memory_mb(),
        version=settings.version,
    )


def _allowance(settings: WorkerSettings, hardware: Hardware = NO_HARDWARE) -> Allowance:
    share_mb = machine.memory_mb() * _CHILDREN_SHARE / settings.media_at_once
    memory_mb = settings.memory_limit_mb or int(share_mb)
    return Allowance(
        cores=machine.cores(),
        memory_bytes=memory_mb * _MIB,
        file_bytes=settings.file_limit_mb * _MIB,
        open_files=settings.open_files,
        at_once=settings.media_at_once,
        processes=settings.render_processes,
        hardware=hardware,
        tasks=settings.tasks,
        look_cpu_s=settings.look_cpu_s,
        caches=_caches(settings) if hardware.any else (),
    )


def _caches(settings: WorkerSettings) -> tuple[str, ...]:
    """Where numba and NVIDIA's driver keep the kernels they compile."""
    driver = Path(os.environ.get("HOME", "/root"), ".nv")
    return tuple(filter(None, (settings.numba_cache_dir, str(driver))))


if __name__ == "__main__":
    main()
