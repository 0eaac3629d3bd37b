"""Tenants that are being erased: what is left of each, and the last step, in which it goes."""

from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from gateway.core.effects import Effect
from gateway.core.upload import Upload


@dataclass(frozen=True, slots=True)
class Erasure:
    """One erasure; `tenant` is None once it is done, for then nothing knows the name.

    `quiet_at`: since when no job of the tenant is there; None while one is.
    """

    id: str
    tenant: str | None
    asked_at: datetime
    quiet_at: datetime | None = None
    done_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Left:
    """How many jobs and uploads of a tenant there still are, deleted ones too."""

    jobs: int
    uploads: int


class ErasureStore(Protocol):
    """Every implementation passes `tests/conformance/test_erasure_stores.py`.

    Each write is one step and may be repeated.
    """

    async def begin(self, erasure: Erasure, carry_out: Effect) -> Erasure | None:
        """Close the tenant to everybody for good, and leave `carry_out`.

        Return the erasure; the one that is under way, where there is one; None where there
        is no such tenant.
        """

    async def get(self, erasure_id: str) -> Erasure | None:
        """Return the erasure."""

    async def all(self) -> list[Erasure]:
        """Return all erasures, the newest first."""

    async def strip(self, tenant: str) -> None:
        """Remove keys, projects, clips, webhook endpoints and their deliveries, and alerts."""

    async def open_jobs(self, tenant: str, limit: int) -> list[str]:
        """Return ids of jobs that have not ended."""

    async def ended_jobs(self, tenant: str, limit: int) -> list[str]:
        """Return ids of jobs that have ended and are not deleted."""

    async def live_uploads(self, tenant: str, limit: int) -> list[Upload]:
        """Return uploads that are pending, or whose asset is there."""

    async def drop_uploads(self, tenant: str, limit: int) -> int:
        """Forget uploads whose objects are gone for good and that no job reads; how many."""

    async def left(self, tenant: str) -> Left:
        """Return what is still there."""

    async def note_quiet(self, erasure_id: str, at: datetime) -> Erasure | None:
        """Note since when no job is there, or that one is; return the erasure as it is then."""

    async def finish(self, erasure_id: str, alias: str, at: datetime) -> bool:
        """Remove the tenant, its costs going on under `alias`; False while anything is left.

        Ops and effects from before it was quiet must have gone by age: they may tell of it.
        """
