"""Use case: remove objects nobody has a right to any more."""

import logging
from dataclasses import dataclass
from datetime import datetime

from gateway.core.upload import PUTS_LAND_WITHIN, Upload, UploadStatus
from gateway.ports.clock import Clock
from gateway.ports.multipart_store import MultipartStore
from gateway.ports.object_store import ObjectStore
from gateway.ports.upload_store import UploadStore
from gateway.ports.upload_sweep import UploadSweep

log = logging.getLogger(__name__)

AT_ONCE = 100


@dataclass(frozen=True, slots=True)
class SweepUploads:
    """Aborted uploads and deleted assets once their URLs are dead, and again a day later.

    Abandoned ones then. Of provisional ones the asset too, unless something has taken it up.
    """

    store: UploadSweep
    uploads: UploadStore
    objects: ObjectStore
    multiparts: MultipartStore
    clock: Clock

    async def __call__(self) -> None:
        """Sweep what is due, a hundred at most; may be repeated and interrupted anywhere."""
        for due in await self.store.to_sweep(self.clock.now(), AT_ONCE):
            upload = await self._closed(due)
            if upload is None:
                continue
            if upload.multipart_id is not None:
                # Again, though an abort did it: a part under way may have arrived since.
                await self.multiparts.abort(upload.key, upload.multipart_id)
            await self.objects.delete(upload.key)
            await self.store.mark_swept(upload.upload_id, self._again_at(upload))
            log.info("upload.swept", extra={"key": upload.key})

    def _again_at(self, upload: Upload) -> datetime | None:
        """When what was under way as the URLs died has landed; None if it has by now."""
        landed_at = upload.expires_at + PUTS_LAND_WITHIN
        return landed_at if landed_at > self.clock.now() else None

    async def _closed(self, due: Upload) -> Upload | None:
        """Return the upload once nobody can have its object; None if somebody does."""
        if due.status is UploadStatus.COMPLETE:
            # Its asset was deleted, or is provisional and goes now.
            gone = await self.store.let_go(due.upload_id, self.clock.now())
            return due if gone else None
        # Aborted first: a `complete` that comes now must not find what is being removed.
        now = await self.uploads.abort(due.tenant, due.upload_id)
        return None if now is None or now.status is UploadStatus.COMPLETE else now
