"""How an ended job goes: from its tenant first, then with all its rows."""

from datetime import datetime
from enum import Enum, auto
from typing import Protocol

from gateway.core.effects import Effect


class Deleted(Enum):
    """What became of a wish to delete a job."""

    DONE = auto()
    MISSING = auto()
    UNFINISHED = auto()
    IN_USE = auto()  # an unfinished job reads one of its outputs


class JobRemoval(Protocol):
    """Every implementation passes `tests/conformance/test_job_removal.py`.

    Each write is durable before it is answered. `TryAgainLater` where the store is busy.
    """

    async def delete(self, tenant: str, job_id: str, at: datetime, erase: Effect) -> Deleted:
        """Delete an ended job that no unfinished one reads an output of; leave `erase`.

        From then on it is not the tenant's, its idempotency keys are free, and what the
        caller gave (input, labels) and got (result, checkpoint) is gone from its row.
        """

    async def erase(self, job_id: str) -> None:
        """Remove a deleted job's rows; its costs stay, with whose and what they were for."""
