"""Uploads and assets in memory."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

from typing_extensions import override

from gateway.adapters.memory.tables import Tables
from gateway.core.upload import Asset, Upload, UploadStatus
from gateway.ports.upload_store import Deletion, QuotaExceeded, UploadStore


def _by_nobody(_: str) -> bool:
    return False


def read_by_an_open_job(tables: Tables) -> Callable[[str], bool]:
    """Return what tells whether an unfinished job reads an asset."""

    def read(asset_id: str) -> bool:
        unfinished = (job for job in tables.jobs.values() if not job.is_final)
        return any(file.asset_id == asset_id for job in unfinished for file in job.files)

    return read


def read_by_a_job(tables: Tables) -> Callable[[str], bool]:
    """Return what tells whether a job that is there, ended or not, reads an asset."""

    def read(asset_id: str) -> bool:
        there = (job for job in tables.jobs.values() if job.id not in tables.deleted)
        return any(file.asset_id == asset_id for job in there for file in job.files)

    return read


class MemoryUploadStore(UploadStore):
    """Dictionaries; `uses_asset` says whether an unfinished job reads an asset.

    `takers` say whether something has taken up an asset: a job, a project, a clip;
    `output_bytes` what a tenant's jobs have stored.
    """

    def __init__(
        self,
        uses_asset: Callable[[str], bool] = _by_nobody,
        *takers: Callable[[str], bool],
    ) -> None:
        self._uses_asset = uses_asset
        self.takers = list(takers)
        self.output_bytes: Callable[[str], int] = lambda _: 0
        self._uploads: dict[str, Upload] = {}
        self._assets: dict[str, Asset] = {}
        self._sweep_at: dict[str, datetime] = {}
        self._gone_at: dict[str, datetime] = {}

    def rows(self) -> list[tuple[Upload, Asset | None, datetime | None]]:
        """Return all uploads, each with its asset while that is there, and its next sweep."""
        return [
            (each, self._assets.get(each.asset_id or ""), self._sweep_at.get(each.upload_id))
            for each in self._uploads.values()
        ]

    def over_since(self, upload: Upload) -> datetime | None:
        """Return since when it came to nothing, or its asset is gone; None while it goes on."""
        if upload.status is UploadStatus.ABORTED:
            return upload.expires_at
        return self._gone_at.get(upload.upload_id)

    def delete(self, asset: Asset, at: datetime) -> None:
        """Delete an asset, and have its key swept."""
        del self._assets[asset.asset_id]
        upload = self._uploads[asset.upload_id]
        self._gone_at[upload.upload_id] = at
        self._sweep_at[upload.upload_id] = max(at, upload.expires_at)

    def forget(self, upload_id: str) -> None:
        """Let go of an upload's row."""
        for rows in (self._uploads, self._sweep_at, self._gone_at):
            rows.pop(upload_id, None)

    def has_asset(self, tenant: str, asset_id: str) -> bool:
        """True while the tenant has the asset; for the job store beside this one."""
        return self._asset(tenant, asset_id) is not None

    @override
    async def create_upload(
        self, upload: Upload, sweep_at: datetime, *, quota_bytes: int | None = None
    ) -> None:
        if upload.upload_id in self._uploads:
            return
        self._check_room(upload.tenant, upload.size_bytes, quota_bytes)
        self._uploads[upload.upload_id] = upload
        self._sweep_at[upload.upload_id] = sweep_at

    @override
    async def stored_bytes(self, tenant: str) -> int:
        return self._stored_bytes(tenant)

    @override
    async def get_upload(self, tenant: str, upload_id: str) -> Upload | None:
        return self._upload(tenant, upload_id)

    @override
    async def upload_at(self, tenant: str, key: str) -> Upload | None:
        there = (upload for upload in self._uploads.values() if upload.key == key)
        return next((upload for upload in there if upload.tenant == tenant), None)

    @override
    async def renew_upload(
        self, upload: Upload, sweep_at: datetime, *, quota_bytes: int | None = None
    ) -> Upload | None:
        now = self._upload(upload.tenant, upload.upload_id)
        if now is None or now.status is not UploadStatus.PENDING:
            return now
        self._check_room(upload.tenant, upload.size_bytes - now.size_bytes, quota_bytes)
        self._sweep_at[upload.upload_id] = sweep_at
        self._uploads[upload.upload_id] = replace(
            now,
            filename=upload.filename,
            content_type=upload.content_type,
            size_bytes=upload.size_bytes,
            size_is_limit=upload.size_is_limit,
            expires_at=upload.expires_at,
        )
        return self._uploads[upload.upload_id]

    @override
    async def name_multipart(self, upload: Upload, multipart_id: str) -> Upload | None:
        now = self._upload(upload.tenant, upload.upload_id)
        if now is None or now.status is not UploadStatus.PENDING:
            return now
        if now.part_size_bytes is not None and now.multipart_id is None:
            now = replace(now, multipart_id=multipart_id)
            self._uploads[upload.upload_id] = now
        return now

    @override
    async def complete_upload(self, asset: Asset) -> Upload | None:
        upload = self._upload(asset.tenant, asset.upload_id)
        if upload is None or upload.status is not UploadStatus.PENDING:
            return upload
        self._assets[asset.asset_id] = asset
        if not upload.provisional:
            del self._sweep_at[upload.upload_id]
        done = replace(upload, status=UploadStatus.COMPLETE, asset_id=asset.asset_id)
        self._uploads[upload.upload_id] = done
        return done

    @override
    async def abort_upload(self, tenant: str, upload_id: str) -> Upload | None:
        upload = self._upload(tenant, upload_id)
        if upload is None or upload.status is not UploadStatus.PENDING:
            return upload
        self._sweep_at[upload_id] = upload.expires_at
        self._uploads[upload_id] = replace(upload, status=UploadStatus.ABORTED)
        return self._uploads[upload_id]

    @override
    async def get_asset(self, tenant: str, asset_id: str) -> Asset | None:
        return self._asset(tenant, asset_id)

    @override
    async def delete_asset(self, tenant: str, asset_id: str, at: datetime) -> Deletion:
        in_use = self._uses_asset(asset_id)
        asset = self._asset(tenant, asset_id)
        if asset is None:
            return Deletion.MISSING
        if in_use:
            return Deletion.IN_USE
        self.delete(asset, at)
        return Deletion.DONE

    @override
    async def let_go(self, upload_id: str, at: datetime) -> bool:
        upload = self._uploads[upload_id]
        asset = self._assets.get(upload.asset_id or "")
        if asset is None:
            return True
        sweep_at = self._sweep_at.get(upload_id)
        if not upload.provisional or sweep_at is None or sweep_at > at:
            return False
        if any(taken(asset.asset_id) for taken in self.takers):
            del self._sweep_at[upload_id]
            return False
        del self._assets[asset.asset_id]
        self._gone_at[upload_id] = at
        return True

    @override
    async def reconsider(self, asset_ids: Sequence[str], sweep_at: datetime) -> None:
        assets = (self._assets[each] for each in asset_ids if each in self._assets)
        for upload_id in (asset.upload_id for asset in assets):
            if self._uploads[upload_id].provisional:
                self._sweep_at.setdefault(upload_id, sweep_at)

    @override
    async def record_probe(self, asset_id: str, sha256: str, probe: dict[str, Any]) -> None:
        asset = self._assets.get(asset_id)
        if asset is not None and asset.probe is None:
            known = asset.sha256 or sha256
            self._assets[asset_id] = replace(asset, sha256=known, probe=probe)

    @override
    async def to_sweep(self, now: datetime, limit: int) -> list[Upload]:
        due = sorted((at, upload_id) for upload_id, at in self._sweep_at.items() if at <= now)
        return [self._uploads[upload_id] for _, upload_id in due[:limit]]

    @override
    async def mark_swept(self, upload_id: str, again_at: datetime | None) -> None:
        if again_at is None:
            self._sweep_at.pop(upload_id, None)
        else:
            self._sweep_at[upload_id] = again_at

    def _stored_bytes(self, tenant: str) -> int:
        promised = (
            upload.size_bytes
            for upload in self._uploads.values()
            if upload.tenant == tenant and upload.status is UploadStatus.PENDING
        )
        there = (each.size_bytes for each in self._assets.values() if each.tenant == tenant)
        return sum(promised) + sum(there) + self.output_bytes(tenant)

    def _check_room(self, tenant: str, more_bytes: int, quota_bytes: int | None) -> None:
        if quota_bytes is not None and self._stored_bytes(tenant) + more_bytes > quota_bytes:
            raise QuotaExceeded

    def _upload(self, tenant: str, upload_id: str) -> Upload | None:
        upload = self._uploads.get(upload_id)
        return upload if upload is not None and upload.tenant == tenant else None

    def _asset(self, tenant: str, asset_id: str) -> Asset | None:
        asset = self._assets.get(asset_id)
        return asset if asset is not None and asset.tenant == tenant else None
