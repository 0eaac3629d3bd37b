"""Pages of events: bounded, waited for where wished, honest about what is gone."""

import asyncio

import pytest

from gateway.ports.event_log import Event
from gateway.services.bell import Bell
from gateway.services.feeds import Feeds
from gateway.services.read_events import PAGE_BYTES, EventPage, ReadEvents
from gateway.services.seats import Seats, TooManyWatchers
from tests.support.jobs import a_job


class Log:
    """Some events."""

    def __init__(self, *events):
        self.events = list(events)

    async def read(self, job_id, after, limit):
        return [event for event in self.events if event.seq > after][:limit]


def reading(log, bell=None):
    seats = Seats(per_job=1, per_tenant=1)
    return ReadEvents(log, Feeds(log, bell or Bell(), tail_s=0.01), seats)


def events(*numbers, body="{}"):
    return [Event(n, "progress", body) for n in numbers]


RUNNING = a_job(status="running", seq=3)
ENDED = a_job(status="succeeded", seq=3)


async def test_a_page_says_where_the_next_begins():
    page = await reading(Log(*events(0, 1, 2, 3)))(RUNNING, 1, 0)
    assert page == EventPage(events(2, 3), 3, pruned=False)


async def test_a_page_is_cut_by_its_bytes_and_the_next_goes_on():
    body = "é" * (PAGE_BYTES // 5)
    read = reading(Log(*events(0, 1, 2, body=body)))
    first = await read(RUNNING, -1, 0)
    second = await read(RUNNING, first.next_after, 0)
    assert [event.seq for event in first.events] == [0, 1]
    assert [event.seq for event in second.events] == [2]
    assert not first.pruned
    assert not second.pruned


async def test_an_event_larger_than_a_page_comes_alone():
    read = reading(Log(*events(0, 1, body="x" * (PAGE_BYTES + 1))))
    assert [event.seq for event in (await read(RUNNING, -1, 0)).events] == [0]


@pytest.mark.parametrize(
    ("after", "pruned", "next_after"), [(-1, True, 3), (1, True, 3), (2, False, 3)]
)
async def test_what_was_asked_for_and_is_gone_is_said(after, pruned, next_after):
    page = await reading(Log(*events(3)))(ENDED, after, 0)
    assert (page.pruned, page.next_after) == (pruned, next_after)


@pytest.mark.parametrize("after", [3, 4, 1000])
@pytest.mark.parametrize("job", [RUNNING, ENDED])
async def test_past_the_end_there_is_nothing_and_nothing_pruned(after, job):
    page = await reading(Log(*events(3)))(job, after, 0)
    assert page == EventPage((), after, pruned=False)


async def test_a_wait_ends_with_the_first_event():
    log, bell = Log(*events(0, 1)), Bell()
    waiting = asyncio.create_task(reading(log, bell)(RUNNING, 1, 25))
    await asyncio.sleep(0)
    log.events += events(2)
    bell.ring("j1")
    assert [event.seq for event in (await waiting).events] == [2]


async def test_a_wait_in_which_nothing_comes_ends_empty():
    page = await reading(Log(*events(0, 1)))(RUNNING, 1, 0.01)
    assert page == EventPage((), 1, pruned=False)


async def test_a_wait_takes_a_seat_and_gives_it_back():
    read = reading(Log(*events(0, 1)))
    with read.seats.taken(RUNNING, "sse"), pytest.raises(TooManyWatchers):
        await read(RUNNING, 1, 25)
    await read(RUNNING, 1, 0.01)
    assert read.seats.watching("j1") == 0


async def test_what_is_there_already_needs_no_seat():
    read = reading(Log(*events(0, 1)))
    with read.seats.taken(RUNNING, "sse"):
        assert [event.seq for event in (await read(RUNNING, 0, 25)).events] == [1]
