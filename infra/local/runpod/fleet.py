"""The workers of one endpoint: started when there is work, ended when there is none."""

import asyncio
import logging
from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum

from infra.local.runpod.config import EmulatorConfig
from infra.local.runpod.endpoint import Endpoint
from infra.local.runpod.environment import worker_environment
from infra.local.runpod.faults import FaultKind
from infra.local.runpod.records import Pod, Status
from infra.local.runpod.scaling import Load, workers_wanted
from infra.local.runpod.supervisor import SpawnOrder, Supervisor, WorkerProcess

log = logging.getLogger(__name__)

# A worker that dies before its first take costs seconds of processor at each start.
BOOT_BACKOFF_S, LONGEST_BOOT_BACKOFF_S = 1.0, 30.0


class WorkerState(StrEnum):
    """Where a worker is in its life."""

    STARTING = "starting"  # until its first take
    READY = "ready"
    RETIRING = "retiring"


@dataclass(frozen=True, slots=True)
class WorkerView:
    """One worker, as a test or an operator sees it; billed from `started_at` (clock, s)."""

    pod_id: str
    endpoint: str
    state: WorkerState
    pid: int | None
    gpu: str | None
    price_usd_per_s: Decimal
    started_at: float
    jobs: tuple[str, ...]
    log_path: str | None


@dataclass(slots=True)
class _Worker:
    pod: Pod
    spawn_at: float
    process: WorkerProcess | None = None
    told_to_end_at: float | None = None


class Fleet:
    """Keeps one endpoint's processes and pods in step; moved by `tick` alone."""

    def __init__(
        self,
        endpoint: Endpoint,
        account: EmulatorConfig,
        supervisor: Supervisor,
        clock: Callable[[], float],
        new_pod_id: Callable[[], str],
        worker_key: str,
    ) -> None:
        self._endpoint = endpoint
        self._queue = endpoint.queue
        self._account = account
        self._supervisor = supervisor
        self._clock = clock
        self._new_pod_id = new_pod_id
        self._worker_key = worker_key
        self._workers: dict[str, _Worker] = {}
        self._failed_boots = 0
        self._no_start_before = float("-inf")
        self._closing = False

    def views(self) -> list[WorkerView]:
        """Return the workers there are."""
        return [self._view(worker) for worker in self._workers.values()]

    def kill(self, pod_id: str) -> None:
        """Kill a worker's own process at the next tick, as running out of memory does."""
        self._workers[pod_id].pod.kill_at = self._clock()

    def close(self) -> None:
        """Start no more workers and end those there are, over the next ticks."""
        self._closing = True
        for worker in self._workers.values():
            worker.pod.retiring = True
        self._endpoint.bell.ring()

    async def bury_all(self) -> None:
        """Kill what `close` and its ticks have left."""
        for worker in list(self._workers.values()):
            await self._bury(worker)

    @property
    def is_closed(self) -> bool:
        """True once it was closed and no worker is left."""
        return self._closing and not self._workers

    async def tick(self, base_url: str) -> None:
        """Bury the dead, end those whose time has come, and start those that are due."""
        for worker in list(self._workers.values()):
            if self._is_dead(worker):
                await self._bury(worker)
            else:
                self._end_if_due(worker)
        if not self._closing:
            self._retire_idle()
            self._scale()
            await self._start_due(base_url)

    def _is_dead(self, worker: _Worker) -> bool:
        if worker.process is None:
            return self._closing
        return self._supervisor.is_dead(worker.process)

    async def _bury(self, worker: _Worker) -> None:
        del self._workers[worker.pod.id]
        if worker.process is not None:
            await asyncio.to_thread(self._supervisor.bury, worker.process)
        self._queue.pod_died(worker.pod.id)
        self._note_boot(worker)
        log.info(
            "worker.ended",
            extra={
                "endpoint": self._endpoint.name,
                "pod_id": worker.pod.id,
                "exit_status": worker.process.popen.returncode if worker.process else None,
            },
        )

    def _note_boot(self, worker: _Worker) -> None:
        if worker.pod.took_at is not None or worker.pod.retiring:
            self._failed_boots = 0
            return
        pause_s = min(LONGEST_BOOT_BACKOFF_S, BOOT_BACKOFF_S * 2**self._failed_boots)
        self._no_start_before = self._clock() + pause_s
        self._failed_boots += 1

    def _end_if_due(self, worker: _Worker) -> None:
        now, process = self._clock(), worker.process
        if process is None:
            return
        if worker.pod.kill_at is not None and now >= worker.pod.kill_at:
            self._supervisor.kill_main(process)
        elif self._is_silent(worker, now):
            log.warning("worker.silent", extra={"pod_id": worker.pod.id})
            self._supervisor.kill_main(process)
        elif worker.pod.retiring:
            self._retire(worker, process, now)

    def _is_silent(self, worker: _Worker, now: float) -> bool:
        # Until its first take a worker loads its libraries and does not ping.
        patience_s = self._account.silent_pings * self._account.ping_every_s
        return worker.pod.took_at is not None and now - worker.pod.heard_at >= patience_s

    def _retire(self, worker: _Worker, process: WorkerProcess, now: float) -> None:
        if worker.told_to_end_at is None:
            worker.told_to_end_at = now
            self._endpoint.bell.ring()  # its open polls return before it is told
            self._supervisor.tell_to_end(process)
        elif now - worker.told_to_end_at >= self._account.stop_grace_s:
            self._supervisor.kill_main(process)

    def _retire_idle(self) -> None:
        config, now = self._endpoint.config, self._clock()
        staying = [each for each in self._workers.values() if not each.pod.retiring]
        spare = len(staying) - config.min_workers
        for worker in staying:
            pod = worker.pod
            if pod.took_at is None or self._queue.is_busy(pod) or self._queue.waiting():
                pod.idle_since = None
            elif pod.idle_since is None:
                pod.idle_since = now
            elif spare > 0 and now - pod.idle_since >= config.idle_s:
                pod.retiring = True
                spare -= 1

    def _scale(self) -> None:
        config, now = self._endpoint.config, self._clock()
        waits_s = [now - job.submitted_at for job in self._queue.waiting()]
        staying = [each for each in self._workers.values() if not each.pod.retiring]
        load = Load(
            queued=len(waits_s),
            overdue=sum(wait_s >= config.queue_delay_s for wait_s in waits_s),
            running=self._queue.count(Status.IN_PROGRESS),
            workers=len(staying),
            starting=sum(each.pod.took_at is None for each in staying),
        )
        for _ in range(workers_wanted(load, config) - load.workers):
            self._plan(now)

    def _plan(self, now: float) -> None:
        late = self._endpoint.faults.take(FaultKind.COLD_START, self._endpoint.name)
        cold_start_s = self._endpoint.config.cold_start_s + (late.delay_s if late else 0.0)
        pod = Pod(self._new_pod_id(), started_at=now, heard_at=now)
        spawn_at = max(now, self._no_start_before) + cold_start_s
        self._workers[pod.id] = _Worker(pod, spawn_at)

    async def _start_due(self, base_url: str) -> None:
        for worker in self._workers.values():
            if worker.process is None and self._clock() >= worker.spawn_at:
                await self._start(worker, base_url)

    async def _start(self, worker: _Worker, base_url: str) -> None:
        endpoint, pod = self._endpoint, worker.pod
        self._queue.pods[pod.id] = pod
        order = SpawnOrder(
            pod.id,
            endpoint.config.command,
            worker_environment(
                self._account, endpoint.config, pod.id, base_url, self._worker_key
            ),
            self._supervisor.run_folder / pod.id,
        )
        worker.process = await asyncio.to_thread(self._supervisor.spawn, order)
        if endpoint.faults.take(FaultKind.BOOT_LOOP, endpoint.name):
            pod.kill_at = self._clock()
        log.info(
            "worker.started",
            extra={"endpoint": endpoint.name, "pod_id": pod.id, "pid": worker.process.pid},
        )

    def _view(self, worker: _Worker) -> WorkerView:
        pod, process = worker.pod, worker.process
        return WorkerView(
            pod.id,
            self._endpoint.name,
            _state(pod),
            process.pid if process else None,
            self._endpoint.config.gpu,
            self._endpoint.config.price,
            pod.started_at,
            tuple(sorted(pod.jobs)),
            str(process.log_path) if process else None,
        )


def _state(pod: Pod) -> WorkerState:
    if pod.retiring:
        return WorkerState.RETIRING
    return WorkerState.STARTING if pod.took_at is None else WorkerState.READY
