"""Use case: a page of a job's events, waiting a while for the next one where asked to."""

from dataclasses import dataclass

from gateway.core.job import Job
from gateway.ports.event_log import Event, EventLog
from gateway.services.feeds import PAGE, Feeds


@dataclass(frozen=True, slots=True)
class EventPage:
    """Events in order; the next page begins after `next_after`."""

    events: list[Event]
    next_after: int


@dataclass(frozen=True, slots=True)
class ReadEvents:
    """A finished job answers at once; nothing is written."""

    log: EventLog
    feeds: Feeds

    async def __call__(self, job: Job, after: int, wait_s: float) -> EventPage:
        """Return what came after `after`; wait up to `wait_s` seconds if nothing has."""
        events = await self.log.read(job.id, after, PAGE)
        if not events and wait_s > 0 and not (job.is_final and after >= job.seq):
            async for batch in self.feeds.follow(job.id, after, idle_s=wait_s):
                events = batch
                break
        return EventPage(events, events[-1].seq if events else after)
