"""Uploads and assets as the gateway keeps them."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any


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
