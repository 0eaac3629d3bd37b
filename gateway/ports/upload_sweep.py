"""Objects that nobody keeps: whose time has come, and what became of them."""

from datetime import datetime
from typing import Protocol

from gateway.core.upload import Upload


class UploadSweep(Protocol):
    """Every implementation passes `tests/conformance/test_upload_sweeps.py`.

    Each write is durable before it is answered, and one step: nobody sees half of it.
    """

    async def to_sweep(self, now: datetime, limit: int) -> list[Upload]:
        """Return uploads whose time to be swept has come, the longest due first."""

    async def let_go(self, upload_id: str, at: datetime) -> bool:
        """Delete the asset of a provisional upload whose time has come; True if it is gone.

        False where a job that is there, a project or a clip has taken it up: then it stays,
        and is not to be swept until it is reconsidered. A deleted one counts no more to what
        the tenant has stored.
        """

    async def mark_swept(self, upload_id: str, again_at: datetime | None) -> None:
        """Note that the object is gone: for good, or to be swept again then."""
