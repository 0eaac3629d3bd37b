"""Where uploads are written down: promised, put, done or called off."""

from datetime import datetime
from typing import Protocol

from gateway.core.upload import Asset, Upload


class QuotaExceeded(Exception):
    """The tenant has no room for so many bytes more; nothing was written."""


class UploadStore(Protocol):
    """Every implementation passes `tests/conformance/test_upload_stores.py`.

    Each write is durable before it is answered, and one step: nobody sees half of it.
    What belongs to another tenant is not there.

    With each change it keeps what the tenant has stored: pending uploads with the bytes that
    may come, assets that are there, and the outputs of jobs.
    """

    async def create(
        self, upload: Upload, sweep_at: datetime, *, quota_bytes: int | None = None
    ) -> None:
        """Write a new upload, to be swept then if it is still pending.

        `quota_bytes`: what the tenant may store, this one included; raises `QuotaExceeded`.
        """

    async def stored_bytes(self, tenant: str) -> int:
        """Return what the tenant has stored; 0 for one that is not there."""

    async def get(self, tenant: str, upload_id: str) -> Upload | None:
        """Return the upload as it is now."""

    async def upload_at(self, tenant: str, key: str) -> Upload | None:
        """Return the upload whose object lies, or is to lie, under this key."""

    async def renew(
        self, upload: Upload, sweep_at: datetime, *, quota_bytes: int | None = None
    ) -> Upload | None:
        """Let a pending upload have this name, type, size and expiry; return it as it is then.

        One that is no longer pending stays as it is. `quota_bytes` as for a new one.
        """

    async def name_multipart(self, upload: Upload, multipart_id: str) -> Upload | None:
        """Keep the store's name for a pending upload in parts; return it as it is then.

        Of several that race the first one wins; the others let theirs go.
        """

    async def complete(self, asset: Asset) -> Upload | None:
        """Make a pending upload this asset; return the upload as it is then.

        Of several that race the first one wins: its asset's id is on the upload that all
        of them get. An aborted upload stays aborted. A provisional one is still to be swept.
        """

    async def abort(self, tenant: str, upload_id: str) -> Upload | None:
        """Abort the upload if it is pending; return it as it is then.

        It is to be swept once its URLs have expired: until then a browser may put again.
        """
