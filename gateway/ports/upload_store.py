"""Where uploads and assets are written down."""

from collections.abc import Sequence
from datetime import datetime
from enum import Enum, auto
from typing import Any, Protocol

from gateway.core.upload import Asset, Upload


class Deletion(Enum):
    """What became of a wish to delete an asset."""

    DONE = auto()
    MISSING = auto()
    IN_USE = auto()  # an unfinished job reads it


class QuotaExceeded(Exception):
    """The tenant has no room for so many bytes more; nothing was written."""


class UploadStore(Protocol):
    """Every implementation passes `tests/conformance/test_upload_stores.py`.

    Each write is durable before it is answered, and one step: nobody sees half of it.
    What belongs to another tenant is not there.

    With each change it keeps what the tenant has stored: pending uploads with the bytes that
    may come, assets that are there, and the outputs of jobs.
    """

    async def create_upload(
        self, upload: Upload, sweep_at: datetime, *, quota_bytes: int | None = None
    ) -> None:
        """Write a new upload, to be swept then if it is still pending.

        `quota_bytes`: what the tenant may store, this one included; raises `QuotaExceeded`.
        """

    async def stored_bytes(self, tenant: str) -> int:
        """Return what the tenant has stored; 0 for one that is not there."""

    async def get_upload(self, tenant: str, upload_id: str) -> Upload | None:
        """Return the upload as it is now."""

    async def upload_at(self, tenant: str, key: str) -> Upload | None:
        """Return the upload whose object lies, or is to lie, under this key."""

    async def renew_upload(
        self, upload: Upload, sweep_at: datetime, *, quota_bytes: int | None = None
    ) -> Upload | None:
        """Let a pending upload have this name, type, size and expiry; return it as it is then.

        One that is no longer pending stays as it is. `quota_bytes` as for a new one.
        """

    async def name_multipart(self, upload: Upload, multipart_id: str) -> Upload | None:
        """Keep the store's name for a pending upload in parts; return it as it is then.

        Of several that race the first one wins; the others let theirs go.
        """

    async def complete_upload(self, asset: Asset) -> Upload | None:
        """Make a pending upload this asset; return the upload as it is then.

        Of several that race the first one wins: its asset's id is on the upload that all
        of them get. An aborted upload stays aborted. A provisional one is still to be swept.
        """

    async def abort_upload(self, tenant: str, upload_id: str) -> Upload | None:
        """Abort the upload if it is pending; return it as it is then.

        It is to be swept once its URLs have expired: until then a browser may put again.
        """

    async def get_asset(self, tenant: str, asset_id: str) -> Asset | None:
        """Return the asset; a deleted one is not there."""

    async def delete_asset(self, tenant: str, asset_id: str, at: datetime) -> Deletion:
        """Delete the asset unless an unfinished job reads it; its key is to be swept."""

    async def let_go(self, upload_id: str, at: datetime) -> bool:
        """Delete the asset of a provisional upload whose time has come; True if it is gone.

        False where a job that is there, a project or a clip has taken it up: then it stays,
        and is not to be swept until it is reconsidered.
        """

    async def reconsider(self, asset_ids: Sequence[str], sweep_at: datetime) -> None:
        """Let provisional uploads that were taken up for good be swept then after all.

        Ask it of what something has let go of; `let_go` sees whether something else has it.
        """

    async def record_probe(self, asset_id: str, sha256: str, probe: dict[str, Any]) -> None:
        """Keep what a worker saw of the file; what is known already stays."""

    async def to_sweep(self, now: datetime, limit: int) -> list[Upload]:
        """Return uploads whose time to be swept has come, the longest due first."""

    async def mark_swept(self, upload_id: str, again_at: datetime | None) -> None:
        """Note that the object is gone: for good, or to be swept again then."""
