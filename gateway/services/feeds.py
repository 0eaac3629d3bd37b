"""Follow a job's events as they are written: one reader of the log however many watch."""

import asyncio
import logging
from collections import deque
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import asynccontextmanager
from contextvars import Context

from gateway.core.job import FINAL, Job, no_such_job
from gateway.ports.event_log import Event, EventLog
from gateway.services.bell import Bell
from shared.errors import NotFound, TryAgainLater

log = logging.getLogger(__name__)

PAGE = 100
KEPT = 256  # newest events of a watched job kept at hand,
KEPT_BYTES = 2**18  # and what they may come to; whoever is further behind reads the log
LAST_WORDS = frozenset(status.value for status in FINAL)


def is_last(event: Event) -> bool:
    """True for the event after which nothing comes."""
    return event.type in LAST_WORDS


class Feeds:
    """The watched jobs of this process. A ring of the bell is a hint; the log is the truth.

    `tail_s`: how often the log is looked at anyway, for what another process wrote.
    """

    def __init__(self, events: EventLog, bell: Bell, *, tail_s: float = 1.0) -> None:
        self._events = events
        self._bell = bell
        self._tail_s = tail_s
        self._feeds: dict[str, _Feed] = {}

    async def follow(
        self, job: Job, after: int, *, idle_s: float = 15.0
    ) -> AsyncGenerator[list[Event]]:
        """Yield events after `after` in order, without gaps, in batches, to the last one.

        An empty batch comes each `idle_s` without news. It ends after the last event, also
        where `after` is at or past it. A log that cannot be read for a while is waited for.
        Use it within `aclosing`: whoever stops early must not leave a reader behind.

        Raises `NotFound` where the job is deleted meanwhile.
        """
        if job.is_final:  # nothing to wait for
            async for batch in self._replay(job, after):
                yield batch
            return
        async with self._join(job.id) as feed:
            while not feed.is_over(after):
                kept = feed.after(after)
                batch = await self._read(job.id, after) if kept is None else kept
                if kept is None and not batch:
                    raise _deleted(job.id)
                if not batch:
                    await feed.wait_beyond(after, idle_s)
                    batch = feed.after(after) or []
                    if not batch and feed.is_over(after):
                        return
                yield batch
                after = batch[-1].seq if batch else after

    async def _replay(self, job: Job, after: int) -> AsyncIterator[list[Event]]:
        while after < job.seq:
            batch = await self._read(job.id, after)
            if not batch:
                raise _deleted(job.id)
            yield batch
            after = batch[-1].seq

    async def _read(self, job_id: str, after: int) -> list[Event]:
        while True:
            try:
                return await self._events.read(job_id, after, PAGE)
            except TryAgainLater as error:
                log.info("feed.unreadable", extra={"job_id": job_id, "why": str(error)})
                await asyncio.sleep(self._tail_s)

    @asynccontextmanager
    async def _join(self, job_id: str) -> AsyncIterator["_Feed"]:
        feed = self._feeds.get(job_id)
        if feed is None:
            feed = self._feeds[job_id] = _Feed(job_id, self._events, self._bell, self._tail_s)
        feed.watchers += 1
        try:
            yield feed
        finally:
            feed.watchers -= 1
            if not feed.watchers:
                self._feeds.pop(job_id, None)
                await feed.close()


def _deleted(job_id: str) -> NotFound:
    return no_such_job(f"job {job_id} was deleted")


class _Feed:
    """The newest events of one job, kept up by one task while anybody watches."""

    def __init__(self, job_id: str, events: EventLog, bell: Bell, tail_s: float) -> None:
        self.watchers = 0
        self._job_id = job_id
        self._events = events
        self._bell = bell
        self._tail_s = tail_s
        self._kept: deque[Event] = deque()
        self._kept_bytes = 0
        self._grown = asyncio.Event()
        self._task = asyncio.create_task(
            # Many share it: its lines are not those of the request that happened to be first.
            self._tail(),
            name=f"feed:{job_id}",
            context=Context(),
        )
        self._task.add_done_callback(lambda _: self._tell())

    def after(self, seq: int) -> list[Event] | None:
        """Return what is kept after `seq`; None where that reaches further back."""
        if self._kept and seq + 1 < self._kept[0].seq:
            return None
        return [event for event in self._kept if event.seq > seq]

    def is_over(self, seq: int) -> bool:
        """True once the last event is known and `seq` is not before it."""
        return bool(self._kept) and is_last(self._kept[-1]) and seq >= self._kept[-1].seq

    async def wait_beyond(self, seq: int, longest_s: float) -> None:
        """Return once there is something after `seq` or nothing to come, or after a while.

        That while is `longest_s` seconds.
        """
        try:
            async with asyncio.timeout(longest_s):
                while not self.is_over(seq) and self.after(seq) == []:
                    if self._task.done():
                        self._task.result()  # raises what broke it: nothing more will come
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
            # With the newest known one again: a log without it, and without a later one, is
            # that of a deleted job, whose end may have come and gone between two looks.
            read = await self._events.read(self._job_id, max(last - 1, -1), PAGE)
        except TryAgainLater as error:
            log.info("feed.unreadable", extra={"job_id": self._job_id, "why": str(error)})
            return False
        if not read:
            raise _deleted(self._job_id)
        found = [event for event in read if event.seq > last]
        self._keep(found)
        if found:
            self._tell()
        return bool(found)

    def _keep(self, found: list[Event]) -> None:
        self._kept.extend(found)
        self._kept_bytes += sum(len(event.body) for event in found)
        while len(self._kept) > KEPT or (self._kept_bytes > KEPT_BYTES and len(self._kept) > 1):
            self._kept_bytes -= len(self._kept.popleft().body)

    def _tell(self) -> None:
        self._grown.set()
        self._grown = asyncio.Event()
