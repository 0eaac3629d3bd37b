"""What has grown old: found by class, and taken away unless something needs it by then."""

from datetime import datetime
from typing import Protocol

from gateway.core.effects import Effect
from gateway.core.retention import Due, Kept


class RetentionStore(Protocol):
    """Every implementation passes `tests/conformance/test_retention_stores.py`.

    Each removal looks again whether the thing may go, in the step that takes it away.
    """

    async def due(self, what: Kept, before: datetime, limit: int) -> list[Due]:
        """Return what is older than this and referred to by nothing open, the oldest first.

        Outputs age from when they were made, and stay while an unfinished job reads them;
        assets from their coming or the end of the last job that read them, and stay with a
        project or a clip; jobs from their end. A row of an upload is due once its object is
        gone for good and no job names its asset.
        """

    async def expire_outputs(
        self, job_id: str, before: datetime, at: datetime, expire: Effect
    ) -> bool:
        """Note that a job's outputs are gone, and leave `expire`; False if they may not go."""

    async def expire_asset(self, asset_id: str, before: datetime, at: datetime) -> bool:
        """Delete an asset, whose key is to be swept then; False if it may not go."""

    async def drop_upload_row(self, upload_id: str, before: datetime) -> bool:
        """Forget an upload that came to nothing, or whose asset is gone; False if not yet."""
