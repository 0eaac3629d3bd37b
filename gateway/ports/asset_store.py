"""What uploads have become: found, learnt about, and given up."""

from collections.abc import Sequence
from datetime import datetime
from enum import Enum, auto
from typing import Any, Protocol

from gateway.core.upload import Asset


class Deletion(Enum):
    """What became of a wish to delete an asset."""

    DONE = auto()
    MISSING = auto()
    IN_USE = auto()  # an unfinished job reads it


class AssetStore(Protocol):
    """Every implementation passes `tests/conformance/test_asset_stores.py`.

    Each write is durable before it is answered, and one step: nobody sees half of it.
    What belongs to another tenant is not there. A deleted asset counts no more to what the
    tenant has stored.
    """

    async def get(self, tenant: str, asset_id: str) -> Asset | None:
        """Return the asset; a deleted one is not there."""

    async def delete(self, tenant: str, asset_id: str, at: datetime) -> Deletion:
        """Delete the asset unless an unfinished job reads it; its key is to be swept."""

    async def record_probe(self, asset_id: str, sha256: str, probe: dict[str, Any]) -> None:
        """Keep what a worker saw of the file; what is known already stays."""

    async def reconsider(self, asset_ids: Sequence[str], sweep_at: datetime) -> None:
        """Let provisional ones that were taken up for good be swept then after all.

        Ask it of what something has let go of; the sweep sees whether something else has it.
        """
