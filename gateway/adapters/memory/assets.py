"""Assets in memory."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

from typing_extensions import override

from gateway.adapters.memory.tables import Tables
from gateway.core.upload import Asset
from gateway.ports.asset_store import AssetStore, Deletion


class MemoryAssetStore(AssetStore):
    """An asset that an unfinished job reads is not deleted."""

    def __init__(self, tables: Tables) -> None:
        self._t = tables

    @override
    async def get(self, tenant: str, asset_id: str) -> Asset | None:
        return self._t.asset_of(tenant, asset_id)

    @override
    async def delete(self, tenant: str, asset_id: str, at: datetime) -> Deletion:
        in_use = self._is_read(asset_id)
        asset = self._t.asset_of(tenant, asset_id)
        if asset is None:
            return Deletion.MISSING
        if in_use:
            return Deletion.IN_USE
        self._t.delete_asset(asset, at)
        return Deletion.DONE

    @override
    async def record_probe(self, asset_id: str, sha256: str, probe: dict[str, Any]) -> None:
        asset = self._t.assets.get(asset_id)
        if asset is not None and asset.probe is None:
            known = asset.sha256 or sha256
            self._t.assets[asset_id] = replace(asset, sha256=known, probe=probe)

    @override
    async def reconsider(self, asset_ids: Sequence[str], sweep_at: datetime) -> None:
        assets = (self._t.assets[each] for each in asset_ids if each in self._t.assets)
        for upload_id in (asset.upload_id for asset in assets):
            if self._t.uploads[upload_id].provisional:
                self._t.sweep_at.setdefault(upload_id, sweep_at)

    def _is_read(self, asset_id: str) -> bool:
        """True while an unfinished job reads the asset."""
        unfinished = (job for job in self._t.jobs.values() if not job.is_final)
        return any(file.asset_id == asset_id for job in unfinished for file in job.files)
