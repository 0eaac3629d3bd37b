"""Lists that the gateway gives in pages, as one."""

from collections.abc import Iterator, Mapping

from client.api_calls import ApiCalls
from client.models import Job, JobPage, read

PAGE = 100  # the most the gateway gives at once


def jobs(calls: ApiCalls, wanted: Mapping[str, str], limit: int | None) -> Iterator[Job]:
    """Yield jobs, newest first, at most `limit`; a page is asked for as it comes to it."""
    left, cursor = limit, None
    while left is None or left > 0:
        asked = dict(wanted) | {"limit": str(PAGE if left is None else min(left, PAGE))}
        page = read(
            JobPage, calls.get("/v1/jobs", asked | ({"cursor": cursor} if cursor else {}))
        )
        yield from page.items if left is None else page.items[:left]
        cursor = page.next_cursor
        if cursor is None:
            return
        left = None if left is None else left - len(page.items)
