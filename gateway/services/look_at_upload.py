"""Use case: look at what a browser put, and make it an asset or take it away."""

import logging
from collections.abc import Callable
from dataclasses import dataclass

from gateway.core.media_types import HEAD_BYTES, accepted, types_of
from gateway.core.upload import Asset, Upload, UploadStatus
from gateway.ports.clock import Clock
from gateway.ports.object_store import ObjectStore, StoredObject
from gateway.ports.upload_store import UploadStore
from shared.errors import (
    CallerMustChange,
    Conflict,
    FieldError,
    NotFound,
    TooLarge,
    UnsupportedMediaType,
    ValidationFailed,
)

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class LookAtUpload:
    """A HEAD and the first 64 KiB: nothing else of a file passes through the gateway."""

    store: UploadStore
    objects: ObjectStore
    clock: Clock
    new_id: Callable[[], str]

    async def __call__(self, upload: Upload) -> Upload:
        """Return a pending upload as it is after its object was looked at.

        Raises `Conflict` (`object_missing`) where nothing was put, and, having aborted the
        upload and removed the object, `ValidationFailed` (`size_mismatch`), `TooLarge`
        (`upload_too_large`) or `UnsupportedMediaType` (`type_mismatch`).
        """
        found = await self.objects.head(upload.key)
        if found is None:
            raise _missing(upload)
        wrong = _size_is_wrong(upload, found)
        if wrong is None and not await self._type_is_true(upload, found):
            wrong = UnsupportedMediaType(
                f"upload {upload.upload_id} is no {upload.content_type}",
                public=f"The file is no {upload.content_type}.",
                code="type_mismatch",
            )
        if wrong is not None:
            await self._take_away(upload, wrong)
            raise wrong
        asset = Asset(
            asset_id=self.new_id(),
            tenant=upload.tenant,
            upload_id=upload.upload_id,
            key=upload.key,
            filename=upload.filename,
            content_type=upload.content_type,
            size_bytes=found.size_bytes,
            etag=found.etag,
            created_at=self.clock.now(),
            # In parts the store verified no hash of the whole.
            sha256=upload.sha256 if upload.part_size_bytes is None else None,
            duration_s=upload.duration_s,
        )
        return await self.store.complete(asset) or upload

    async def _type_is_true(self, upload: Upload, found: StoredObject) -> bool:
        """True if the bytes are what was declared, and stored under that type."""
        try:
            head = await self.objects.read_range(upload.key, 0, HEAD_BYTES)
        except NotFound as error:
            raise _missing(upload) from error
        stored = accepted(found.content_type)
        return stored == upload.content_type and upload.content_type in types_of(head)

    async def _take_away(self, upload: Upload, why: CallerMustChange) -> None:
        """Abort, and remove the object; one that was completed meanwhile is left alone."""
        now = await self.store.abort(upload.tenant, upload.upload_id)
        if now is not None and now.status is UploadStatus.ABORTED:
            log.info("upload.refused", extra={"key": upload.key, "code": why.what})
            await self.objects.delete(upload.key)


def _size_is_wrong(upload: Upload, found: StoredObject) -> CallerMustChange | None:
    if upload.size_is_limit and 0 < found.size_bytes <= upload.size_bytes:
        return None
    if found.size_bytes == upload.size_bytes:
        return None
    if upload.size_is_limit and found.size_bytes:
        return TooLarge(
            f"{found.size_bytes} bytes were put as {upload.upload_id}",
            public=f"A file may have {upload.size_bytes} bytes at most.",
            code="upload_too_large",
        )
    said = f"{upload.size_bytes} bytes were declared, {found.size_bytes} were put"
    if upload.size_is_limit:
        said = "nothing is in the file"
    return ValidationFailed([FieldError("size_bytes", said)], code="size_mismatch")


def _missing(upload: Upload) -> Conflict:
    return Conflict(
        f"nothing at {upload.key}",
        public="Nothing was put yet. PUT the file, then complete.",
        code="object_missing",
    )
