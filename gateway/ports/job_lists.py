"""A tenant's jobs by page, the newest first."""

from typing import Protocol

from gateway.core.job_pages import JobFilter, JobPage, Place

# What the inputs of one page's jobs may come to, so that no page fills the memory.
PAGE_INPUT_BYTES = 8 * 2**20


class JobLists(Protocol):
    """Every implementation passes `tests/conformance/test_job_lists.py`."""

    async def page(
        self, tenant: str, wanted: JobFilter, after: Place | None, limit: int
    ) -> JobPage:
        """Return the tenant's jobs that are older than `after`, the newest first.

        Reads no more rows than it returns, and one, by status, kind, both, parent or label;
        of more than that it goes through the jobs of the parent or of one label. It ends
        early once the inputs together pass `PAGE_INPUT_BYTES`.
        """
