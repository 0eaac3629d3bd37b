"""What has grown old, in memory: under the same rules as the tables."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import datetime

from typing_extensions import override

from gateway.adapters.memory.tables import Tables
from gateway.core.effects import Effect
from gateway.core.job import Job
from gateway.core.retention import Due, Kept
from gateway.core.upload import Asset, Upload, UploadStatus
from gateway.ports.retention_store import RetentionStore


class MemoryRetentionStore(RetentionStore):
    """Looks at all that the other stores keep; `registered` says what a project or clip has."""

    def __init__(
        self,
        tables: Tables,
        registered: Callable[[str], bool],
    ) -> None:
        self._t = tables
        self._registered = registered

    @override
    async def due(self, what: Kept, before: datetime, limit: int) -> list[Due]:
        finders: dict[Kept, Callable[[datetime], Iterator[Due]]] = {
            Kept.UPLOADS: self._swept,
            Kept.OUTPUTS: self._outputs,
            Kept.ASSETS: self._assets,
            Kept.JOBS: self._jobs,
            Kept.UPLOAD_ROWS: self._upload_rows,
            Kept.EVENTS: self._events,
            Kept.IDEMPOTENCY_KEYS: self._keys,
            Kept.OPS: self._ops,
            Kept.EFFECTS: self._effects,
            Kept.DELIVERIES: self._deliveries,
        }
        found = (each for each in finders[what](before) if each.since < before)
        return sorted(found, key=lambda each: (each.since, each.id))[:limit]

    @override
    async def expire_outputs(
        self, job_id: str, before: datetime, at: datetime, expire: Effect
    ) -> bool:
        job = self._t.jobs.get(job_id)
        if job is None or not self._may_expire(job, before):
            return bool(job and job.outputs_expired_at)
        self._t.jobs[job_id] = replace(job, outputs_expired_at=at, fingerprint=None)
        self._t.leave([expire])
        return True

    @override
    async def expire_asset(self, asset_id: str, before: datetime, at: datetime) -> bool:
        for _, asset, _ in self._t.upload_rows():
            if asset and asset.asset_id == asset_id and self._is_idle(asset, before):
                self._t.delete_asset(asset, at)
                return True
        return False

    @override
    async def drop_upload_row(self, upload_id: str, before: datetime) -> bool:
        due = [each for each in self._upload_rows(before) if each.since < before]
        if upload_id not in [each.id for each in due]:
            return False
        self._t.forget_upload(upload_id)
        return True

    def _swept(self, _: datetime) -> Iterator[Due]:
        for upload, _asset, sweep_at in self._t.upload_rows():
            if sweep_at is not None:
                yield Due(Kept.UPLOADS, upload.upload_id, upload.tenant, sweep_at)

    def _outputs(self, before: datetime) -> Iterator[Due]:
        for job in self._t.jobs.values():
            if job.outputs_at and self._may_expire(job, before):
                yield Due(Kept.OUTPUTS, job.id, job.tenant, job.outputs_at)

    def _assets(self, before: datetime) -> Iterator[Due]:
        for _, asset, _ in self._t.upload_rows():
            if asset and self._is_idle(asset, before):
                yield Due(Kept.ASSETS, asset.asset_id, asset.tenant, asset.created_at)

    def _jobs(self, _: datetime) -> Iterator[Due]:
        for job in self._ended():
            if job.id not in self._t.deleted and not self._is_read(job) and job.finished_at:
                yield Due(Kept.JOBS, job.id, job.tenant, job.finished_at)

    def _upload_rows(self, _: datetime) -> Iterator[Due]:
        named = {file.asset_id for job in self._t.jobs.values() for file in job.files}
        for upload, asset, sweep_at in self._t.upload_rows():
            since = self._over_since(upload)
            over = asset is None and sweep_at is None and upload.asset_id not in named - {None}
            if since is not None and over:
                yield Due(Kept.UPLOAD_ROWS, upload.upload_id, upload.tenant, since)

    def _over_since(self, upload: Upload) -> datetime | None:
        """Return since when it came to nothing, or its asset is gone; None while it goes on."""
        if upload.status is UploadStatus.ABORTED:
            return upload.expires_at
        return self._t.assets_gone_at.get(upload.upload_id)

    def _events(self, _: datetime) -> Iterator[Due]:
        for job in self._ended():
            if job.id not in self._t.events_pruned and job.finished_at:
                yield Due(Kept.EVENTS, job.id, job.tenant, job.finished_at)

    def _keys(self, _: datetime) -> Iterator[Due]:
        for (tenant, _route, _key), bound in self._t.keys.items():
            if self._has_ended(bound.job_id):
                yield Due(Kept.IDEMPOTENCY_KEYS, bound.job_id, tenant, bound.created_at)

    def _ops(self, _: datetime) -> Iterator[Due]:
        for op, (job_id, at) in self._t.op_rows.items():
            if self._has_ended(job_id):
                yield Due(Kept.OPS, op, None, at)

    def _effects(self, _: datetime) -> Iterator[Due]:
        for row in self._t.outbox.values():
            if row.done_at is not None:
                yield Due(Kept.EFFECTS, row.effect.id, None, row.done_at)

    def _deliveries(self, _: datetime) -> Iterator[Due]:
        rows = (row.delivery for row in self._t.deliveries.values())
        for each in (each for each in rows if each.due_at is None):
            yield Due(Kept.DELIVERIES, each.delivery_id, each.tenant, each.created_at)

    def _ended(self) -> Iterator[Job]:
        yield from (job for job in self._t.jobs.values() if job.is_final)

    def _has_ended(self, job_id: str) -> bool:
        job = self._t.jobs.get(job_id)
        return job is None or job.is_final

    def _may_expire(self, job: Job, before: datetime) -> bool:
        old = job.outputs_at is not None and job.outputs_at < before
        there = job.outputs_expired_at is None and job.id not in self._t.deleted
        return old and there and not self._is_read(job)

    def _is_read(self, job: Job) -> bool:
        readers = (each for each in self._t.jobs.values() if not each.is_final)
        return any(file.source_id == job.id for each in readers for file in each.files)

    def _is_idle(self, asset: Asset, before: datetime) -> bool:
        if asset.created_at >= before or self._registered(asset.asset_id):
            return False
        return not any(
            job.finished_at is None or job.finished_at >= before
            for job in self._t.jobs.values()
            if job.id not in self._t.deleted
            and any(file.asset_id == asset.asset_id for file in job.files)
        )
