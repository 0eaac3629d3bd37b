"""Uploads in memory."""

from dataclasses import replace
from datetime import datetime

from typing_extensions import override

from gateway.adapters.memory.tables import Tables
from gateway.core.upload import Asset, Upload, UploadStatus
from gateway.ports.upload_store import QuotaExceeded, UploadStore


class MemoryUploadStore(UploadStore):
    """What a tenant has stored is summed up each time it is asked for."""

    def __init__(self, tables: Tables) -> None:
        self._t = tables

    @override
    async def create(
        self, upload: Upload, sweep_at: datetime, *, quota_bytes: int | None = None
    ) -> None:
        if upload.upload_id in self._t.uploads:
            return
        self._check_room(upload.tenant, upload.size_bytes, quota_bytes)
        self._t.uploads[upload.upload_id] = upload
        self._t.sweep_at[upload.upload_id] = sweep_at

    @override
    async def stored_bytes(self, tenant: str) -> int:
        return self._stored_bytes(tenant)

    @override
    async def get(self, tenant: str, upload_id: str) -> Upload | None:
        return self._t.upload_of(tenant, upload_id)

    @override
    async def upload_at(self, tenant: str, key: str) -> Upload | None:
        there = (upload for upload in self._t.uploads.values() if upload.key == key)
        return next((upload for upload in there if upload.tenant == tenant), None)

    @override
    async def renew(
        self, upload: Upload, sweep_at: datetime, *, quota_bytes: int | None = None
    ) -> Upload | None:
        now = self._t.upload_of(upload.tenant, upload.upload_id)
        if now is None or now.status is not UploadStatus.PENDING:
            return now
        self._check_room(upload.tenant, upload.size_bytes - now.size_bytes, quota_bytes)
        self._t.sweep_at[upload.upload_id] = sweep_at
        self._t.uploads[upload.upload_id] = replace(
            now,
            filename=upload.filename,
            content_type=upload.content_type,
            size_bytes=upload.size_bytes,
            size_is_limit=upload.size_is_limit,
            expires_at=upload.expires_at,
        )
        return self._t.uploads[upload.upload_id]

    @override
    async def name_multipart(self, upload: Upload, multipart_id: str) -> Upload | None:
        now = self._t.upload_of(upload.tenant, upload.upload_id)
        if now is None or now.status is not UploadStatus.PENDING:
            return now
        if now.part_size_bytes is not None and now.multipart_id is None:
            now = replace(now, multipart_id=multipart_id)
            self._t.uploads[upload.upload_id] = now
        return now

    @override
    async def complete(self, asset: Asset) -> Upload | None:
        upload = self._t.upload_of(asset.tenant, asset.upload_id)
        if upload is None or upload.status is not UploadStatus.PENDING:
            return upload
        self._t.assets[asset.asset_id] = asset
        if not upload.provisional:
            del self._t.sweep_at[upload.upload_id]
        done = replace(upload, status=UploadStatus.COMPLETE, asset_id=asset.asset_id)
        self._t.uploads[upload.upload_id] = done
        return done

    @override
    async def abort(self, tenant: str, upload_id: str) -> Upload | None:
        upload = self._t.upload_of(tenant, upload_id)
        if upload is None or upload.status is not UploadStatus.PENDING:
            return upload
        self._t.sweep_at[upload_id] = upload.expires_at
        self._t.uploads[upload_id] = replace(upload, status=UploadStatus.ABORTED)
        return self._t.uploads[upload_id]

    def _stored_bytes(self, tenant: str) -> int:
        promised = (
            upload.size_bytes
            for upload in self._t.uploads.values()
            if upload.tenant == tenant and upload.status is UploadStatus.PENDING
        )
        there = (each.size_bytes for each in self._t.assets.values() if each.tenant == tenant)
        return sum(promised) + sum(there) + self._t.output_bytes(tenant)

    def _check_room(self, tenant: str, more_bytes: int, quota_bytes: int | None) -> None:
        if quota_bytes is not None and self._stored_bytes(tenant) + more_bytes > quota_bytes:
            raise QuotaExceeded
