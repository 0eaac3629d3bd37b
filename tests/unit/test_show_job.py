"""What a product shows of a job, also of one that goes while it is looked at."""

import pytest

from gateway.ports.event_log import Event
from gateway.services.bell import Bell
from gateway.services.feeds import Feeds
from gateway.services.read_events import ReadEvents
from gateway.services.seats import Seats
from gateway.services.show_job import ShowJob
from shared.errors import NotFound
from tests.support.jobs import a_job


class Log:
    """Some events."""

    def __init__(self, *events):
        self.events = events

    async def read(self, job_id, after, limit):
        return [event for event in self.events if event.seq > after][:limit]


def showing(*events):
    log = Log(*events)
    reading = ReadEvents(log, Feeds(log, Bell()), Seats(per_job=1, per_tenant=1))
    return ShowJob(reading, signer=None, url_life_s=60)


async def test_the_newest_event_is_as_new_as_the_job_at_least():
    newest = Event(2, "stage", "{}")
    shown = showing(Event(0, "queued", "{}"), Event(1, "started", "{}"), newest)
    assert await shown.newest(a_job(seq=1)) == newest


async def test_a_job_erased_since_it_was_read_is_not_found():
    with pytest.raises(NotFound):
        await showing().newest(a_job(seq=1))
