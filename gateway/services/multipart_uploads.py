"""Use cases of uploads in parts: begin one, sign its parts, see them, join or let them go."""

from collections.abc import Sequence
from dataclasses import dataclass

from gateway.core.upload import MIB, Upload, UploadStatus, part_size_for
from gateway.ports.clock import Clock
from gateway.ports.multipart_store import MultipartStore, PartToJoin, StoredPart
from gateway.ports.upload_store import UploadStore
from gateway.ports.url_signer import SignedUrl, UrlSigner
from shared.errors import Conflict, FieldError, NotFound, ValidationFailed

USUAL_PART_BYTES = 16 * MIB


@dataclass(frozen=True, slots=True)
class SignedPart:
    """Where one part is put."""

    part_number: int
    size_bytes: int
    signed: SignedUrl


@dataclass(frozen=True, slots=True)
class MultipartUploads:
    """`url_life_s`: how long the whole file may take, for every URL of it dies then.

    `usual_part_bytes`: 5 MiB at least, as the store asks; larger where a file is huge.
    """

    store: UploadStore
    multiparts: MultipartStore
    signer: UrlSigner
    clock: Clock
    url_life_s: int
    usual_part_bytes: int = USUAL_PART_BYTES

    def part_size_for(self, size_bytes: int) -> int:
        """Return how long each part of such a file is; the last may be shorter."""
        return part_size_for(size_bytes, self.usual_part_bytes)

    async def begin(self, upload: Upload) -> Upload:
        """Return the upload once the store knows of it; the row was written before.

        Raises `Conflict` (`upload_aborted`, `already_complete`).
        """
        named = await self.multiparts.begin(upload.key, content_type=upload.content_type)
        now = await self.store.name_multipart(upload, named)
        if now is None or now.multipart_id != named:
            await self.multiparts.abort(upload.key, named)
        return still_open(now, upload.upload_id)

    async def sign(self, upload: Upload, part_numbers: Sequence[int]) -> list[SignedPart]:
        """Return where these parts are put until the upload expires; their length is signed.

        Raises `Conflict` (`not_multipart`, `upload_aborted`, `already_complete`,
        `upload_expired`), and `ValidationFailed` on a number that is out of range.
        """
        if upload.part_size_bytes is None:
            raise Conflict(
                f"upload {upload.upload_id} is one PUT",
                public="This upload has no parts; PUT the file to its URL.",
                code="not_multipart",
            )
        still_open(upload, upload.upload_id)
        left_s = int((upload.expires_at - self.clock.now()).total_seconds())
        if left_s < 1:
            raise Conflict(
                f"upload {upload.upload_id} is past {upload.expires_at}",
                public="This upload has expired. Begin a new one.",
                code="upload_expired",
            )
        _check_numbers(upload, part_numbers)
        if upload.multipart_id is None:
            upload = await self.begin(upload)
        return [self._sign(upload, number, left_s) for number in part_numbers]

    async def stored(self, upload: Upload) -> list[StoredPart]:
        """Return the parts that have arrived; none for one the store does not know any more."""
        if upload.multipart_id is None:
            return []
        try:
            return await self.multiparts.parts(upload.key, upload.multipart_id)
        except NotFound:
            return []

    async def join(self, upload: Upload, parts: Sequence[PartToJoin] | None) -> None:
        """Make the object of its parts; none that the store knows of may be left out.

        Raises `ValidationFailed` on `parts`, and the upload stays as it was. Of an upload
        the store does not know any more nothing is said: a HEAD tells what became of it.
        """
        wanted = range(1, upload.part_count + 1)
        if parts is None or [part.part_number for part in parts] != list(wanted):
            said = f"must name each of the {upload.part_count} parts once, in order"
            raise ValidationFailed([FieldError("parts", said)])
        if upload.multipart_id is None:
            raise ValidationFailed([FieldError("parts", "have not arrived")])
        try:
            await self.multiparts.join(upload.key, upload.multipart_id, parts)
        except NotFound:
            return

    async def let_go(self, upload: Upload) -> None:
        """Let the parts go, if it has any; may be repeated."""
        if upload.multipart_id is not None:
            await self.multiparts.abort(upload.key, upload.multipart_id)

    def _sign(self, upload: Upload, number: int, left_s: int) -> SignedPart:
        size_bytes = upload.bytes_of_part(number)
        multipart_id = upload.multipart_id or ""
        signed = self.signer.sign_part(
            upload.key, multipart_id, number, expires_s=left_s, size_bytes=size_bytes
        )
        return SignedPart(number, size_bytes, signed)


def still_open(upload: Upload | None, upload_id: str) -> Upload:
    """Return a pending upload; raise `NotFound` or `Conflict` for any other."""
    if upload is None:
        raise NotFound(f"no upload {upload_id}", public="There is no such upload.")
    if upload.status is UploadStatus.COMPLETE:
        raise Conflict(
            f"upload {upload_id} is complete",
            public="This upload is complete.",
            code="already_complete",
        )
    if upload.status is UploadStatus.ABORTED:
        raise Conflict(
            f"upload {upload_id} is aborted",
            public="This upload was aborted. Begin a new one.",
            code="upload_aborted",
        )
    return upload


def _check_numbers(upload: Upload, part_numbers: Sequence[int]) -> None:
    wrong = [
        FieldError(f"part_numbers.{at}", f"must be 1–{upload.part_count}")
        for at, number in enumerate(part_numbers)
        if not 1 <= number <= upload.part_count
    ]
    if wrong:
        raise ValidationFailed(wrong)
