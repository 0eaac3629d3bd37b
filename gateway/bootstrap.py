"""Puts the gateway together: the one place that chooses adapters."""

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

from fastapi import FastAPI

from gateway.adapters.http_outgoing import HttpOutgoing, SystemNames
from gateway.adapters.r2.objects import R2ObjectStore
from gateway.adapters.runpod import RunPodCompute
from gateway.adapters.sql.assets import SqlAssetStore
from gateway.adapters.sql.budgets import SqlBudgetStore
from gateway.adapters.sql.census import SqlCensusTaker
from gateway.adapters.sql.delivery_log import SqlDeliveryLog
from gateway.adapters.sql.delivery_queue import SqlDeliveryQueue
from gateway.adapters.sql.delivery_removal import SqlDeliveryRemoval
from gateway.adapters.sql.effects import SqlEffectQueue
from gateway.adapters.sql.erasures import SqlErasureStore
from gateway.adapters.sql.export_projects import SqlExportProjectStore
from gateway.adapters.sql.job_lists import SqlJobLists
from gateway.adapters.sql.job_pruning import SqlJobPruning
from gateway.adapters.sql.job_removal import SqlJobRemoval
from gateway.adapters.sql.job_reuse import SqlJobReuse
from gateway.adapters.sql.job_watch import SqlJobWatch
from gateway.adapters.sql.liveness import SqlLiveness
from gateway.adapters.sql.retention import SqlRetentionStore
from gateway.adapters.sql.upload_sweep import SqlUploadSweep
from gateway.adapters.sql.uploads import SqlUploadStore
from gateway.adapters.sql.webhook_endpoints import SqlWebhookEndpointStore
from gateway.adapters.sqlite import backup
from gateway.adapters.sqlite.connections import Synchronous
from gateway.adapters.sqlite.engine import SqliteEngine
from gateway.adapters.system_clock import SystemClock
from gateway.adapters.unconfigured import no_compute, no_store
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
from gateway.bootstrap_polls import open_sqlite, poll_adapters
from gateway.core.figures import BeatFigures, CallFigures
from gateway.core.targets import TargetRules
from gateway.ports.compute import Compute
from gateway.ports.multipart_store import MultipartStore
from gateway.ports.object_store import ObjectStore
from gateway.services.pulse import Pulse
from gateway.services.soon_busy import SoonBusy
from gateway.services.sweep_uploads import SweepUploads
from gateway.settings import RunpodSettings, Settings, StoreSettings
from gateway.wiring import JobServices, Ports
from gateway.wiring_polls import PollServices
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


def sqlite_adapters(
    settings: Settings,
    engine: SqliteEngine | None = None,
    *,
    synchronous: Synchronous = "FULL",
) -> Ports:
    """Open a SQLite file, brought up to date, beside R2 and RunPod. Blocks.

    `engine`: the file, where it is open already. `synchronous`: NORMAL may lose what was
    answered when the power fails. It is there for the benchmark that tells what FULL costs,
    and no setting reaches it.
    """
    engine = engine or open_sqlite(settings, synchronous=synchronous)
    stack = AsyncExitStack()
    stack.push_async_callback(engine.aclose)
    names = SystemNames()
    stack.callback(names.close)
    calls = CallFigures()
    objects, multiparts = _store(settings.store, stack, calls)
    polls = poll_adapters(settings, engine)
    return Ports(
        clock=polls.clock,
        new_id=polls.new_id,
        jobs=polls.jobs,
        job_line=polls.job_line,
        job_watch=SqlJobWatch(engine),
        job_lists=SqlJobLists(engine),
        job_reuse=SqlJobReuse(engine),
        job_removal=SqlJobRemoval(engine),
        job_pruning=SqlJobPruning(engine),
        events=polls.events,
        effects=SqlEffectQueue(engine),
        attempts=polls.attempts,
        liveness=SqlLiveness(engine),
        census=SqlCensusTaker(engine),
        budgets=SqlBudgetStore(engine),
        keys=polls.keys,
        uploads=SqlUploadStore(engine),
        assets=SqlAssetStore(engine),
        upload_sweep=SqlUploadSweep(engine),
        objects=objects,
        multiparts=multiparts,
        export_projects=SqlExportProjectStore(engine),
        retention=SqlRetentionStore(engine),
        erasures=SqlErasureStore(engine),
        signer=polls.signer,
        compute=_compute(settings.runpod, stack, calls),
        webhook_endpoints=SqlWebhookEndpointStore(engine),
        delivery_queue=SqlDeliveryQueue(engine),
        delivery_log=SqlDeliveryLog(engine),
        delivery_removal=SqlDeliveryRemoval(engine),
        outgoing=HttpOutgoing(TargetRules.allowing(settings.outgoing_allow), resolve=names),
        database_answers=lambda: engine.fetch("SELECT 1"),
        close=stack.aclose,
        calls=calls,
        writes=engine.figures,
    )


def _store(
    store: StoreSettings | None, opened: AsyncExitStack, calls: CallFigures
) -> tuple[ObjectStore, MultipartStore]:
    """Return the bucket, by object and in parts; without settings, what refuses."""
    if store is None:
        refuses: Any = no_store()
        return refuses, refuses
    objects = R2ObjectStore(
        endpoint_url=store.endpoint_url,
        bucket=store.bucket,
        access_key_id=store.access_key_id,
        secret_access_key=store.secret_access_key.get_secret_value(),
        region=store.region,
        calls=calls,
    )
    opened.push_async_exit(objects)
    return objects, objects


def _compute(
    runpod: RunpodSettings | None, opened: AsyncExitStack, calls: CallFigures
) -> Compute:
    """Return RunPod; without settings, what refuses."""
    if runpod is None:
        return cast(Compute, no_compute())
    compute = RunPodCompute(runpod.base_url, runpod.api_key.get_secret_value(), calls=calls)
    opened.push_async_callback(compute.aclose)
    return compute


def back_up_database(settings: Settings, to: Path) -> None:
    """Copy the database into a new file, beside whoever uses it. See `sqlite.backup`."""
    backup.back_up(settings.database_path, to)


def restore_database(settings: Settings, backed_up: Path) -> backup.Restored:
    """Put a backup in the place of a database that nobody uses. See `sqlite.backup`."""
    return backup.restore(backed_up, settings.database_path, now=SystemClock().now())


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
    app.include_router(surface.routes(settings.export_route_prefix))
