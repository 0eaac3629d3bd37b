"""Use cases of uploads: promise one, see what was put, or call it off."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Annotated

from pydantic import Field, StringConstraints

from gateway.core.media_types import accepted
from gateway.core.object_keys import upload_key
from gateway.core.tickets import Tickets
from gateway.core.upload import (
    GIB,
    PUTS_LAND_WITHIN,
    SINGLE_PUT_MAX_BYTES,
    Asset,
    Upload,
    UploadStatus,
)
from gateway.ports.asset_store import AssetStore
from gateway.ports.clock import Clock
from gateway.ports.multipart_store import PartToJoin, StoredPart
from gateway.ports.object_store import ObjectStore
from gateway.ports.upload_store import QuotaExceeded, UploadStore
from gateway.ports.url_signer import SignedUrl, UrlSigner
from gateway.services.look_at_upload import LookAtUpload
from gateway.services.multipart_uploads import MultipartUploads
from shared.artifacts import Sha256
from shared.errors import (
    Conflict,
    FieldError,
    NotFound,
    TooLarge,
    TryAgainLater,
    UnsupportedMediaType,
    ValidationFailed,
)
from shared.job_kind import Wire
from shared.numbers import Number

# Somebody has to delete something first, or an upload that nothing was put to must expire.
FULL_RETRY_S = 60


class UploadRequest(Wire):
    """What a browser is about to put. `duration_s` is a hint for estimates."""

    filename: Annotated[
        str, StringConstraints(strip_whitespace=True, min_length=1, max_length=255)
    ]
    content_type: Annotated[str, Field(min_length=1, max_length=128)]
    size_bytes: Annotated[int, Field(ge=1, strict=True)]
    sha256: Sha256 | None = None
    duration_s: Annotated[Number, Field(gt=0, le=1_000_000)] | None = None
    multipart: Annotated[bool, Field(strict=True)] = False


@dataclass(frozen=True, slots=True)
class Uploads:
    """`largest_bytes` is what one upload may hold, `url_life_s` how long its URL lives.

    A PUT may begin until then and take its time; of parts the last must begin until then, so
    `in_parts` gives them longer. `quota_bytes` is what a tenant may store.
    """

    store: UploadStore
    assets: AssetStore
    objects: ObjectStore
    signer: UrlSigner
    look: LookAtUpload
    in_parts: MultipartUploads
    tickets: Tickets
    clock: Clock
    new_id: Callable[[], str]
    largest_bytes: int
    url_life_s: int
    quota_bytes: int

    async def create(self, tenant: str, asked: UploadRequest) -> Upload:
        """Return a new upload, written down before any URL for it leaves.

        Raises `UnsupportedMediaType`, `TooLarge` (`upload_too_large`) and `TryAgainLater`
        (`quota_exceeded`).
        """
        content_type = accepted(asked.content_type)
        if content_type is None:
            raise UnsupportedMediaType(
                f"{asked.content_type!r} declared", public="This type of file is not taken."
            )
        self._check_size(asked)
        upload_id = self.new_id()
        now = self.clock.now()
        life_s = self.in_parts.url_life_s if asked.multipart else self.url_life_s
        # Whole seconds, for that is what a presigned URL counts in.
        expires_at = now.replace(microsecond=0) + timedelta(seconds=life_s)
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
        if asked.multipart:
            part_bytes = self.in_parts.part_size_for(asked.size_bytes)
            upload = replace(upload, part_size_bytes=part_bytes)
        sweep_at = expires_at + PUTS_LAND_WITHIN
        with no_room_said():
            await self.store.create(upload, sweep_at, quota_bytes=self.quota_bytes)
        return await self.in_parts.begin(upload) if asked.multipart else upload

    async def get(self, tenant: str, upload_id: str) -> Upload:
        """Return the upload. Raises `NotFound`, also for another tenant's."""
        return _there(await self.store.get(tenant, upload_id), upload_id)

    async def arrived(self, upload: Upload) -> list[StoredPart] | None:
        """Return the parts the store has of a pending upload in parts; None of any other."""
        if upload.part_size_bytes is None or upload.status is not UploadStatus.PENDING:
            return None
        return await self.in_parts.stored(upload)

    def is_open(self, upload: Upload) -> bool:
        """True while something may still be put."""
        return upload.status is UploadStatus.PENDING and self._left_s(upload) >= 1

    def put_url(self, upload: Upload) -> SignedUrl | None:
        """Return the URL of an upload that is put whole, dead at `expires_at`.

        None once it is closed. Type, length, hash (where they were given) and write-once
        are signed.
        """
        if upload.part_size_bytes is not None or not self.is_open(upload):
            return None
        return self.signer.sign_put(
            upload.key,
            expires_s=self._left_s(upload),
            content_type=upload.content_type,
            size_bytes=None if upload.size_is_limit else upload.size_bytes,
            sha256_hex=upload.sha256,
            write_once=True,
        )

    def ticket(self, upload: Upload) -> str:
        """Return what lets a browser use this upload's routes until it expires."""
        return self.tickets.issue(upload.tenant, upload.upload_id, upload.expires_at)

    async def complete(
        self, tenant: str, upload_id: str, parts: Sequence[PartToJoin] | None = None
    ) -> Asset:
        """Look at what was put and return the asset; repeated or raced, the same one.

        Raises `ValidationFailed` on `parts` that cannot be joined, `Conflict`
        (`object_missing`, `upload_aborted`), and, having aborted the upload and removed the
        object, `ValidationFailed` (`size_mismatch`) or `UnsupportedMediaType`
        (`type_mismatch`).
        """
        upload = await self.get(tenant, upload_id)
        if parts is not None and upload.part_size_bytes is None:
            said = "this upload was one PUT and has none"
            raise ValidationFailed([FieldError("parts", said)])
        if upload.status is UploadStatus.PENDING:
            upload = await self._put_together(upload, parts)
        if upload.status is UploadStatus.ABORTED or upload.asset_id is None:
            raise Conflict(
                f"upload {upload_id} is aborted",
                public="This upload was aborted. Begin a new one.",
                code="upload_aborted",
            )
        asset = await self.assets.get(tenant, upload.asset_id)
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
        upload = _there(await self.store.abort(tenant, upload_id), upload_id)
        if upload.status is UploadStatus.COMPLETE:
            raise Conflict(
                f"upload {upload_id} is complete",
                public="This upload is complete; delete its asset instead.",
                code="already_complete",
            )
        await self.in_parts.let_go(upload)
        await self.objects.delete(upload.key)

    async def _put_together(self, upload: Upload, parts: Sequence[PartToJoin] | None) -> Upload:
        """Return the upload after its parts, if any, were joined and the object looked at."""
        if upload.part_size_bytes is None:
            return await self.look(upload)
        try:
            await self.in_parts.join(upload, parts)
        except ValidationFailed:
            # Perhaps joined before, by a request whose answer was lost or that runs beside us.
            if await self.objects.head(upload.key) is None:
                raise
        seen = await self.look(upload)
        if seen.status is UploadStatus.ABORTED:
            # Aborted while we joined: its sweep may be over, and would not see the object.
            await self.objects.delete(upload.key)
        return seen

    def _check_size(self, asked: UploadRequest) -> None:
        if asked.size_bytes > self.largest_bytes:
            public = f"A file may have {self.largest_bytes} bytes at most."
        elif asked.size_bytes > SINGLE_PUT_MAX_BYTES and not asked.multipart:
            most = SINGLE_PUT_MAX_BYTES // GIB
            public = f"One PUT may have {most} GiB at most; ask with multipart for more."
        else:
            return
        raise TooLarge(
            f"{asked.size_bytes} bytes declared", public=public, code="upload_too_large"
        )

    def _left_s(self, upload: Upload) -> int:
        return int((upload.expires_at - self.clock.now()).total_seconds())


@contextmanager
def no_room_said() -> Iterator[None]:
    """Tell the tenant where the store says that it has no room."""
    try:
        yield
    except QuotaExceeded as error:
        raise TryAgainLater(
            "no room for so many bytes more",
            public="This would be more than you may store. Delete files or jobs, then try "
            "again.",
            code="quota_exceeded",
            retry_after_s=FULL_RETRY_S,
        ) from error


def _there(upload: Upload | None, upload_id: str) -> Upload:
    if upload is None:
        raise NotFound(f"no upload {upload_id}", public="There is no such upload.")
    return upload
