"""Chooses the adapters that fulfil the gateway's ports, and opens them.

It is imported without `bootstrap`: an operator's command needs the database and no application.
"""

from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any, cast

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
from gateway.bootstrap_polls import open_sqlite, poll_adapters
from gateway.core.figures import CallFigures
from gateway.core.targets import TargetRules
from gateway.ports.compute import Compute
from gateway.ports.multipart_store import MultipartStore
from gateway.ports.object_store import ObjectStore
from gateway.settings import RunpodSettings, Settings, StoreSettings
from gateway.wiring_ports import Ports


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
