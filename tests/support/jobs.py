"""Jobs and the stores that keep them, for tests of the core and the services."""

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any

from gateway.adapters.memory.assets import MemoryAssetStore
from gateway.adapters.memory.attempts import MemoryAttemptLog, MemoryLiveness
from gateway.adapters.memory.budgets import MemoryBudgetStore
from gateway.adapters.memory.census import MemoryCensusTaker
from gateway.adapters.memory.delivery_log import MemoryDeliveryLog
from gateway.adapters.memory.delivery_queue import MemoryDeliveryQueue
from gateway.adapters.memory.delivery_removal import MemoryDeliveryRemoval
from gateway.adapters.memory.effects import MemoryEffectQueue
from gateway.adapters.memory.erasures import MemoryErasureStore
from gateway.adapters.memory.events import MemoryEventLog
from gateway.adapters.memory.export_projects import MemoryExportProjectStore
from gateway.adapters.memory.job_line import MemoryJobLine
from gateway.adapters.memory.job_lists import MemoryJobLists
from gateway.adapters.memory.job_pruning import MemoryJobPruning
from gateway.adapters.memory.job_removal import MemoryJobRemoval
from gateway.adapters.memory.job_reuse import MemoryJobReuse
from gateway.adapters.memory.job_watch import MemoryJobWatch
from gateway.adapters.memory.jobs import MemoryJobStore
from gateway.adapters.memory.keys import MemoryKeyStore
from gateway.adapters.memory.retention import MemoryRetentionStore
from gateway.adapters.memory.tables import Tables
from gateway.adapters.memory.upload_sweep import MemoryUploadSweep
from gateway.adapters.memory.uploads import MemoryUploadStore
from gateway.adapters.memory.webhook_endpoints import MemoryWebhookEndpointStore
from gateway.adapters.sql.assets import SqlAssetStore
from gateway.adapters.sql.attempts import SqlAttemptLog
from gateway.adapters.sql.budgets import SqlBudgetStore
from gateway.adapters.sql.census import SqlCensusTaker
from gateway.adapters.sql.delivery_log import SqlDeliveryLog
from gateway.adapters.sql.delivery_queue import SqlDeliveryQueue
from gateway.adapters.sql.delivery_removal import SqlDeliveryRemoval
from gateway.adapters.sql.effects import SqlEffectQueue
from gateway.adapters.sql.engine import SqlEngine
from gateway.adapters.sql.erasures import SqlErasureStore
from gateway.adapters.sql.events import SqlEventLog
from gateway.adapters.sql.export_projects import SqlExportProjectStore
from gateway.adapters.sql.job_line import SqlJobLine
from gateway.adapters.sql.job_lists import SqlJobLists
from gateway.adapters.sql.job_pruning import SqlJobPruning
from gateway.adapters.sql.job_removal import SqlJobRemoval
from gateway.adapters.sql.job_reuse import SqlJobReuse
from gateway.adapters.sql.job_watch import SqlJobWatch
from gateway.adapters.sql.jobs import SqlJobStore
from gateway.adapters.sql.keys import SqlKeyStore
from gateway.adapters.sql.liveness import SqlLiveness
from gateway.adapters.sql.retention import SqlRetentionStore
from gateway.adapters.sql.upload_sweep import SqlUploadSweep
from gateway.adapters.sql.uploads import SqlUploadStore
from gateway.adapters.sql.webhook_endpoints import SqlWebhookEndpointStore
from gateway.core.job import Job
from gateway.ports.asset_store import AssetStore
from gateway.ports.attempt_log import AttemptLog
from gateway.ports.budgets import BudgetStore
from gateway.ports.census import CensusTaker
from gateway.ports.delivery_log import DeliveryLog
from gateway.ports.delivery_queue import DeliveryQueue
from gateway.ports.delivery_removal import DeliveryRemoval
from gateway.ports.effect_queue import EffectQueue
from gateway.ports.erasure_store import ErasureStore
from gateway.ports.event_log import EventLog
from gateway.ports.export_projects import ExportProjectStore
from gateway.ports.job_line import JobLine
from gateway.ports.job_lists import JobLists
from gateway.ports.job_pruning import JobPruning
from gateway.ports.job_removal import JobRemoval
from gateway.ports.job_reuse import JobReuse
from gateway.ports.job_store import JobStore
from gateway.ports.job_watch import JobWatch
from gateway.ports.key_store import KeyStore
from gateway.ports.liveness import Liveness
from gateway.ports.retention_store import RetentionStore
from gateway.ports.upload_store import UploadStore
from gateway.ports.upload_sweep import UploadSweep
from gateway.ports.webhook_endpoint_store import WebhookEndpointStore
from tests.support.databases import engine_on, new_database

NOON = datetime(2026, 11, 21, 12, tzinfo=UTC)


class HandClock:
    """A clock that stands still until it is moved."""

    def __init__(self, now: datetime = NOON) -> None:
        self._now = now

    def now(self) -> datetime:
        return self._now

    def move(self, seconds: float) -> None:
        self._now += timedelta(seconds=seconds)


def a_job(job_id: str = "j1", **fields: Any) -> Job:
    """Return a queued job of an imaginary kind."""
    given: dict[str, Any] = {
        "tenant": "default",
        "kind": "test.kind",
        "kind_version": 1,
        "stages": ("prepare", "render", "upload", "persist"),
        "input": {"n": 1},
        "files": (),
        "endpoint": "gpu",
        "max_attempts": 3,
        "limit_s": 100.0,
        "estimated_micro_usd": 1000,
        "reserve_micro_usd": 9000,
        "rate_micro_usd_per_s": 310.0,
        "created_at": NOON,
        "deadline_at": NOON + timedelta(hours=1),
        "trace": "trace-1",
        "labels": {},
    }
    return Job(id=job_id, **{**given, **fields})


@dataclass(frozen=True, slots=True)
class Stores:
    """Everything a gateway keeps of jobs, in one place."""

    jobs: JobStore
    job_line: JobLine
    job_watch: JobWatch
    job_lists: JobLists
    job_reuse: JobReuse
    job_removal: JobRemoval
    job_pruning: JobPruning
    events: EventLog
    effects: EffectQueue
    attempts: AttemptLog
    liveness: Liveness
    census: CensusTaker
    budgets: BudgetStore
    uploads: UploadStore
    assets: AssetStore
    upload_sweep: UploadSweep
    export_projects: ExportProjectStore
    webhook_endpoints: WebhookEndpointStore
    delivery_queue: DeliveryQueue
    delivery_log: DeliveryLog
    delivery_removal: DeliveryRemoval
    keys: KeyStore
    retention: RetentionStore
    erasures: ErasureStore


Opened = AbstractAsyncContextManager[Stores]


@asynccontextmanager
async def memory_stores(_: Path) -> AsyncIterator[Stores]:
    tables = Tables()
    projects = MemoryExportProjectStore(tables.has_asset)
    tables.takers.append(projects.takes)
    yield Stores(
        MemoryJobStore(tables),
        MemoryJobLine(tables),
        MemoryJobWatch(tables),
        MemoryJobLists(tables),
        MemoryJobReuse(tables),
        MemoryJobRemoval(tables),
        MemoryJobPruning(tables),
        MemoryEventLog(tables),
        MemoryEffectQueue(tables),
        MemoryAttemptLog(tables),
        liveness := MemoryLiveness(),
        MemoryCensusTaker(tables, liveness),
        MemoryBudgetStore(tables),
        MemoryUploadStore(tables),
        MemoryAssetStore(tables),
        MemoryUploadSweep(tables),
        projects,
        MemoryWebhookEndpointStore(tables),
        MemoryDeliveryQueue(tables),
        MemoryDeliveryLog(tables),
        MemoryDeliveryRemoval(tables),
        keys=(keys := MemoryKeyStore()),
        retention=MemoryRetentionStore(tables, projects.takes),
        erasures=MemoryErasureStore(tables, projects, keys),
    )


@asynccontextmanager
async def sqlite_stores(folder: Path, *, keys_too: bool = False) -> AsyncIterator[Stores]:
    """In a file of SQLite's; `keys_too`: API keys as well, of which each use is written."""
    database = folder / "cutroom.db"
    new_database(database, NOON)
    async with engine_on(database) as engine:
        await engine.batch(
            [
                ("INSERT INTO tenants (id, created_at) VALUES (?, ?)", (tenant, "2026"))
                for tenant in ("default", "other")
            ]
        )
        stores = stores_on(engine)
        if keys_too:
            stores = replace(stores, keys=SqlKeyStore(engine))
        await stores.job_line.know_endpoints(["gpu"])
        yield stores


def stores_on(engine: SqlEngine) -> Stores:
    """Return the stores that keep everything in one SQL database."""
    return Stores(
        SqlJobStore(engine),
        SqlJobLine(engine),
        SqlJobWatch(engine),
        SqlJobLists(engine),
        SqlJobReuse(engine),
        SqlJobRemoval(engine),
        SqlJobPruning(engine),
        SqlEventLog(engine),
        SqlEffectQueue(engine),
        SqlAttemptLog(engine),
        SqlLiveness(engine),
        SqlCensusTaker(engine),
        SqlBudgetStore(engine),
        SqlUploadStore(engine),
        SqlAssetStore(engine),
        SqlUploadSweep(engine),
        SqlExportProjectStore(engine),
        SqlWebhookEndpointStore(engine),
        SqlDeliveryQueue(engine),
        SqlDeliveryLog(engine),
        SqlDeliveryRemoval(engine),
        keys=MemoryKeyStore(),
        retention=SqlRetentionStore(engine),
        erasures=SqlErasureStore(engine),
    )


STORES: dict[str, Callable[[Path], Opened]] = {
    "memory": memory_stores,
    "sqlite": sqlite_stores,
}
STORES_AND_KEYS: dict[str, Callable[[Path], Opened]] = {
    **STORES,
    "sqlite": partial(sqlite_stores, keys_too=True),
}
