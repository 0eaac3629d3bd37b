"""Who waits for a slot of an endpoint, and who is next."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from types import MappingProxyType
from typing import Protocol

from gateway.core.job import Job

NO_KIND_CAPS: Mapping[str, int] = MappingProxyType({})


class JobLine(Protocol):
    """Every implementation passes `tests/conformance/test_job_lines.py`."""

    async def know_endpoints(self, names: Sequence[str]) -> None:
        """Make a counter of slots for each endpoint that has none yet."""

    async def in_line(
        self, endpoint: str, now: datetime, kind_caps: Mapping[str, int] = NO_KIND_CAPS
    ) -> Job | None:
        """Return the job to get the endpoint's next slot.

        Of the jobs waiting for one (or whose `retry_at` is past), not past their deadline and
        not of a kind that holds as many as its cap: one of the tenant with the fewest holding
        one, of its kind with the fewest, the oldest.
        """

    async def positions(self, jobs: Sequence[Job]) -> dict[str, int]:
        """How many jobs of its endpoint wait for a slot in front of each, by age.

        By the job's id; one that waits for no slot any more is left out.
        """
