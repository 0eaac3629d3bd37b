"""Puts together what lets go of things: rules from settings, chores and performers."""

from datetime import timedelta

from gateway.core.effects import EffectKind
from gateway.core.retention import Kept, Rule
from gateway.ports.asset_store import AssetStore
from gateway.ports.clock import Clock
from gateway.ports.erasure_store import ErasureStore
from gateway.ports.job_pruning import JobPruning
from gateway.ports.job_removal import JobRemoval
from gateway.ports.job_reuse import JobReuse
from gateway.ports.job_store import JobStore
from gateway.ports.multipart_store import MultipartStore
from gateway.ports.object_store import ObjectStore
from gateway.ports.retention_store import RetentionStore
from gateway.ports.upload_store import UploadStore
from gateway.services.change_job import ChangeJob
from gateway.services.erase_tenant import CarryOutErasure
from gateway.services.perform_effects import Performer
from gateway.services.prune_store import PruneStore
from gateway.services.retain import ExpireOutputs, Retain
from gateway.settings import Settings

_NAME = "CUTROOM_RETENTION_"


def rules_of(settings: Settings) -> tuple[Rule, ...]:
    """Return how long each class is kept, with words that name the setting."""
    kept, timings = settings.retention, settings.timings
    ops = timedelta(days=kept.ops_days)

    def set_by(what: Kept, variable: str, days: int | None) -> Rule:
        keep = None if days is None else timedelta(days=days)
        shown = "kept for ever" if days is None else f"kept {days} days"
        return Rule(what, keep, f"{shown} ({_NAME}{variable})")

    def timed(what: Kept, variable: str, seconds: float) -> Rule:
        keep = timedelta(seconds=seconds)
        return Rule(what, keep, f"kept {seconds / 3600:g} hours (CUTROOM_TIMINGS_{variable})")

    return (
        Rule(Kept.UPLOADS, timedelta(), "its URLs are dead and nobody has its object"),
        set_by(Kept.OUTPUTS, "OUTPUTS_DAYS", kept.outputs_days),
        set_by(Kept.ASSETS, "ASSETS_DAYS", kept.assets_days),
        set_by(Kept.JOBS, "JOBS_DAYS", kept.jobs_days),
        set_by(Kept.UPLOAD_ROWS, "UPLOAD_ROWS_DAYS", kept.upload_rows_days),
        timed(Kept.EVENTS, "EVENTS_KEPT_S", timings.events_kept_s),
        timed(
            Kept.IDEMPOTENCY_KEYS, "IDEMPOTENCY_KEYS_KEPT_S", timings.idempotency_keys_kept_s
        ),
        Rule(Kept.OPS, ops, f"kept {kept.ops_days} days ({_NAME}OPS_DAYS)"),
        Rule(Kept.EFFECTS, ops, f"kept {kept.ops_days} days ({_NAME}OPS_DAYS)"),
        timed(Kept.DELIVERIES, "WEBHOOK_DELIVERIES_KEPT_S", timings.webhook_deliveries_kept_s),
    )


def retain(
    settings: Settings, store: RetentionStore, removal: JobRemoval, clock: Clock
) -> Retain:
    """Return what lets go of outputs, assets, jobs and rows of uploads."""
    return Retain(rules_of(settings), store, removal, clock, settings.retention.every_s)


def prune(settings: Settings, pruning: JobPruning, clock: Clock) -> PruneStore:
    """Return what forgets rows nobody asks for any more."""
    timings = settings.timings
    return PruneStore(
        pruning,
        clock,
        timings.events_kept_s,
        timings.idempotency_keys_kept_s,
        timedelta(days=settings.retention.ops_days),
    )


def performers(
    jobs: JobStore,
    reuse: JobReuse,
    removal: JobRemoval,
    erasures: ErasureStore,
    change: ChangeJob,
    uploads: UploadStore,
    assets: AssetStore,
    objects: ObjectStore,
    multiparts: MultipartStore,
    clock: Clock,
) -> dict[EffectKind, Performer]:
    """Return what performs the effects by which objects and tenants go."""
    return {
        EffectKind.EXPIRE: ExpireOutputs(jobs, reuse, objects),
        EffectKind.ERASE_TENANT: CarryOutErasure(
            erasures, removal, change, uploads, assets, objects, multiparts, clock
        ),
    }
