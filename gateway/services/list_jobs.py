"""Use case: a tenant's jobs by page, newest first."""

from dataclasses import dataclass

from gateway.core.job import Job
from gateway.core.job_pages import JobFilter, cursor_of, place_of
from gateway.ports.job_lists import JobLists


@dataclass(frozen=True, slots=True)
class Listed:
    """One page, and what to ask for the next with; None where this is the last."""

    jobs: list[Job]
    next_cursor: str | None


@dataclass(frozen=True, slots=True)
class ListJobs:
    """Pages hang on a place, not on a number: new jobs move nothing that is still to come."""

    lists: JobLists

    async def __call__(
        self, tenant: str, wanted: JobFilter, *, limit: int, cursor: str | None
    ) -> Listed:
        """Return at most `limit` jobs; fewer where their inputs are large.

        Raises `ValidationFailed` (`bad_cursor`) unless this list gave the cursor.
        """
        after = place_of(tenant, wanted, cursor) if cursor is not None else None
        page = await self.lists.page(tenant, wanted, after, limit)
        return Listed(page.jobs, cursor_of(tenant, wanted, page.last) if page.last else None)
