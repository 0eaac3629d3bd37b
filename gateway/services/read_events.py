"""Use case: a page of a job's events, waiting a while for the next one where asked to."""

import asyncio
from collections.abc import Sequence
from contextlib import aclosing, suppress
from dataclasses import dataclass

from gateway.core.job import Job
from gateway.ports.event_log import Event, EventLog
from gateway.services.feeds import PAGE, Feeds
from gateway.services.seats import Seats

PAGE_BYTES = 2**20


@dataclass(frozen=True, slots=True)
class EventPage:
    """Events in order; the next page begins after `next_after`.

    `pruned`: events that were asked for are there no more.
    """

    events: Sequence[Event]
    next_after: int
    pruned: bool


@dataclass(frozen=True, slots=True)
class ReadEvents:
    """A finished job answers at once; nothing is written."""

    log: EventLog
    feeds: Feeds
    seats: Seats

    async def __call__(self, job: Job, after: int, wait_s: float) -> EventPage:
        """Return what came after `after`; wait up to `wait_s` seconds if nothing has.

        Raises `TooManyWatchers` where there is no place to wait.
        """
        found: Sequence[Event] = await self.log.read(job.id, after, PAGE)
        if not found and wait_s > 0 and not job.is_final:
            with self.seats.taken(job, "poll"):
                found = await self._next(job, after, wait_s)
        events = _within(PAGE_BYTES, found)
        if not events:
            return EventPage((), after, pruned=False)
        return EventPage(events, events[-1].seq, pruned=events[0].seq > after + 1)

    async def _next(self, job: Job, after: int, wait_s: float) -> Sequence[Event]:
        with suppress(TimeoutError):
            async with (
                asyncio.timeout(wait_s),
                aclosing(self.feeds.follow(job, after)) as batches,
            ):
                async for batch in batches:
                    if batch:
                        return batch[:PAGE]
        return ()


def _within(bytes_max: int, events: Sequence[Event]) -> Sequence[Event]:
    """Return the first events that fit; one that fits nowhere goes alone."""
    size_bytes = 0
    for n, event in enumerate(events):
        size_bytes += len(event.body.encode())
        if n and size_bytes > bytes_max:
            return events[:n]
    return events
