"""Puts the gateway together: the one place that chooses adapters."""

import secrets
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from typing import Any

from fastapi import FastAPI

from gateway.adapters.ids import NewId
from gateway.adapters.r2.objects import R2ObjectStore
from gateway.adapters.r2.presign import R2UrlSigner
from gateway.adapters.runpod import RunPodCompute
from gateway.adapters.sql.attempts import SqlAttemptLog
from gateway.adapters.sql.effects import SqlEffectQueue
from gateway.adapters.sql.jobs import SqlEventLog, SqlJobStore
from gateway.adapters.sql.keys import SqlKeyStore
from gateway.adapters.sql.liveness import SqlLiveness
from gateway.adapters.sql.uploads import SqlUploadStore
from gateway.adapters.sqlite.engine import SqliteEngine
from gateway.adapters.sqlite.migrate import migrate
from gateway.adapters.system_clock import SystemClock
from gateway.api import assets, front_desk, health, jobs, kinds, live, uploads, work
from gateway.api.use_cases import JobUseCases
from gateway.core.effects import EffectKind
from gateway.core.pricing import Rate
from gateway.core.work_tokens import WorkTokens
from gateway.ports.attempt_log import AttemptLog
from gateway.ports.clock import Clock
from gateway.ports.compute import Compute
from gateway.ports.effect_queue import EffectQueue
from gateway.ports.event_log import EventLog
from gateway.ports.job_store import JobStore
from gateway.ports.key_store import KeyStore
from gateway.ports.liveness import Liveness
from gateway.ports.object_store import ObjectStore
from gateway.ports.upload_store import UploadStore
from gateway.ports.url_signer import UrlSigner
from gateway.services.api_keys import ApiKeys
from gateway.services.ask_compute import CancelAtCompute, SubmitToCompute
from gateway.services.attempt_gate import AttemptGate
from gateway.services.bell import Bell
from gateway.services.cancel_job import CancelJob
from gateway.services.change_job import ChangeJob
from gateway.services.claim_job import ClaimJob
from gateway.services.close_attempts import SettleAttempt, SweepAttempt
from gateway.services.dispatch_jobs import DispatchJobs
from gateway.services.endpoints import Endpoint, Endpoints
from gateway.services.feeds import Feeds
from gateway.services.finish_attempt import FinishAttempt
from gateway.services.grant_outputs import GrantOutputs
from gateway.services.perform_effects import PerformEffects
from gateway.services.pulse import Pulse
from gateway.services.read_events import ReadEvents
from gateway.services.record_report import RecordReport
from gateway.services.resolve_files import ResolveFiles
from gateway.services.submit_job import SubmitJob
from gateway.services.tick import Tick
from gateway.services.view_job import ViewJob
from gateway.services.watch_attempts import Patience, WatchAttempts
from gateway.settings import RunpodSettings, Settings
from shared.job_kind import JobKind
from shared.kinds import load_kinds

# A slot is one job a worker takes at once: a GPU endpoint keeps one more of each at hand.
GPU_SLOTS_AHEAD = 2


@dataclass(frozen=True, slots=True)
class Adapters:
    """Every port, fulfilled; a test may put its own in the place of any."""

    clock: Clock
    new_id: Callable[[], str]
    jobs: JobStore
    events: EventLog
    effects: EffectQueue
    attempts: AttemptLog
    liveness: Liveness
    keys: KeyStore
    uploads: UploadStore
    objects: ObjectStore
    signer: UrlSigner
    compute: Compute
    database_answers: Callable[[], Awaitable[object]]
    close: Callable[[], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class Gateway:
    """The application, and what an entrypoint drives beside it."""

    app: FastAPI
    start: Callable[[], Awaitable[None]]
    perform: Callable[[], Awaitable[object]]
    tick: Callable[[], Awaitable[None]]


def sqlite_adapters(settings: Settings) -> Adapters:
    """Open a SQLite file, brought up to date, beside R2 and RunPod. Blocks."""
    clock = SystemClock()
    settings.database_path.parent.mkdir(parents=True, exist_ok=True)
    migrate(settings.database_path, now=clock.now())
    engine = SqliteEngine(settings.database_path)
    store, runpod = settings.store, settings.runpod
    objects = R2ObjectStore(
        endpoint_url=store.endpoint_url,
        bucket=store.bucket,
        access_key_id=store.access_key_id,
        secret_access_key=store.secret_access_key.get_secret_value(),
        region=store.region,
    )
    compute = RunPodCompute(runpod.base_url, runpod.api_key.get_secret_value())

    async def close() -> None:
        async with AsyncExitStack() as stack:
            stack.push_async_callback(engine.aclose)
            stack.push_async_callback(objects.aclose)
            stack.push_async_callback(compute.aclose)

    return Adapters(
        clock=clock,
        new_id=NewId(clock),
        jobs=SqlJobStore(engine),
        events=SqlEventLog(engine),
        effects=SqlEffectQueue(engine),
        attempts=SqlAttemptLog(engine),
        liveness=SqlLiveness(engine),
        keys=SqlKeyStore(engine),
        uploads=SqlUploadStore(engine),
        objects=objects,
        signer=R2UrlSigner(
            public_endpoint_url=store.presign_url,
            bucket=store.bucket,
            access_key_id=store.access_key_id,
            secret_access_key=store.secret_access_key.get_secret_value(),
            region=store.region,
            clock=clock,
        ),
        compute=compute,
        database_answers=lambda: engine.fetch("SELECT 1"),
        close=close,
    )


def endpoints_of(settings: RunpodSettings) -> Endpoints:
    """Return the endpoints that are configured, with what each bills and takes."""

    def rate(usd_per_s: Any) -> Rate:
        return Rate(usd_per_s, settings.cold_start_s, settings.idle_s)

    gpu = Endpoint(
        settings.gpu_endpoint,
        rate(settings.gpu_rate_usd_per_s),
        settings.gpu_slots * GPU_SLOTS_AHEAD,
    )
    if settings.cpu_endpoint is None:
        return Endpoints(gpu)
    cpu = Endpoint(settings.cpu_endpoint, rate(settings.cpu_rate_usd_per_s), settings.cpu_slots)
    return Endpoints(gpu, cpu)


class _JobServices:
    """The services of jobs, each built once and handed to those that need it."""

    def __init__(
        self,
        settings: Settings,
        has: Adapters,
        offered: Mapping[str, JobKind[Any, Any]],
        wake: Callable[[], None],
    ) -> None:
        bell = Bell()
        secret = settings.token_secret.get_secret_value().encode()
        self.settings, self.has, self.kinds, self.wake = settings, has, offered, wake
        self.endpoints = endpoints_of(settings.runpod)
        self.tokens = WorkTokens(secret)
        self.change = ChangeJob(has.jobs, has.clock, bell, wake)
        self.finish = FinishAttempt(self.change, has.attempts, has.objects, has.clock, offered)
        self.gate = AttemptGate(has.jobs, has.attempts, self.tokens)
        self.feeds = Feeds(has.events, bell, watchers_limit=settings.limits.watchers_per_job)

    def use_cases(self) -> JobUseCases:
        """What the routes call."""
        has, limits = self.has, self.settings.limits
        return JobUseCases(
            kinds=self.kinds,
            store=has.jobs,
            submit=SubmitJob(
                self.kinds,
                has.jobs,
                ResolveFiles(has.uploads, has.jobs),
                self.endpoints,
                has.clock,
                has.new_id,
                self.wake,
                self.settings.max_retries,
                limits.open_jobs_per_tenant,
            ),
            cancel=CancelJob(has.jobs, self.change, has.new_id),
            view=ViewJob(has.jobs, has.attempts, has.signer, self.settings.timings.url_s),
            read_events=ReadEvents(has.events, self.feeds),
            feeds=self.feeds,
            claim=ClaimJob(self.change, has.attempts, self.tokens, has.signer, has.clock),
            grant_outputs=GrantOutputs(
                self.gate, has.attempts, has.signer, has.clock, self.kinds, limits.upload_bytes
            ),
            record_report=RecordReport(
                self.gate, has.jobs, self.change, self.finish, has.uploads, has.clock
            ),
            wait_s_max=limits.wait_s_max,
        )

    def perform(self) -> PerformEffects:
        """What performs the outbox."""
        has, change = self.has, self.change
        performers = {
            EffectKind.DISPATCH: DispatchJobs(
                has.jobs, change, self.endpoints.by_name(), has.clock
            ),
            EffectKind.SUBMIT: SubmitToCompute(
                change,
                has.attempts,
                has.compute,
                has.effects,
                self.tokens,
                has.clock,
                self.settings.public_base_url,
            ),
            EffectKind.CANCEL: CancelAtCompute(change, has.attempts, has.compute),
            EffectKind.SETTLE: SettleAttempt(change, has.attempts, has.clock),
            EffectKind.SWEEP: SweepAttempt(change, has.attempts, has.objects, has.clock),
        }
        return PerformEffects(has.effects, performers, has.clock, has.new_id)

    def tick(self, perform: PerformEffects, sweep_uploads: SweepUploads) -> Tick:
        """What happens though nobody asks."""
        has, timings = self.has, self.settings.timings
        patience = Patience(
            suspect_after_s=timings.suspect_after_s,
            lost_after_s=timings.lost_after_s,
            longest_gap_s=timings.gap_s,
        )
        watch = WatchAttempts(
            has.jobs, has.attempts, self.change, self.finish, has.compute, has.clock, patience
        )
        return Tick(perform, watch, has.liveness, has.clock, (sweep_uploads,))


def build_gateway(
    settings: Settings,
    adapters: Adapters,
    *,
    offered: Mapping[str, JobKind[Any, Any]] | None = None,
) -> Gateway:
    """Return a new gateway on these adapters; nothing runs before it is started.

    `offered`: the kinds of jobs it takes; all there are, unless said.
    """
    pulse = Pulse(tick_s=settings.timings.tick_s)
    services = _JobServices(settings, adapters, offered or load_kinds(), pulse.wake)
    perform = services.perform()
    api_keys = ApiKeys(adapters.keys, adapters.clock, secrets.token_bytes)
    uploads_service = _uploads(settings, adapters)
    tick = services.tick(perform, uploads_service.sweep)

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
    app.state.api_keys = api_keys
    app.state.job_use_cases = services.use_cases()
    front_desk.install(
        app,
        new_id=adapters.new_id,
        json_body_bytes=settings.limits.json_body_bytes,
        json_depth=settings.limits.json_depth,
        cors_origins=settings.cors_origins,
    )
    for module in (health, kinds, uploads, assets, jobs, live, work):
        app.include_router(module.router)
    return Gateway(app, start, perform, tick)
