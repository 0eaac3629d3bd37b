"""Puts the gateway together: the one place that chooses adapters."""

import secrets
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from typing import Any, cast

from fastapi import FastAPI

from gateway.adapters.ids import NewId
from gateway.adapters.r2.objects import R2ObjectStore
from gateway.adapters.r2.presign import R2UrlSigner
from gateway.adapters.runpod import RunPodCompute
from gateway.adapters.sql.attempts import SqlAttemptLog
from gateway.adapters.sql.census import SqlCensusTaker
from gateway.adapters.sql.effects import SqlEffectQueue
from gateway.adapters.sql.export_projects import SqlExportProjectStore
from gateway.adapters.sql.jobs import SqlEventLog, SqlJobStore
from gateway.adapters.sql.keys import SqlKeyStore
from gateway.adapters.sql.liveness import SqlLiveness
from gateway.adapters.sql.uploads import SqlUploadStore
from gateway.adapters.sqlite.connections import Synchronous, open_writer
from gateway.adapters.sqlite.engine import SqliteEngine
from gateway.adapters.sqlite.migrate import migrate
from gateway.adapters.system_clock import SystemClock
from gateway.adapters.unconfigured import no_compute, no_store
from gateway.api import (
    assets,
    front_desk,
    health,
    jobs,
    kinds,
    live,
    metrics,
    openapi,
    uploads,
    work,
)
from gateway.api.products.exports import surface
from gateway.ports.clock import Clock
from gateway.ports.compute import Compute
from gateway.ports.multipart_store import MultipartStore
from gateway.ports.object_store import ObjectStore
from gateway.ports.url_signer import UrlSigner
from gateway.services.api_keys import ApiKeys
from gateway.services.pulse import Pulse
from gateway.services.soon_busy import SoonBusy
from gateway.services.sweep_uploads import SweepUploads
from gateway.settings import RunpodSettings, Settings, StoreSettings
from gateway.wiring import JobServices, Ports, install_exports, install_metrics, install_uploads
from shared.job_kind import JobKind
from shared.kinds import load_kinds


@dataclass(frozen=True, slots=True)
class Gateway:
    """The application, and what an entrypoint drives beside it.

    `woken` returns when a request has left effects; `wake` says so without one.
    """

    app: FastAPI
    start: Callable[[], Awaitable[None]]
    perform: Callable[[], Awaitable[object]]
    tick: Callable[[], Awaitable[None]]
    wake: Callable[[], None]
    woken: Callable[[], Awaitable[None]]
    soon_busy: SoonBusy


def sqlite_adapters(settings: Settings, *, synchronous: Synchronous = "FULL") -> Ports:
    """Open a SQLite file, brought up to date, beside R2 and RunPod. Blocks.

    `synchronous`: NORMAL may lose what was answered when the power fails. It is there for
    the benchmark that tells what FULL costs, and no setting reaches it.
    """
    clock = SystemClock()
    settings.database_path.parent.mkdir(parents=True, exist_ok=True)
    migrate(settings.database_path, now=clock.now())
    engine = SqliteEngine(
        settings.database_path,
        connect_writer=lambda: open_writer(settings.database_path, synchronous=synchronous),
    )
    stack = AsyncExitStack()
    stack.push_async_callback(engine.aclose)
    objects, multiparts, signer = _store(settings.store, clock, stack)

    return Ports(
        clock=clock,
        new_id=NewId(clock),
        jobs=SqlJobStore(engine),
        events=SqlEventLog(engine),
        effects=SqlEffectQueue(engine),
        attempts=SqlAttemptLog(engine),
        liveness=SqlLiveness(engine),
        census=SqlCensusTaker(engine),
        keys=SqlKeyStore(engine),
        uploads=SqlUploadStore(engine),
        objects=objects,
        multiparts=multiparts,
        export_projects=SqlExportProjectStore(engine),
        signer=signer,
        compute=_compute(settings.runpod, stack),
        database_answers=lambda: engine.fetch("SELECT 1"),
        close=stack.aclose,
    )


def _store(
    store: StoreSettings | None, clock: Clock, opened: AsyncExitStack
) -> tuple[ObjectStore, MultipartStore, UrlSigner]:
    """Return the bucket and what signs its URLs; without settings, what refuses."""
    if store is None:
        refuses: Any = no_store()
        return refuses, refuses, refuses
    objects = R2ObjectStore(
        endpoint_url=store.endpoint_url,
        bucket=store.bucket,
        access_key_id=store.access_key_id,
        secret_access_key=store.secret_access_key.get_secret_value(),
        region=store.region,
    )
    opened.push_async_exit(objects)
    signer = R2UrlSigner(
        public_endpoint_url=store.presign_url,
        bucket=store.bucket,
        access_key_id=store.access_key_id,
        secret_access_key=store.secret_access_key.get_secret_value(),
        region=store.region,
        clock=clock,
    )
    return objects, objects, signer


def _compute(runpod: RunpodSettings | None, opened: AsyncExitStack) -> Compute:
    """Return RunPod; without settings, what refuses."""
    if runpod is None:
        return cast(Compute, no_compute())
    compute = RunPodCompute(runpod.base_url, runpod.api_key.get_secret_value())
    opened.push_async_callback(compute.aclose)
    return compute


def build_gateway(
    settings: Settings,
    adapters: Ports,
    *,
    offered: Mapping[str, JobKind[Any, Any]] | None = None,
) -> Gateway:
    """Return a new gateway on these adapters; nothing runs before it is started.

    `offered`: the kinds of jobs it takes; all there are, unless said.
    """
    pulse = Pulse(tick_s=settings.timings.tick_s)
    services = JobServices(settings, adapters, offered or load_kinds(), pulse.wake)
    perform = services.perform()
    api_keys = ApiKeys(adapters.keys, adapters.clock, secrets.token_bytes)
    sweep_uploads = SweepUploads(
        adapters.uploads, adapters.objects, adapters.multiparts, adapters.clock
    )
    tick = services.tick(perform, sweep_uploads)

    async def start() -> None:
        await api_keys.seed([key.get_secret_value() for key in settings.api_keys])
        await adapters.jobs.know_endpoints(list(services.endpoints.by_name()))
        await adapters.liveness.started(adapters.clock.now())

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        try:
            await start()
            async with pulse.beating(perform, tick):
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
    openapi.install(app)
    app.state.api_keys = api_keys
    app.state.job_use_cases = services.use_cases()
    app.state.job_tickets = services.job_tickets
    install_uploads(app, settings, adapters)
    install_exports(app, settings, adapters)
    exports = settings.export_route_prefix
    body_bytes = settings.limits.export_body_bytes
    front_desk.install(
        app,
        new_id=adapters.new_id,
        json_body_bytes=settings.limits.json_body_bytes,
        json_depth=settings.limits.json_depth,
        cors_origins=settings.cors_origins,
        products=(surface.face(exports, body_bytes=body_bytes),),
    )
    install_metrics(app, services)
    work.install(app)
    for module in (health, metrics, kinds, uploads, assets, jobs, live, work):
        app.include_router(module.router)
    app.include_router(surface.routes(exports))
    soon_busy = SoonBusy(adapters.census, adapters.effects, adapters.clock)
    return Gateway(app, start, perform, tick, pulse.wake, pulse.woken, soon_busy)
