"""The outbox, leased row by row: done at least once, by one performer at a time."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from gateway.core.effects import Effect


@dataclass(frozen=True, slots=True)
class Lease:
    """The right to perform one effect until `until`; `tries` counts the ones before.

    `trace`: of the request that its job came by; empty where it is about no job, or none.
    """

    effect: Effect
    op: str
    until: datetime
    tries: int
    trace: str = ""


class EffectQueue(Protocol):
    """Every implementation passes `tests/conformance/test_effect_queues.py`."""

    async def add(self, effects: Sequence[Effect]) -> None:
        """Leave effects outside a job's change; one whose id is there already is kept."""

    async def lease(self, now: datetime, until: datetime, op: str, limit: int) -> list[Lease]:
        """Take effects that are due, not done and not leased, the longest due first."""

    async def done(self, lease: Lease, now: datetime) -> bool:
        """Mark it done; False if the lease is no longer ours."""

    async def put_off(self, lease: Lease, due_at: datetime, error: str) -> bool:
        """Give it back, due later; False if the lease is no longer ours."""

    async def others_undone(self, effect: Effect) -> bool:
        """True while another effect about the same job is not done."""

    async def next_due(self) -> datetime | None:
        """When the next undone effect is due, leased ones by the end of their lease."""
