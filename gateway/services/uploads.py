"""Use cases of uploads: promise one, see what was put, or call it off."""

import logging
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Annotated

from pydantic import Field, StringConstraints

from gateway.core.media_types import HEAD_BYTES, accepted, types_of
from gateway.core.object_keys import upload_key
from gateway.core.tickets import Tickets
from gateway.core.upload import Asset, Upload, UploadStatus
from gateway.ports.clock import Clock
from gateway.ports.object_store import ObjectStore, StoredObject
from gateway.ports.upload_store import UploadStore
from gateway.ports.url_signer import SignedUrl, UrlSigner
from shared.artifacts import Sha256
from shared.errors import (
    CallerMustChange,
    Conflict,
    FieldError,
    NotFound,
    TooLarge,
    UnsupportedMediaType,
    ValidationFailed,
)
from shared.job_kind import Wire

log = logging.getLogger(__name__)

# A PUT may begin just before its URL dies and take long; nobody waits for longer than this.
ABANDONED_AFTER = timedelta(hours=24)


class UploadRequest(Wire):
    """What a browser is about to put. `duration_s` is a hint for estimates."""

    filename: Annotated[
        str, StringConstraints(strip_whitespace=True, min_length=1, max_length=255)
    ]
    content_type: Annotated[str, Field(min_length=1, max_length=128)]
    size_bytes: Annotated[int, Field(ge=1, strict=True)]
    sha256: Sha256 | None = None
    duration_s: Annotated[float, Field(gt=0, le=1_000_000)] | None = None
    multipart: bool = False


@dataclass(frozen=True, slots=True)
class Uploads:
    """`largest_bytes` is what one upload may hold, `url_life_s` how long its URLs live."""

    store: UploadStore
    objects: ObjectStore
    signer: UrlSigner
    tickets: Tickets
    clock: Clock
    new_id: Callable[[], str]
    largest_bytes: int
    url_life_s: int

    async def create(self, tenant: str, asked: UploadRequest) -> Upload:
        """Return a new upload, written down before any URL for it leaves.

        Raises `UnsupportedMediaType`, `TooLarge` (`upload_too_large`), and
        `ValidationFailed` for a multipart upload, which is not offered.
        """
        content_type = accepted(asked.content_type)
        if content_type is None:
            raise UnsupportedMediaType(
                f"{asked.content_type!r} declared", public="This type of file is not taken."
            )
        if asked.size_bytes > self.largest_bytes:
            raise TooLarge(
                f"{asked.size_bytes} bytes declared",
                public=f"A file may have {self.largest_bytes} bytes at most.",
                code="upload_too_large",
            )
        if asked.multipart:
            raise ValidationFailed(
                [FieldError("multipart", "is not offered yet; send the file in one PUT")]
            )
        upload_id = self.new_id()
        now = self.clock.now()
        # Whole seconds, for that is what a presigned URL counts in.
        expires_at = now.replace(microsecond=0) + timedelta(seconds=self.url_life_s)
        upload = Upload(
            upload_id=upload_id,
            tenant=tenant,
            key=upload_key(tenant, upload_id, content_type),
            filename=asked.filename,
            content_type=content_type,
            size_bytes=asked.size_bytes,
            created_at=now,
            expires_at=expires_at,
            sha256=asked.sha256,
            duration_s=asked.duration_s,
        )
        await self.store.create_upload(upload, sweep_at=expires_at + ABANDONED_AFTER)
        return upload

    async def get(self, tenant: str, upload_id: str) -> Upload:
        """Return the upload. Raises `NotFound`, also for another tenant's."""
        return _there(await self.store.get_upload(tenant, upload_id), upload_id)

    def put_url(self, upload: Upload) -> SignedUrl | None:
        """Return the URL of a pending upload, dead at `expires_at`; None once that is past.

        Type, length, hash (where it was given) and write-once are signed.
        """
        left_s = int((upload.expires_at - self.clock.now()).total_seconds())
        if upload.status is not UploadStatus.PENDING or left_s < 1:
            return None
        return self.signer.sign_put(
            upload.key,
            expires_s=left_s,
            content_type=upload.content_type,
            size_bytes=upload.size_bytes,
            sha256_hex=upload.sha256,
            write_once=True,
        )

    def ticket(self, upload: Upload) -> str:
        """Return what lets a browser use this upload's routes until it expires."""
        return self.tickets.issue(upload.tenant, upload.upload_id, upload.expires_at)

    async def complete(self, tenant: str, upload_id: str) -> Asset:
        """Look at what was put and return the asset; repeated or raced, the same one.

        Raises `Conflict` (`object_missing`, `upload_aborted`), and, having aborted the
        upload and removed the object, `ValidationFailed` (`size_mismatch`) or
        `UnsupportedMediaType` (`type_mismatch`).
        """
        upload = await self.get(tenant, upload_id)
        if upload.status is UploadStatus.PENDING:
            upload = await self._look(upload)
        if upload.status is UploadStatus.ABORTED or upload.asset_id is None:
            raise Conflict(
                f"upload {upload_id} is aborted",
                public="This upload was aborted. Begin a new one.",
                code="upload_aborted",
            )
        asset = await self.store.get_asset(tenant, upload.asset_id)
        if asset is None:
            raise NotFound(
                f"asset {upload.asset_id} is deleted",
                public="The asset of this upload was deleted.",
                code="asset_not_found",
            )
        return asset

    async def abort(self, tenant: str, upload_id: str) -> None:
        """Call the upload off and remove what was put; repeating it is harmless.

        Raises `Conflict` (`already_complete`).
        """
        upload = _there(await self.store.abort_upload(tenant, upload_id), upload_id)
        if upload.status is UploadStatus.COMPLETE:
            raise Conflict(
                f"upload {upload_id} is complete",
                public="This upload is complete; delete its asset instead.",
                code="already_complete",
            )
        await self.objects.delete(upload.key)

    async def _look(self, upload: Upload) -> Upload:
        """Return the upload as it is after the object was looked at, complete or aborted."""
        found = await self.objects.head(upload.key)
        if found is None:
            raise _missing(upload)
        if found.size_bytes != upload.size_bytes:
            said = f"{upload.size_bytes} were declared, {found.size_bytes} were put"
            await self._refuse(
                upload,
                ValidationFailed([FieldError("size_bytes", said)], code="size_mismatch"),
            )
        if not await self._type_is_true(upload, found):
            await self._refuse(
                upload,
                UnsupportedMediaType(
                    f"upload {upload.upload_id} is no {upload.content_type}",
                    public=f"The file is no {upload.content_type}.",
                    code="type_mismatch",
                ),
            )
        asset = Asset(
            asset_id=self.new_id(),
            tenant=upload.tenant,
            upload_id=upload.upload_id,
            key=upload.key,
            filename=upload.filename,
            content_type=upload.content_type,
            size_bytes=upload.size_bytes,
            etag=found.etag,
            created_at=self.clock.now(),
            sha256=upload.sha256,
            duration_s=upload.duration_s,
        )
        return _there(await self.store.complete_upload(asset), upload.upload_id)

    async def _type_is_true(self, upload: Upload, found: StoredObject) -> bool:
        """True if the bytes are what was declared, and stored under that type."""
        try:
            head = await self.objects.read_range(upload.key, 0, HEAD_BYTES)
        except NotFound as error:
            raise _missing(upload) from error
        stored = accepted(found.content_type)
        return stored == upload.content_type and upload.content_type in types_of(head)

    async def _refuse(self, upload: Upload, why: CallerMustChange) -> None:
        """Abort, remove the object, raise; one that was completed meanwhile is left alone."""
        now = await self.store.abort_upload(upload.tenant, upload.upload_id)
        if now is not None and now.status is UploadStatus.ABORTED:
            log.info("upload.refused", extra={"key": upload.key, "code": why.what})
            await self.objects.delete(upload.key)
        raise why


def _there(upload: Upload | None, upload_id: str) -> Upload:
    if upload is None:
        raise NotFound(f"no upload {upload_id}", public="There is no such upload.")
    return upload


def _missing(upload: Upload) -> Conflict:
    return Conflict(
        f"nothing at {upload.key}",
        public="Nothing was put yet. PUT the file, then complete.",
        code="object_missing",
    )
