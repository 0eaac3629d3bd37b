"""Following a job's log: without gaps, to its end, through a store that comes and goes."""

import asyncio
from contextlib import aclosing

import pytest

from gateway.ports.event_log import Event
from gateway.services.bell import Bell
from gateway.services.feeds import KEPT, KEPT_BYTES, Feeds
from shared.errors import NotFound, OperatorMustAct, TryAgainLater
from tests.support.jobs import a_job


class Log:
    """A log that can be written to, pruned, and made to fail."""

    def __init__(self, *types):
        self.events = [Event(n, kind, f'{{"seq":{n}}}') for n, kind in enumerate(types)]
        self.failures = []
        self.reads = 0

    def write(self, *types):
        for kind in types:
            self.events.append(Event(self.events[-1].seq + 1, kind, "{}"))

    async def read(self, job_id, after, limit):
        self.reads += 1
        if self.failures:
            raise self.failures.pop(0)
        return [event for event in self.events if event.seq > after][:limit]


@pytest.fixture
def bell():
    return Bell()


def feeds_of(log, bell):
    return Feeds(log, bell, tail_s=0.01)


async def followed(feeds, job, after=-1):
    async with aclosing(feeds.follow(job, after, idle_s=1000)) as batches:
        return [event.seq async for batch in batches for event in batch]


def running(seq):
    return a_job(status="running", seq=seq)


def ended(seq):
    return a_job(status="succeeded", seq=seq)


def away():
    return TryAgainLater("no database", public="Later.")


async def test_a_running_job_is_followed_to_its_last_event(bell):
    log = Log("queued", "started")
    following = asyncio.create_task(followed(feeds_of(log, bell), running(1)))
    await asyncio.sleep(0)
    log.write("progress", "succeeded")
    bell.ring("j1")
    assert await following == [0, 1, 2, 3]


async def test_what_another_process_wrote_is_found_without_a_ring(bell):
    log = Log("queued", "started")
    feeds = feeds_of(log, bell)
    async with aclosing(feeds.follow(running(1), -1)) as batches:
        first = await anext(batches)
        log.write("cancelled")
        rest = [event.seq async for batch in batches for event in batch]
    assert [event.seq for event in first] + rest == [0, 1, 2]


async def test_a_log_longer_than_what_is_kept_has_no_gap(bell):
    log = Log("queued", *["progress"] * (KEPT * 2), "succeeded")
    last = len(log.events) - 1
    assert await followed(feeds_of(log, bell), running(last - 1)) == list(range(last + 1))


async def test_of_large_events_few_are_kept_at_hand_and_none_is_missed(bell):
    log = Log("queued", "started")
    feeds = feeds_of(log, bell)
    async with aclosing(feeds.follow(running(1), -1)) as slow:
        heard = [event.seq for event in await anext(slow)]
        for n in range(2, 20):
            log.events.append(Event(n, "warning", "x" * (KEPT_BYTES // 4)))
        log.write("succeeded")
        assert await followed(feeds, running(1)) == list(range(21))
        reads = log.reads
        heard += [event.seq async for batch in slow for event in batch]
    assert heard == list(range(21))
    assert log.reads > reads  # they were not at hand any more


@pytest.mark.parametrize("after", [3, 4, 1000])
async def test_nothing_follows_a_position_at_or_past_the_end(bell, after):
    log = Log("queued", "started", "progress", "failed")
    assert await followed(feeds_of(log, bell), ended(3), after) == []


async def test_a_position_past_the_log_of_a_running_job_ends_with_the_job(bell):
    log = Log("queued", "started")
    following = asyncio.create_task(followed(feeds_of(log, bell), running(1), after=1000))
    await asyncio.sleep(0)
    log.write("failed")
    bell.ring("j1")
    assert await following == []


async def test_of_a_pruned_log_the_last_event_is_left(bell):
    log = Log("queued", "started", "progress", "succeeded")
    del log.events[:3]
    assert await followed(feeds_of(log, bell), ended(3)) == [3]
    assert await followed(feeds_of(log, bell), running(2)) == [3]


@pytest.mark.parametrize("job", [running(0), ended(1)])
async def test_following_a_job_that_was_deleted_meanwhile_finds_none(bell, job):
    log = Log("queued", "succeeded")
    log.events.clear()
    with pytest.raises(NotFound):
        await followed(feeds_of(log, bell), job)


async def test_a_job_ended_and_deleted_by_another_process_between_two_looks_ends_all_watches(
    bell,
):
    log = Log("queued", "started")
    feeds = feeds_of(log, bell)
    watching = [asyncio.create_task(followed(feeds, running(1), after)) for after in (-1, 1)]
    async with aclosing(feeds.follow(running(1), -1)) as batches:
        await anext(batches)
        log.events.clear()
        found = await asyncio.gather(*watching, return_exceptions=True)
        with pytest.raises(NotFound):
            await anext(batches)
    assert [type(each) for each in found] == [NotFound, NotFound]


async def test_a_job_deleted_under_a_watcher_who_is_far_behind_ends_the_watch(bell):
    log = Log("queued", "started")
    feeds = feeds_of(log, bell)
    async with aclosing(feeds.follow(running(1), -1)) as slow:
        await anext(slow)
        log.write(*["progress"] * KEPT, "succeeded")
        assert await followed(feeds, running(1)) == list(range(KEPT + 3))
        log.events.clear()
        with pytest.raises(NotFound):
            await anext(slow)


@pytest.mark.parametrize("job", [running(1), ended(2)])
async def test_d117_a_store_that_is_away_for_a_while_ends_no_stream(bell, job):
    log = Log("queued", "started", "succeeded")
    log.failures = [away(), away(), away()]
    assert await followed(feeds_of(log, bell), job) == [0, 1, 2]
    assert log.failures == []


async def test_a_log_that_is_broken_is_no_silence(bell):
    log = Log("queued", "started")
    log.failures = [OperatorMustAct("no such table", public="Broken.")]
    with pytest.raises(OperatorMustAct):
        await followed(feeds_of(log, bell), running(1))


async def test_d114_many_who_watch_read_the_log_as_one(bell):
    log = Log("queued", "started")
    feeds = feeds_of(log, bell)
    watching = [asyncio.create_task(followed(feeds, running(1))) for _ in range(100)]
    await asyncio.sleep(0)
    log.write("progress", "succeeded")
    bell.ring("j1")
    assert await asyncio.gather(*watching) == [[0, 1, 2, 3]] * 100
    assert log.reads < 10


async def test_whoever_stops_early_leaves_no_reader_behind(bell):
    log = Log("queued", "started")
    before = asyncio.all_tasks()
    async with aclosing(feeds_of(log, bell).follow(running(1), -1)) as batches:
        await anext(batches)
    assert asyncio.all_tasks() == before
