"""An emulated RunPod: build it, serve its app, start it, and stop it before the server."""

import asyncio
import logging
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

from starlette.applications import Starlette

from infra.local.runpod.api import ClientApi
from infra.local.runpod.config import EmulatorConfig, EndpointConfig
from infra.local.runpod.control import Control
from infra.local.runpod.endpoint import Endpoint
from infra.local.runpod.faults import Fault, FaultKind, Faults
from infra.local.runpod.fleet import Fleet, WorkerView
from infra.local.runpod.records import Pod
from infra.local.runpod.supervisor import Supervisor
from infra.local.runpod.webhooks import Webhooks
from infra.local.runpod.worker_api import WorkerApi

__all__ = [
    "Emulator",
    "EmulatorConfig",
    "EndpointConfig",
    "Fault",
    "FaultKind",
    "build_emulator",
]

log = logging.getLogger(__name__)

# Beyond the grace of a stop: the time a killed group takes to be gone.
STOP_MARGIN_S = 10.0


class Emulator:
    """Both sides of RunPod: `app` answers, `start` begins to run workers, `stop` ends them.

    Without `start` the app still answers and time moves by `sweep`: what a test of the
    protocol needs, with pods that it adopts.
    """

    def __init__(
        self,
        config: EmulatorConfig,
        clock: Callable[[], float],
        new_id: Callable[[], str],
    ) -> None:
        self.config = config
        self.faults = Faults(config.seed)
        self.endpoints = {
            each.name: Endpoint(each, config, clock, self.faults) for each in config.endpoints
        }
        self.worker_key = f"worker-{new_id()}"
        self._clock = clock
        self._new_id = new_id
        self._webhooks = Webhooks(config)
        self._supervisor: Supervisor | None = None
        self._fleets: list[Fleet] = []
        self._ticking: asyncio.Task[None] | None = None
        self.app = self._build_app()

    @property
    def workers(self) -> list[WorkerView]:
        """The worker processes there are, of every endpoint."""
        return [view for fleet in self._fleets for view in fleet.views()]

    def kill_worker(self, pod_id: str) -> None:
        """Kill one worker's own process with SIGKILL, at the next tick."""
        for fleet in self._fleets:
            if any(view.pod_id == pod_id for view in fleet.views()):
                fleet.kill(pod_id)

    def adopt_pod(self, endpoint: str, pod_id: str) -> Pod:
        """Let a pod take jobs that has no process here: a test speaks for it."""
        now = self._clock()
        pod = Pod(pod_id, started_at=now, heard_at=now)
        self.endpoints[endpoint].queue.pods[pod_id] = pod
        return pod

    def sweep(self) -> None:
        """Let time-outs, ttl, retention and webhooks that are due happen now."""
        for endpoint in self.endpoints.values():
            endpoint.queue.sweep()
            self._webhooks.send_due(endpoint)

    async def start(self, base_url: str) -> int:
        """Sweep leftovers and begin to run workers that reach the app at `base_url`.

        Returns how many leftover workers of an earlier start were killed.
        """
        supervisor = Supervisor(self.config.run_folder)
        swept = await asyncio.to_thread(supervisor.open)
        self._supervisor = supervisor
        self._fleets = [
            Fleet(each, self.config, supervisor, self._clock, self._new_id, self.worker_key)
            for each in self.endpoints.values()
        ]
        self._ticking = asyncio.create_task(self._tick_for_ever(base_url.rstrip("/")))
        self._ticking.add_done_callback(_log_failure)
        return swept

    async def stop(self) -> None:
        """End every worker and everything it started; may be called twice.

        No deliveries, open polls return, SIGTERM, a grace, SIGKILL, and nothing is left.
        """
        for fleet in self._fleets:
            fleet.close()
        ticking, self._ticking = self._ticking, None
        if ticking is not None:
            await self._until_empty(ticking)
        await self._webhooks.aclose()
        supervisor, self._supervisor = self._supervisor, None
        if supervisor is not None:
            await asyncio.to_thread(supervisor.close)
        self._fleets = []

    async def _until_empty(self, ticking: "asyncio.Task[None]") -> None:
        try:
            async with asyncio.timeout(self.config.stop_grace_s + STOP_MARGIN_S):
                await ticking
        except TimeoutError:
            log.exception("emulator.stop_took_too_long")
        finally:
            for fleet in self._fleets:
                await fleet.bury_all()

    async def _tick_for_ever(self, base_url: str) -> None:
        while True:
            self.sweep()
            for fleet in self._fleets:
                await fleet.tick(base_url)
            if all(fleet.is_closed for fleet in self._fleets):
                return
            await asyncio.sleep(self.config.tick_s)

    def _build_app(self) -> Starlette:
        client = ClientApi(self.endpoints, self.config.api_key, self._new_id)
        worker = WorkerApi(self.endpoints, self.worker_key, self.config.poll_hold_s)
        routes = [*client.routes(), *worker.routes()]
        if self.config.control:
            control = Control(self.faults, self.endpoints, lambda: self._fleets)
            routes += control.routes()

        @asynccontextmanager
        async def lifespan(app: Starlette) -> AsyncIterator[None]:
            yield
            await self.stop()  # a safety net: by now the server waited for open polls

        return Starlette(routes=routes, lifespan=lifespan)


def _log_failure(ticking: "asyncio.Task[None]") -> None:
    if not ticking.cancelled() and ticking.exception() is not None:
        log.error("emulator.tick_failed", exc_info=ticking.exception())


def build_emulator(
    config: EmulatorConfig, clock: Callable[[], float], new_id: Callable[[], str]
) -> Emulator:
    """Return an emulator that runs nothing yet. `clock` counts seconds from any moment."""
    return Emulator(config, clock, new_id)
