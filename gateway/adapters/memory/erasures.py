"""Erasures in memory: under the same rules as the tables."""

from dataclasses import dataclass, field, replace
from datetime import datetime

from typing_extensions import override

from gateway.adapters.memory.export_projects import MemoryExportProjectStore
from gateway.adapters.memory.keys import MemoryKeyStore
from gateway.adapters.memory.tables import Tables
from gateway.core.effects import Effect
from gateway.core.job import Job
from gateway.core.upload import Upload, UploadStatus
from gateway.ports.erasure_store import Erasure, ErasureStore, Left


@dataclass(slots=True)
class MemoryErasureStore(ErasureStore):
    """Reaches into the other stores, as a database does with one batch."""

    tables: Tables
    projects: MemoryExportProjectStore
    keys: MemoryKeyStore
    erasures: dict[str, Erasure] = field(default_factory=dict)

    @override
    async def begin(self, erasure: Erasure, carry_out: Effect) -> Erasure | None:
        tenant = erasure.tenant or ""
        if under_way := next((e for e in self.erasures.values() if e.tenant == tenant), None):
            return under_way
        if not await self.keys.suspend(tenant, erasure.asked_at):
            return None
        self.tables.erasing.add(tenant)
        self.erasures[erasure.id] = erasure
        self.tables.leave([carry_out])
        return erasure

    @override
    async def get(self, erasure_id: str) -> Erasure | None:
        return self.erasures.get(erasure_id)

    @override
    async def all(self) -> list[Erasure]:
        found = self.erasures.values()
        return sorted(found, key=lambda each: (each.asked_at, each.id), reverse=True)

    @override
    async def strip(self, tenant: str) -> None:
        self.keys.forget_keys(tenant)
        self.projects.forget(tenant)
        endpoints = self.tables.webhook_endpoints.values()
        for endpoint in [each for each in endpoints if each.tenant == tenant]:
            self.tables.forget_endpoint(endpoint.endpoint_id)
        for alert in [each for each in self.tables.told if each.tenant == tenant]:
            del self.tables.told[alert]

    @override
    async def open_jobs(self, tenant: str, limit: int) -> list[str]:
        return [job.id for job in self._jobs(tenant) if not job.is_final][:limit]

    @override
    async def ended_jobs(self, tenant: str, limit: int) -> list[str]:
        ended = (job.id for job in self._jobs(tenant) if job.is_final)
        return [each for each in ended if each not in self.tables.deleted][:limit]

    @override
    async def live_uploads(self, tenant: str, limit: int) -> list[Upload]:
        live = [
            upload
            for upload, asset, _ in self.tables.upload_rows()
            if upload.tenant == tenant and (asset or upload.status is UploadStatus.PENDING)
        ]
        return live[:limit]

    @override
    async def drop_uploads(self, tenant: str, limit: int) -> int:
        named = {file.asset_id for job in self._jobs(tenant) for file in job.files}
        over = [
            upload.upload_id
            for upload, asset, sweep_at in self.tables.upload_rows()
            if upload.tenant == tenant
            and upload.status is not UploadStatus.PENDING
            and asset is None
            and sweep_at is None
            and (upload.asset_id is None or upload.asset_id not in named)
        ][:limit]
        for upload_id in over:
            self.tables.forget_upload(upload_id)
        return len(over)

    @override
    async def left(self, tenant: str) -> Left:
        uploads = [each for each, *_ in self.tables.upload_rows() if each.tenant == tenant]
        return Left(len(self._jobs(tenant)), len(uploads))

    @override
    async def note_quiet(self, erasure_id: str, at: datetime) -> Erasure | None:
        erasure = self.erasures.get(erasure_id)
        if erasure is None or erasure.tenant is None:
            return erasure
        quiet_at = None if self._jobs(erasure.tenant) else erasure.quiet_at or at
        self.erasures[erasure_id] = replace(erasure, quiet_at=quiet_at)
        return self.erasures[erasure_id]

    @override
    async def finish(self, erasure_id: str, alias: str, at: datetime) -> bool:
        erasure = self.erasures.get(erasure_id)
        if erasure is None or erasure.tenant is None:
            return True
        tenant = erasure.tenant
        if erasure.quiet_at is None or self._tells_of_it(erasure.quiet_at):
            return False
        if await self.left(tenant) != Left(0, 0):
            return False
        await self.strip(tenant)
        t = self.tables
        t.gone = {
            job_id: (alias if owner == tenant else owner, kind, status)
            for job_id, (owner, kind, status) in t.gone.items()
        }
        t.budgets.pop(tenant, None)
        for period in [each for each in t.periods if each[0] == tenant]:
            del t.periods[period]
        t.erasing.discard(tenant)
        self.keys.forget_tenant(tenant)
        self.erasures[erasure_id] = replace(erasure, tenant=None, done_at=at)
        return True

    def _jobs(self, tenant: str) -> list[Job]:
        return [job for job in self.tables.jobs.values() if job.tenant == tenant]

    def _tells_of_it(self, quiet_at: datetime) -> bool:
        """True while an op or an effect from before then is there."""
        t = self.tables
        ops = (at for job_id, at in t.op_rows.values() if job_id not in t.jobs)
        effects = (row.done_at or row.due_at for row in t.outbox.values())
        return any(at <= quiet_at for at in (*ops, *effects))
