"""Follow a job's events as they are written: one reader of the log however many watch."""

import asyncio
import logging
from collections import deque
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from gateway.core.job import FINAL
from gateway.ports.event_log import Event, EventLog
from gateway.services.bell import Bell
from shared.errors import TryAgainLater

log = logging.getLogger(__name__)

PAGE = 100
KEPT = 256  # newest events of a watched job kept at hand
LAST_WORDS = frozenset(status.value for status in FINAL)


class TooManyWatchers(Exception):
    """The job has as many watchers as it may."""


def is_last(event: Event) -> bool:
    """True for the event after which nothing comes."""
    return event.type in LAST_WORDS


class Feeds:
    """The watched jobs of this process. A ring of the bell is a hint; the log is the truth.

    `tail_s`: how often the log is looked at anyway, for what another process wrote.
    """

    def __init__(
        self, events: EventLog, bell: Bell, *, tail_s: float = 1.0, watchers_limit: int = 100
    ) -> None:
        self._events = events
        self._bell = bell
        self._tail_s = tail_s
        self._limit = watchers_limit
        self._feeds: dict[str, _Feed] = {}

    async def follow(
        self, job_id: str, after: int, *, idle_s: float = 15.0
    ) -> AsyncIterator[list[Event]]:
        """Yield events after `after` in order, without gaps, in batches, to the last one.

        An empty batch comes each `idle_s` without news. Raises `TooManyWatchers` at once.
        """
        async with self._join(job_id) as feed:
            while True:
                batch = feed.after(after)
                if batch is None:
                    batch = await self._events.read(job_id, after, PAGE)
                if not batch:
                    await feed.wait_beyond(after, idle_s)
                    batch = feed.after(after) or []
                yield batch
                if batch:
                    after = batch[-1].seq
                    if is_last(batch[-1]):
                        return

    @asynccontextmanager
    async def _join(self, job_id: str) -> AsyncIterator["_Feed"]:
        feed = self._feeds.get(job_id)
        if feed is None:
            feed = self._feeds[job_id] = _Feed(job_id, self._events, self._bell, self._tail_s)
        if feed.watchers >= self._limit:
            raise TooManyWatchers
        feed.watchers += 1
        try:
            yield feed
        finally:
            feed.watchers -= 1
            if not feed.watchers:
                self._feeds.pop(job_id, None)
                await feed.close()


class _Feed:
    """The newest events of one job, kept up by one task while anybody watches."""

    def __init__(self, job_id: str, events: EventLog, bell: Bell, tail_s: float) -> None:
        self.watchers = 0
        self._job_id = job_id
        self._events = events
        self._bell = bell
        self._tail_s = tail_s
        self._kept: deque[Event] = deque(maxlen=KEPT)
        self._grown = asyncio.Event()
        self._task = asyncio.create_task(self._tail(), name=f"feed:{job_id}")

    def after(self, seq: int) -> list[Event] | None:
        """Return what is kept after `seq`; None where that reaches further back."""
        if not self._kept:
            return []
        if seq + 1 < self._kept[0].seq:
            return None
        return [event for event in self._kept if event.seq > seq]

    async def wait_beyond(self, seq: int, longest_s: float) -> None:
        """Return once there is something after `seq`, or after `longest_s`."""
        try:
            async with asyncio.timeout(longest_s):
                while not self._kept or self._kept[-1].seq <= seq:
                    await self._grown.wait()
        except TimeoutError:
            return

    async def close(self) -> None:
        """Stop reading."""
        self._task.cancel()
        await asyncio.gather(self._task, return_exceptions=True)

    async def _tail(self) -> None:
        with self._bell.listen(self._job_id) as heard:
            while not (self._kept and is_last(self._kept[-1])):
                heard.clear()
                if not await self._read():
                    try:
                        await asyncio.wait_for(heard.wait(), self._tail_s)
                    except TimeoutError:
                        continue

    async def _read(self) -> bool:
        last = self._kept[-1].seq if self._kept else -1
        try:
            found = await self._events.read(self._job_id, last, PAGE)
        except TryAgainLater as error:
            log.info("feed.unreadable", extra={"job_id": self._job_id, "why": str(error)})
            return False
        self._kept.extend(found)
        if found:
            self._grown.set()
            self._grown = asyncio.Event()
        return bool(found)
