"""What an earlier job made, given again to one that asks for the very same."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from gateway.core.effects import Effect
from gateway.core.idempotency import IdempotencyKey
from gateway.core.job import Job


@dataclass(frozen=True, slots=True)
class NewReuse:
    """A job that has succeeded as it comes, by what `earlier_id` made: two events, no reserve.

    `queued` is the job of event 0, `job` the one that stays.
    """

    op: str
    queued: Job
    job: Job
    effects: Sequence[Effect]
    idempotency: IdempotencyKey | None
    earlier_id: str


class JobReuse(Protocol):
    """Every implementation passes `tests/conformance/test_job_reuse.py`.

    Each write is durable before it is answered. `TryAgainLater` where the store is busy.
    """

    async def create_reused(self, new: NewReuse) -> None:
        """Write a job that has ended, with both its events; it takes up no room and no money.

        Raises `KeyTaken`, `JobIdTaken`, or `SourceGone` where the earlier job, or a file that
        is read, was deleted or its outputs have expired, having written nothing. A repeat
        under the same `op` writes nothing and is no error.
        """

    async def reusable(
        self, tenant: str, fingerprints: Sequence[str], since: datetime | None, limit: int
    ) -> list[Job]:
        """Return succeeded jobs that did work of one of these names, the newest made first.

        None whose outputs have expired, or were made before `since`.
        """

    async def shares_outputs(self, job: Job) -> bool:
        """True while another job that is there has the same objects for its outputs."""
