"""What the memory stores keep, in place of tables; one set is shared by all of a gateway."""

from collections import defaultdict
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from gateway.core.budgets import Alert, Budget, Standing
from gateway.core.effects import Effect
from gateway.core.job import Job
from gateway.core.upload import Asset, Upload
from gateway.core.webhooks import Delivery, DeliveryStatus, WebhookEndpoint
from gateway.ports.attempt_log import Attempt, Grant, RunpodJob
from gateway.ports.event_log import Event


@dataclass(slots=True)
class OutboxRow:
    """One effect with its lease."""

    effect: Effect
    due_at: datetime
    lease_until: datetime | None = None
    lease_op: str | None = None
    tries: int = 0
    done_at: datetime | None = None


@dataclass(slots=True)
class DeliveryRow:
    """A delivery with its lease."""

    delivery: Delivery
    lease_until: datetime | None = None
    lease_op: str | None = None

    def is_due(self, now: datetime) -> bool:
        """True where it is to be tried, and nobody is at it."""
        due_at = self.delivery.due_at
        free = self.lease_until is None or self.lease_until <= now
        return due_at is not None and due_at <= now and free


@dataclass(frozen=True, slots=True)
class BoundKey:
    """What an idempotency key names."""

    job_id: str
    request_hash: str
    created_at: datetime


@dataclass(slots=True)
class Tables:
    """Rows by their keys. `takers` say whether a project or a clip has taken up an asset."""

    jobs: dict[str, Job] = field(default_factory=dict)
    ops: dict[str, dict[str, Any]] = field(default_factory=dict)
    op_rows: dict[str, tuple[str, datetime]] = field(default_factory=dict)
    events: defaultdict[str, list[Event]] = field(default_factory=lambda: defaultdict(list))
    outbox: dict[str, OutboxRow] = field(default_factory=dict)
    keys: dict[tuple[str, str, str], BoundKey] = field(default_factory=dict)
    deleted: set[str] = field(default_factory=set)
    erasing: set[str] = field(default_factory=set)
    events_pruned: set[str] = field(default_factory=set)
    attempts: dict[tuple[str, int], Attempt] = field(default_factory=dict)
    outcomes: dict[tuple[str, int], str | None] = field(default_factory=dict)
    last_words: dict[tuple[str, int], datetime] = field(default_factory=dict)
    workers: dict[tuple[str, int], dict[str, Any]] = field(default_factory=dict)
    grants: dict[tuple[str, int], dict[str, Grant]] = field(default_factory=dict)
    runpod: dict[tuple[str, str], RunpodJob] = field(default_factory=dict)
    ledger: dict[tuple[str, int, str], int] = field(default_factory=dict)
    reserved_at: dict[tuple[str, int], datetime] = field(default_factory=dict)
    budgets: dict[str, Budget] = field(default_factory=dict)
    periods: dict[tuple[str, str], Standing] = field(default_factory=dict)
    told: dict[Alert, datetime] = field(default_factory=dict)
    gone: dict[str, tuple[str, str, str]] = field(default_factory=dict)
    uploads: dict[str, Upload] = field(default_factory=dict)
    assets: dict[str, Asset] = field(default_factory=dict)
    sweep_at: dict[str, datetime] = field(default_factory=dict)
    assets_gone_at: dict[str, datetime] = field(default_factory=dict)
    takers: list[Callable[[str], bool]] = field(default_factory=list)
    webhook_endpoints: dict[str, WebhookEndpoint] = field(default_factory=dict)
    deliveries: dict[str, DeliveryRow] = field(default_factory=dict)

    def keep_op(self, op: str, job_id: str, at: datetime, outcome: dict[str, Any]) -> None:
        """Note that an op was done, for whom and when."""
        self.ops[op] = outcome
        self.op_rows[op] = (job_id, at)

    def leave(self, effects: Iterable[Effect]) -> None:
        """Add effects to the outbox; one that is there already is kept."""
        for effect in effects:
            self.outbox.setdefault(effect.id, OutboxRow(effect, effect.due_at))

    def forget(self, job_id: str) -> None:
        """Let go of all that belongs to a job but its costs, and whose they were for what."""
        if job := self.jobs.pop(job_id, None):
            self.gone[job_id] = (job.tenant, job.kind, job.status.value)
        self.events.pop(job_id, None)
        self.deleted.discard(job_id)
        self.events_pruned.discard(job_id)
        self.keys = {k: v for k, v in self.keys.items() if v.job_id != job_id}
        by_attempt: tuple[dict[Any, Any], ...] = (
            *(self.attempts, self.outcomes, self.last_words, self.workers),
            *(self.grants, self.runpod),
        )
        for table in by_attempt:
            for name in [name for name in table if name[0] == job_id]:
                del table[name]

    def job_of(self, tenant: str, job_id: str) -> Job | None:
        """Return the tenant's job; a deleted one is nobody's."""
        job = self.jobs.get(job_id)
        there = job is not None and job.tenant == tenant and job_id not in self.deleted
        return job if there else None

    def output_bytes(self, tenant: str) -> int:
        """Return what the outputs of the tenant's jobs that are there come to."""
        mine = (
            j for j in self.jobs.values() if j.tenant == tenant and j.id not in self.deleted
        )
        there = (job for job in mine if job.outputs_expired_at is None)
        return sum(output.size_bytes for job in there for output in job.outputs)

    def standing(self, tenant: str, period: str) -> Standing:
        """Return what of a period is reserved and spent."""
        return self.periods.get((tenant, period), Standing())

    def owner_of(self, job_id: str) -> str:
        """Return whose job it is, or was."""
        job = self.jobs.get(job_id)
        return job.tenant if job else self.gone[job_id][0]

    def kind_and_status_of(self, job_id: str) -> tuple[str, str]:
        """Return of what kind a job is and where it stands, or how it ended."""
        job = self.jobs.get(job_id)
        return (job.kind, job.status.value) if job else self.gone[job_id][1:]

    def holding(self, endpoint: str) -> list[Job]:
        """Return the jobs that hold a slot of the endpoint."""
        return [j for j in self.jobs.values() if j.endpoint == endpoint and j.holds_slot]

    def upload_of(self, tenant: str, upload_id: str) -> Upload | None:
        """Return the tenant's upload."""
        upload = self.uploads.get(upload_id)
        return upload if upload is not None and upload.tenant == tenant else None

    def asset_of(self, tenant: str, asset_id: str) -> Asset | None:
        """Return the tenant's asset; a deleted one is nobody's."""
        asset = self.assets.get(asset_id)
        return asset if asset is not None and asset.tenant == tenant else None

    def has_asset(self, tenant: str, asset_id: str) -> bool:
        """True while the tenant has the asset."""
        return self.asset_of(tenant, asset_id) is not None

    def upload_rows(self) -> list[tuple[Upload, Asset | None, datetime | None]]:
        """Return all uploads, each with its asset while that is there, and its next sweep."""
        return [
            (each, self.assets.get(each.asset_id or ""), self.sweep_at.get(each.upload_id))
            for each in self.uploads.values()
        ]

    def delete_asset(self, asset: Asset, at: datetime) -> None:
        """Delete an asset, and have its key swept."""
        del self.assets[asset.asset_id]
        upload = self.uploads[asset.upload_id]
        self.assets_gone_at[upload.upload_id] = at
        self.sweep_at[upload.upload_id] = max(at, upload.expires_at)

    def forget_upload(self, upload_id: str) -> None:
        """Let go of an upload's row."""
        for rows in (self.uploads, self.sweep_at, self.assets_gone_at):
            rows.pop(upload_id, None)

    def end_pending(self, endpoint_id: str) -> None:
        """What is still to be sent to an endpoint is sent no more."""
        for name, row in self.deliveries.items():
            mine = row.delivery.endpoint_id == endpoint_id
            if mine and row.delivery.due_at is not None:
                dead = replace(row.delivery, status=DeliveryStatus.DEAD, due_at=None)
                self.deliveries[name] = DeliveryRow(dead)

    def forget_endpoint(self, endpoint_id: str) -> None:
        """Let go of a webhook endpoint with all its deliveries."""
        del self.webhook_endpoints[endpoint_id]
        self.deliveries = {
            name: row
            for name, row in self.deliveries.items()
            if row.delivery.endpoint_id != endpoint_id
        }
