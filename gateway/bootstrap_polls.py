"""Puts together what answers a status poll: the adapters that takes, and an application.

It is imported without `bootstrap`, which knows everything else; see `wiring_polls`.
"""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import cast

from starlette.applications import Starlette
from starlette.routing import Route

from gateway.adapters.ids import NewId
from gateway.adapters.r2.presign import R2UrlSigner
from gateway.adapters.sql.attempts import SqlAttemptLog
from gateway.adapters.sql.events import SqlEventLog
from gateway.adapters.sql.job_line import SqlJobLine
from gateway.adapters.sql.jobs import SqlJobStore
from gateway.adapters.sql.keys import SqlKeyStore
from gateway.adapters.sqlite.connections import Synchronous, open_writer
from gateway.adapters.sqlite.engine import SqliteEngine
from gateway.adapters.sqlite.migrate import migrate
from gateway.adapters.system_clock import SystemClock
from gateway.adapters.unconfigured import no_store
from gateway.api import read_job
from gateway.ports.clock import Clock
from gateway.ports.url_signer import UrlSigner
from gateway.settings import Settings, StoreSettings
from gateway.wiring_polls import PollPorts, PollServices


@dataclass(frozen=True, slots=True)
class Polls:
    """An application that answers status polls and nothing else, and needs no FastAPI.

    `services` are for the whole gateway to go on with.
    """

    app: Starlette
    start: Callable[[], Awaitable[None]]
    services: PollServices


def open_sqlite(settings: Settings, *, synchronous: Synchronous = "FULL") -> SqliteEngine:
    """Open a SQLite file, brought up to date. Blocks."""
    settings.database_path.parent.mkdir(parents=True, exist_ok=True)
    migrate(settings.database_path, now=SystemClock().now())
    return SqliteEngine(
        settings.database_path,
        connect_writer=lambda: open_writer(settings.database_path, synchronous=synchronous),
    )


def poll_adapters(settings: Settings, engine: SqliteEngine) -> PollPorts:
    """Return what a status poll stands on, beside a database that is open."""
    clock = SystemClock()
    return PollPorts(
        clock=clock,
        new_id=NewId(clock),
        jobs=SqlJobStore(engine),
        job_line=SqlJobLine(engine),
        events=SqlEventLog(engine),
        attempts=SqlAttemptLog(engine),
        keys=SqlKeyStore(engine),
        signer=_signer(settings.store, clock),
    )


def _signer(store: StoreSettings | None, clock: Clock) -> UrlSigner:
    """Return what signs the bucket's URLs; without settings, what refuses."""
    if store is None:
        return cast(UrlSigner, no_store())
    return R2UrlSigner(
        public_endpoint_url=store.presign_url,
        bucket=store.bucket,
        access_key_id=store.access_key_id,
        secret_access_key=store.secret_access_key.get_secret_value(),
        region=store.region,
        clock=clock,
    )


def build_polls(settings: Settings, adapters: PollPorts) -> Polls:
    """Return what answers status polls; nothing runs before it is started."""
    services = PollServices(settings, adapters)
    app = Starlette(routes=[Route(read_job.PATH, read_job.read_job)])
    services.install(app)
    return Polls(app, services.seed_keys, services)
