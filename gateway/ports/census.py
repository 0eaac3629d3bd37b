"""What there is of jobs, slots, effects and attempts, counted for whoever watches over it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol

from gateway.core.budgets import Standing

PERIODS = ("day", "month")


@dataclass(frozen=True, slots=True)
class Waiting:
    """What is not done of one sort: how many, and when the first was or is due."""

    count: int
    first_due_at: datetime


@dataclass(frozen=True, slots=True)
class Census:
    """One count of all tenants together.

    `jobs`: by kind and status, deleted ones left out. `queued_since`: by endpoint, when the
    oldest of its queued jobs was made; endpoints with none are absent. `slots_taken`: by
    endpoint. `effects`: by kind. `attempts_ended`: by outcome, of jobs that are kept.
    `ticked_at`: when any gateway last ticked. `spending`: by `day` and `month`, those in UTC
    that the count falls in. `deliveries`: of webhooks, that are still to be tried.
    """

    jobs: Mapping[tuple[str, str], int]
    queued_since: Mapping[str, datetime]
    slots_taken: Mapping[str, int]
    effects: Mapping[str, Waiting]
    attempts_open: int
    attempts_ended: Mapping[str, int]
    ticked_at: datetime | None = None
    spending: Mapping[str, Standing] = field(default_factory=dict)
    deliveries: Waiting | None = None


class CensusTaker(Protocol):
    """Every implementation passes `tests/conformance/test_census_takers.py`."""

    async def take(self, now: datetime) -> Census:
        """Count everything, spending as of `now`.

        Raises `TryAgainLater` where the store cannot be asked.
        """

    async def attempts_open(self) -> int:
        """How many attempts are open; cheaper than counting everything."""
