"""Uploads and assets in memory."""

from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import datetime
from typing import Any

from typing_extensions import override

from gateway.core.upload import Asset, Upload, UploadStatus
from gateway.ports.upload_store import Deletion, UploadStore


async def _by_nobody(_: str) -> bool:
    return False


class MemoryUploadStore(UploadStore):
    """Dictionaries; `uses_asset` says whether an unfinished job reads an asset."""

    def __init__(self, uses_asset: Callable[[str], Awaitable[bool]] = _by_nobody) -> None:
        self._uses_asset = uses_asset
        self._uploads: dict[str, Upload] = {}
        self._assets: dict[str, Asset] = {}
        self._sweep_at: dict[str, datetime] = {}

    def has_asset(self, tenant: str, asset_id: str) -> bool:
        """True while the tenant has the asset; for the job store beside this one."""
        return self._asset(tenant, asset_id) is not None

    @override
    async def create_upload(self, upload: Upload, sweep_at: datetime) -> None:
        self._uploads[upload.upload_id] = upload
        self._sweep_at[upload.upload_id] = sweep_at

    @override
    async def get_upload(self, tenant: str, upload_id: str) -> Upload | None:
        return self._upload(tenant, upload_id)

    @override
    async def complete_upload(self, asset: Asset) -> Upload | None:
        upload = self._upload(asset.tenant, asset.upload_id)
        if upload is None or upload.status is not UploadStatus.PENDING:
            return upload
        self._assets[asset.asset_id] = asset
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
        in_use = await self._uses_asset(asset_id)
        asset = self._asset(tenant, asset_id)
        if asset is None:
            return Deletion.MISSING
        if in_use:
            return Deletion.IN_USE
        del self._assets[asset_id]
        expires_at = self._uploads[asset.upload_id].expires_at
        self._sweep_at[asset.upload_id] = max(at, expires_at)
        return Deletion.DONE

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
    async def mark_swept(self, upload_id: str) -> None:
        self._sweep_at.pop(upload_id, None)

    def _upload(self, tenant: str, upload_id: str) -> Upload | None:
        upload = self._uploads.get(upload_id)
        return upload if upload is not None and upload.tenant == tenant else None

    def _asset(self, tenant: str, asset_id: str) -> Asset | None:
        asset = self._assets.get(asset_id)
        return asset if asset is not None and asset.tenant == tenant else None
