"""Use case: remove objects nobody has a right to any more."""

import logging
from dataclasses import dataclass

from gateway.core.upload import UploadStatus
from gateway.ports.clock import Clock
from gateway.ports.object_store import ObjectStore
from gateway.ports.upload_store import UploadStore

log = logging.getLogger(__name__)

AT_ONCE = 100


@dataclass(frozen=True, slots=True)
class SweepUploads:
    """Aborted uploads and deleted assets once their URLs are dead; abandoned ones later."""

    store: UploadStore
    objects: ObjectStore
    clock: Clock

    async def __call__(self) -> None:
        """Sweep what is due, a hundred at most; may be repeated and interrupted anywhere."""
        for due in await self.store.to_sweep(self.clock.now(), AT_ONCE):
            # Aborted first: a `complete` that comes now must not find what is being removed.
            now = await self.store.abort_upload(due.tenant, due.upload_id)
            was_pending = due.status is UploadStatus.PENDING
            if was_pending and now is not None and now.status is UploadStatus.COMPLETE:
                continue
            await self.objects.delete(due.key)
            await self.store.mark_swept(due.upload_id)
            log.info("upload.swept", extra={"key": due.key})
