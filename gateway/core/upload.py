"""Uploads and assets as the gateway keeps them."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

MIB, GIB = 2**20, 2**30
# S3's limits, and R2's but for a few MiB.
SINGLE_PUT_MAX_BYTES = 5 * GIB
PARTS_MAX = 10_000
# A PUT may begin just before its URL dies and take long; nobody waits for longer than this.
PUTS_LAND_WITHIN = timedelta(hours=24)


class UploadStatus(StrEnum):
    """Where an upload stands; the last two are final."""

    PENDING = "pending"
    COMPLETE = "complete"
    ABORTED = "aborted"


@dataclass(frozen=True, slots=True)
class Upload:
    """A promise that a browser will put these bytes under one key, once.

    `sha256` is what the browser says and the store verifies; `duration_s` is a hint for
    estimates. Every URL of it is dead at `expires_at`. `asset_id` once it is complete.

    In parts where `part_size_bytes` is set; `multipart_id` is the store's name for it, once
    the store has been asked. `size_is_limit`: `size_bytes` is the most that may come.
    `provisional`: the asset goes too, unless something has taken it up by the sweep.
    """

    upload_id: str
    tenant: str
    key: str
    filename: str
    content_type: str
    size_bytes: int
    created_at: datetime
    expires_at: datetime
    sha256: str | None = None
    duration_s: float | None = None
    status: UploadStatus = UploadStatus.PENDING
    asset_id: str | None = None
    multipart_id: str | None = None
    part_size_bytes: int | None = None
    size_is_limit: bool = False
    provisional: bool = False

    @property
    def part_count(self) -> int:
        """How many parts it is put in; 0 for one that is put whole."""
        return -(-self.size_bytes // self.part_size_bytes) if self.part_size_bytes else 0

    def bytes_of_part(self, part_number: int) -> int:
        """Return the length of one of the parts; all are equal but the last."""
        if self.part_size_bytes is None or not 1 <= part_number <= self.part_count:
            raise ValueError(f"{self.upload_id} has no part {part_number}")
        begins_at = (part_number - 1) * self.part_size_bytes
        return min(self.part_size_bytes, self.size_bytes - begins_at)


@dataclass(frozen=True, slots=True)
class Asset:
    """An object in the bucket with known size and type.

    `sha256` and `probe` are None until the store has verified the one, or a worker has
    seen the file and reported both.
    """

    asset_id: str
    tenant: str
    upload_id: str
    key: str
    filename: str
    content_type: str
    size_bytes: int
    etag: str
    created_at: datetime
    sha256: str | None = None
    probe: dict[str, Any] | None = None
    duration_s: float | None = None


def part_size_for(size_bytes: int, usual_bytes: int) -> int:
    """Return the usual part size, or as many whole MiB as keep the parts to 10,000."""
    if size_bytes <= usual_bytes * PARTS_MAX:
        return usual_bytes
    return -(-size_bytes // (PARTS_MAX * MIB)) * MIB
