"""Where uploads and assets are written down."""

from datetime import datetime
from enum import Enum, auto
from typing import Any, Protocol

from gateway.core.upload import Asset, Upload


class Deletion(Enum):
    """What became of a wish to delete an asset."""

    DONE = auto()
    MISSING = auto()
    IN_USE = auto()  # an unfinished job reads it


class UploadStore(Protocol):
    """Every implementation passes `tests/conformance/test_upload_stores.py`.

    Each write is durable before it is answered, and one step: nobody sees half of it.
    What belongs to another tenant is not there.
    """

    async def create_upload(self, upload: Upload, sweep_at: datetime) -> None:
        """Write a new upload, to be swept then if it is still pending."""

    async def get_upload(self, tenant: str, upload_id: str) -> Upload | None:
        """Return the upload as it is now."""

    async def complete_upload(self, asset: Asset) -> Upload | None:
        """Make a pending upload this asset; return the upload as it is then.

        Of several that race the first one wins: its asset's id is on the upload that all
        of them get. An aborted upload stays aborted.
        """

    async def abort_upload(self, tenant: str, upload_id: str) -> Upload | None:
        """Abort the upload if it is pending; return it as it is then.

        It is to be swept once its URLs have expired: until then a browser may put again.
        """

    async def get_asset(self, tenant: str, asset_id: str) -> Asset | None:
        """Return the asset; a deleted one is not there."""

    async def delete_asset(self, tenant: str, asset_id: str, at: datetime) -> Deletion:
        """Delete the asset unless an unfinished job reads it; its key is to be swept."""

    async def record_probe(self, asset_id: str, sha256: str, probe: dict[str, Any]) -> None:
        """Keep what a worker saw of the file; what is known already stays."""

    async def to_sweep(self, now: datetime, limit: int) -> list[Upload]:
        """Return uploads whose time to be swept has come, the longest due first."""

    async def mark_swept(self, upload_id: str) -> None:
        """Note that the object is gone for good."""
