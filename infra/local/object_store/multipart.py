"""Uploads in parts, with R2's rules for joining them.

    <multipart>/<upload id>/upload     a sealed file: key, headers, when it began
    <multipart>/<upload id>/<number>   sealed parts

Joining copies the parts behind each other into a draft of the bucket, so that the object
appears whole or not at all; a crash leaves the parts where they were.
"""

import hashlib
import re
import secrets
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import BinaryIO

from infra.local.object_store.objects import Bucket
from infra.local.object_store.refusal import Refusal
from infra.local.object_store.sealed import Draft, Record, read_record, sync_folder

MIN_PART_BYTES = 5 * 2**20
MAX_PARTS = 10_000

_UPLOAD_ID = re.compile("[0-9a-f]{32}")


class Multiparts:
    """The open multipart uploads of one bucket. Blocking throughout."""

    def __init__(self, bucket: Bucket) -> None:
        self._bucket = bucket
        self._root = bucket.multipart_root

    def begin(self, key: str, headers: Mapping[str, str], now: datetime) -> str:
        """Return the id of a new upload."""
        upload_id = secrets.token_hex(16)
        folder = self._root / upload_id
        folder.mkdir()
        draft = self._bucket.draft()
        try:
            draft.publish(folder / "upload", Record(key, 0, "", now, headers, {}))
        finally:
            draft.discard()
        sync_folder(self._root)
        return upload_id

    def upload(self, key: str, upload_id: str) -> Record:
        """Return the upload's record; `Refusal` 404 unless it is open and of this key."""
        record = self._record(upload_id)
        if record is None or record.key != key:
            raise Refusal(404, "NoSuchUpload", "The specified upload does not exist.")
        return record

    def keep(self, draft: Draft, upload_id: str, number: int, part: Record) -> None:
        """Make the draft the upload's part of this number, over one that was there."""
        try:
            draft.publish(self._root / upload_id / str(number), part)
        except FileNotFoundError as error:  # joined or aborted while the part arrived
            raise Refusal(404, "NoSuchUpload", "The upload has ended.") from error

    def parts(self, upload_id: str) -> list[tuple[int, Record]]:
        """Return the parts that have arrived, by number."""
        numbers = sorted(int(path.name) for path in (self._root / upload_id).glob("[0-9]*"))
        return [(number, self._part(upload_id, number)) for number in numbers]

    def join(
        self,
        upload_id: str,
        wanted: Sequence[tuple[int, str]],
        now: datetime,
        *,
        only_if_absent: bool,
    ) -> Record:
        """Make the object of the parts `wanted` (number, etag) and end the upload."""
        upload = self._record(upload_id)
        if upload is None:
            raise Refusal(404, "NoSuchUpload", "The specified upload does not exist.")
        parts = self._checked(upload_id, wanted)
        draft = self._bucket.draft()
        try:
            for (number, _), part in zip(wanted, parts, strict=True):
                self._copy(upload_id, number, part, draft.file)
            joined = Record(
                upload.key,
                sum(part.size_bytes for part in parts),
                _joined_etag(parts),
                now,
                upload.headers,
                {},
            )
            self._bucket.publish(draft, joined, only_if_absent=only_if_absent)
        finally:
            draft.discard()
        self.abort(upload_id)
        return joined

    def abort(self, upload_id: str) -> None:
        """End the upload and remove its parts."""
        self._bucket.remove_folder(self._root / upload_id)

    def begun(self) -> Iterator[tuple[str, Record]]:
        """Yield the open uploads with their records."""
        for folder in self._root.iterdir():
            record = self._record(folder.name)
            if record is not None:
                yield folder.name, record

    def _record(self, upload_id: str) -> Record | None:
        if not _UPLOAD_ID.fullmatch(upload_id):
            return None
        try:
            with (self._root / upload_id / "upload").open("rb") as file:
                return read_record(file)
        except FileNotFoundError:
            return None

    def _part(self, upload_id: str, number: int) -> Record:
        try:
            with (self._root / upload_id / str(number)).open("rb") as file:
                return read_record(file)
        except FileNotFoundError as error:
            raise Refusal(400, "InvalidPart", f"Part {number} has not arrived.") from error

    def _checked(self, upload_id: str, wanted: Sequence[tuple[int, str]]) -> list[Record]:
        numbers = [number for number, _ in wanted]
        if not numbers or numbers != sorted(set(numbers)):
            raise Refusal(400, "InvalidPartOrder", "Name each part once, in order.")
        parts = [self._part(upload_id, number) for number in numbers]
        for (number, etag), part in zip(wanted, parts, strict=True):
            if etag != part.etag:
                raise Refusal(400, "InvalidPart", f"Part {number} is another one.")
        *firsts, last = (part.size_bytes for part in parts)
        if any(size < MIN_PART_BYTES for size in firsts):
            raise Refusal(400, "EntityTooSmall", "All parts but the last are at least 5 MiB.")
        if firsts and (len(set(firsts)) > 1 or last > firsts[0]):
            # R2 alone asks for this; S3 takes parts of any size.
            raise Refusal(400, "InvalidPart", "All non-trailing parts have the same length.")
        return parts

    def _copy(self, upload_id: str, number: int, part: Record, into: BinaryIO) -> None:
        with (self._root / upload_id / str(number)).open("rb") as file:
            if read_record(file) != part:
                raise Refusal(400, "InvalidPart", f"Part {number} changed meanwhile.")
            file.seek(0)
            left = part.size_bytes
            while left:
                block = file.read(min(left, 2**20))
                into.write(block)
                left -= len(block)


def _joined_etag(parts: Sequence[Record]) -> str:
    digests = b"".join(bytes.fromhex(part.etag) for part in parts)
    return f"{hashlib.md5(digests, usedforsecurity=False).hexdigest()}-{len(parts)}"
