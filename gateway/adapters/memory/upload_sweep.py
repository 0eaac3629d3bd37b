"""What of the uploads is to be swept, in memory."""

from datetime import datetime

from typing_extensions import override

from gateway.adapters.memory.tables import Tables
from gateway.core.upload import Upload
from gateway.ports.upload_sweep import UploadSweep


class MemoryUploadSweep(UploadSweep):
    """An asset stays that a job which is there, a project or a clip has taken up."""

    def __init__(self, tables: Tables) -> None:
        self._t = tables

    @override
    async def to_sweep(self, now: datetime, limit: int) -> list[Upload]:
        due = sorted((at, upload_id) for upload_id, at in self._t.sweep_at.items() if at <= now)
        return [self._t.uploads[upload_id] for _, upload_id in due[:limit]]

    @override
    async def let_go(self, upload_id: str, at: datetime) -> bool:
        upload = self._t.uploads[upload_id]
        asset = self._t.assets.get(upload.asset_id or "")
        if asset is None:
            return True
        sweep_at = self._t.sweep_at.get(upload_id)
        if not upload.provisional or sweep_at is None or sweep_at > at:
            return False
        if self._is_taken(asset.asset_id):
            del self._t.sweep_at[upload_id]
            return False
        del self._t.assets[asset.asset_id]
        self._t.assets_gone_at[upload_id] = at
        return True

    @override
    async def mark_swept(self, upload_id: str, again_at: datetime | None) -> None:
        if again_at is None:
            self._t.sweep_at.pop(upload_id, None)
        else:
            self._t.sweep_at[upload_id] = again_at

    def _is_taken(self, asset_id: str) -> bool:
        there = (job for job in self._t.jobs.values() if job.id not in self._t.deleted)
        read = any(file.asset_id == asset_id for job in there for file in job.files)
        return read or any(taken(asset_id) for taken in self._t.takers)
