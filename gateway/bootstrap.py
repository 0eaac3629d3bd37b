"""Puts the gateway together: the application on adapters that were chosen for it."""

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

from fastapi import FastAPI

from gateway.api import (
    assets,
    framework_problems,
    health,
    jobs,
    kinds,
    live,
    metrics,
    openapi,
    preview,
    read_job,
    uploads,
    usage,
    webhook_endpoints,
    work,
)
from gateway.api.products.exports import surface
from gateway.core.figures import BeatFigures
from gateway.services.pulse import Pulse
from gateway.services.soon_busy import SoonBusy
from gateway.services.sweep_uploads import SweepUploads
from gateway.settings import Settings
from gateway.wiring import JobServices
from gateway.wiring_polls import PollServices
from gateway.wiring_ports import Ports
from gateway.wiring_routes import (
    install_exports,
    install_metrics,
    install_preview,
    install_uploads,
    install_usage,
)
from shared.job_kind import JobKind
from shared.kinds import load_kinds


@dataclass(frozen=True, slots=True)
class Gateway:
    """The application, and what an entrypoint drives beside it.

    `woken` returns when a request has left effects; `wake` says so without one. `deliver`
    sends what is due to webhook endpoints, which may take as long as their receivers do.
    """

    app: FastAPI
    start: Callable[[], Awaitable[None]]
    perform: Callable[[], Awaitable[object]]
    tick: Callable[[], Awaitable[None]]
    deliver: Callable[[], Awaitable[int]]
    wake: Callable[[], None]
    woken: Callable[[], Awaitable[None]]
    soon_busy: SoonBusy


def build_gateway(
    settings: Settings,
    adapters: Ports,
    *,
    offered: Mapping[str, JobKind[Any, Any]] | None = None,
    polls: PollServices | None = None,
) -> Gateway:
    """Return a new gateway on these adapters; nothing runs before it is started.

    `offered`: the kinds of jobs it takes; all there are, unless said. `polls`: the services
    of status polls, where they have been at work already.
    """
    beats = BeatFigures()
    pulse = Pulse(tick_s=settings.timings.tick_s, figures=beats)
    polls = polls or PollServices(settings, adapters)
    services = JobServices(settings, adapters, offered or load_kinds(), polls, pulse.wake)
    perform, webhooks = services.perform(), services.webhooks
    sweep_uploads = SweepUploads(
        adapters.upload_sweep,
        adapters.uploads,
        adapters.objects,
        adapters.multiparts,
        adapters.clock,
    )
    tick = services.tick(perform, sweep_uploads)

    async def start() -> None:
        await polls.seed_keys()
        await adapters.job_line.know_endpoints(list(services.endpoints.by_name()))
        await adapters.liveness.started(adapters.clock.now())

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        try:
            await start()
            async with pulse.beating(perform, tick), webhooks.courier.at_work():
                yield
        finally:
            await adapters.close()

    app = FastAPI(
        title="cutroom",
        version="1",
        lifespan=lifespan,
        docs_url="/docs" if settings.is_development else None,
        redoc_url="/redoc" if settings.is_development else None,
        openapi_url="/openapi.json" if settings.is_development else None,
    )
    polls.install(app)
    _install(app, settings, adapters, services, beats)
    soon_busy = SoonBusy(
        adapters.census, adapters.effects, adapters.delivery_queue, adapters.clock
    )
    return Gateway(
        app, start, perform, tick, webhooks.deliver, pulse.wake, pulse.woken, soon_busy
    )


def _install(
    app: FastAPI, settings: Settings, adapters: Ports, services: JobServices, beats: BeatFigures
) -> None:
    """Add every route, and leave what it calls."""
    openapi.install(app)
    framework_problems.install(app)
    app.state.job_use_cases = services.use_cases()
    app.state.webhook_endpoints = services.webhooks.endpoints
    install_uploads(app, settings, adapters)
    install_exports(app, settings, adapters)
    install_preview(app, services)
    install_usage(app, services)
    install_metrics(app, services, beats)
    work.install(app)
    for module in (health, metrics, kinds, uploads, assets, jobs, preview, usage, live, work):
        # As they are: FastAPI analyses what it includes again, and matches it twice a request.
        app.router.routes.extend(module.router.routes)
    app.router.routes.extend(webhook_endpoints.router.routes)
    app.add_api_route(read_job.PATH, read_job.read_job, tags=["jobs"])
    app.router.routes.extend(surface.routes(settings.export_route_prefix))
