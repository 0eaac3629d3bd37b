"""Use cases of the inputs of exports: promise one under a job's key to be, and take it up."""

import unicodedata
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import timedelta

from gateway.core.media_types import accepted
from gateway.core.object_keys import input_key
from gateway.core.upload import Asset, Upload, UploadStatus
from gateway.ports.asset_store import AssetStore
from gateway.ports.clock import Clock
from gateway.ports.object_store import ObjectStore
from gateway.ports.upload_store import UploadStore
from gateway.ports.url_signer import MAX_KEY_BYTES, SignedUrl, UrlSigner
from gateway.services.look_at_upload import LookAtUpload
from gateway.services.uploads import no_room_said
from shared.errors import (
    Conflict,
    FieldError,
    NotFound,
    TooLarge,
    UnsupportedMediaType,
    ValidationFailed,
)

# An input that no job, project or clip has taken up by then goes, whether put or not.
KEPT_FOR = timedelta(hours=24)
VIDEO_TYPES = frozenset({"video/mp4", "video/quicktime", "video/webm"})
_NO_TEXT = frozenset({"Cc", "Cs"})  # control characters, halves of surrogate pairs


@dataclass(frozen=True, slots=True)
class ExportInputs:
    """`max_bytes` is what one PUT may hold, `url_life_s` how long its URL lives.

    `quota_bytes` is what a tenant may store; an input of a size that was not said counts as
    the largest, until it has come.
    """

    store: UploadStore
    assets: AssetStore
    objects: ObjectStore
    signer: UrlSigner
    look: LookAtUpload
    clock: Clock
    new_id: Callable[[], str]
    max_bytes: int
    url_life_s: int
    quota_bytes: int

    async def promise(
        self,
        tenant: str,
        *,
        filename: str,
        content_type: str,
        size_bytes: int | None,
        job_id: str | None,
    ) -> tuple[Upload, SignedUrl]:
        """Return an upload whose id is that of the job to be, and the URL to put it to.

        `job_id`: one promised before, to get a fresh URL; None for a new one. `size_bytes`:
        None leaves it open up to `max_bytes`. Type, write-once, and the size where it is
        given, are signed.

        Raises `UnsupportedMediaType`, `TooLarge` (`upload_too_large`), `NotFound` for a
        `job_id` that was not promised to this tenant, `Conflict` (`upload_exists`,
        `upload_aborted`) and `TryAgainLater` (`quota_exceeded`).
        """
        taken_type = accepted(content_type)
        if taken_type not in VIDEO_TYPES:
            raise UnsupportedMediaType(
                f"{content_type!r} declared", public="This type of file is not taken."
            )
        if size_bytes is not None and size_bytes > self.max_bytes:
            raise TooLarge(
                f"{size_bytes} bytes declared",
                public=f"A file may have {self.max_bytes} bytes at most.",
                code="upload_too_large",
            )
        now = self.clock.now()
        upload_id = job_id or self.new_id()
        upload = Upload(
            upload_id=upload_id,
            tenant=tenant,
            # An id that was never ours may have any form; it is looked up, never spelt out.
            key=input_key(upload_id) if job_id is None else "",
            filename=filename,
            content_type=taken_type,
            size_bytes=self.max_bytes if size_bytes is None else size_bytes,
            created_at=now,
            # Whole seconds, for that is what a presigned URL counts in.
            expires_at=now.replace(microsecond=0) + timedelta(seconds=self.url_life_s),
            size_is_limit=size_bytes is None,
            provisional=True,
        )
        if job_id is None:
            with no_room_said():
                await self.store.create(upload, now + KEPT_FOR, quota_bytes=self.quota_bytes)
        else:
            upload = await self._renewed(upload)
        return upload, self._sign(upload)

    async def take(self, tenant: str, key: str, *, field: str = "input_video_key") -> Asset:
        """Return the asset under an input key of this tenant's, completing its upload.

        Repeated or raced it gives the same one. `field` is what a refused key is called.

        Raises `ValidationFailed` (`input_key_not_allowed`) for a key that is none,
        `NotFound` (`input_video_not_found`), also for another tenant's, `Conflict`
        (`upload_incomplete`) where nothing was put, and, having removed the object,
        `TooLarge` (`upload_too_large`), `UnsupportedMediaType` (`type_mismatch`) or
        `ValidationFailed` (`size_mismatch`).
        """
        if not _is_input_key(key):
            said = "must be a key under input/, as upload-url gave it"
            raise ValidationFailed([FieldError(field, said)], code="input_key_not_allowed")
        upload = await self.store.upload_at(tenant, key)
        if upload is not None and upload.status is UploadStatus.PENDING:
            upload = await self._completed(upload, field)
        asset = None
        if upload is not None and upload.asset_id is not None:
            asset = await self.assets.get(tenant, upload.asset_id)
        if asset is None:
            raise NotFound(
                f"no input at {key}",
                public="There is no such input video.",
                code="input_video_not_found",
            )
        return asset

    def reserved_id(self, asset: Asset) -> str | None:
        """Return the job id that was promised with this input; None for any other asset."""
        promised = asset.key.startswith("input/") and asset.key == input_key(asset.upload_id)
        return asset.upload_id if promised else None

    async def _renewed(self, asked: Upload) -> Upload:
        """Return the upload promised before as it is now asked for."""
        now = await self.store.get(asked.tenant, asked.upload_id)
        if now is None or not now.provisional:
            raise _no_such_id(asked)
        if now.status is UploadStatus.ABORTED:
            raise _aborted(now)
        if now.status is UploadStatus.COMPLETE or await self.objects.head(now.key) is not None:
            raise _exists(now)
        wanted = replace(asked, key=now.key, created_at=now.created_at)
        sweep_at = asked.created_at + KEPT_FOR
        with no_room_said():
            renewed = await self.store.renew(wanted, sweep_at, quota_bytes=self.quota_bytes)
        if renewed is None:
            raise _no_such_id(asked)
        if renewed.status is UploadStatus.PENDING:
            return renewed
        raise _exists(now) if renewed.status is UploadStatus.COMPLETE else _aborted(now)

    async def _completed(self, upload: Upload, field: str) -> Upload:
        try:
            return await self.look(upload)
        except ValidationFailed as error:  # the caller named a key here, and no size
            said = [FieldError(field, each.message) for each in error.errors]
            raise ValidationFailed(said, code=error.what) from error
        except Conflict as error:
            raise Conflict(
                str(error),
                public="Nothing was put under this key yet. PUT the video, then try again.",
                code="upload_incomplete",
            ) from error

    def _sign(self, upload: Upload) -> SignedUrl:
        left_s = int((upload.expires_at - self.clock.now()).total_seconds())
        return self.signer.sign_put(
            upload.key,
            expires_s=max(left_s, 1),
            content_type=upload.content_type,
            size_bytes=None if upload.size_is_limit else upload.size_bytes,
            write_once=True,
        )


def _is_input_key(key: str) -> bool:
    """True for a key in the form in which the exports surface gives them out."""
    if not key.startswith("input/") or any(unicodedata.category(c) in _NO_TEXT for c in key):
        return False
    return len(key.encode()) <= MAX_KEY_BYTES and not {"", ".", ".."} & set(key.split("/"))


def _no_such_id(asked: Upload) -> NotFound:
    return NotFound(
        f"{asked.upload_id!r} was not promised to {asked.tenant}",
        public="No upload was promised under this job_id.",
    )


def _exists(upload: Upload) -> Conflict:
    return Conflict(
        f"{upload.key} is filled",
        public="A video is already stored under this job_id.",
        code="upload_exists",
    )


def _aborted(upload: Upload) -> Conflict:
    return Conflict(
        f"upload {upload.upload_id} is aborted",
        public="This upload was aborted. Begin a new one.",
        code="upload_aborted",
    )
