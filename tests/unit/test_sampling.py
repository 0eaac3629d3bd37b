"""A sampled watcher gets the newest of what came, and always the last."""

from contextlib import aclosing

from gateway.api.sampling import sampled
from gateway.ports.event_log import Event


class Log:
    """Batches of all that was written since the last was asked for, as a feed gives them."""

    def __init__(self, *written):
        self.written = [Event(n, kind, "{}") for n, kind in enumerate(written)]
        self.shown = 0
        self.there = 0

    async def batches(self):
        while self.shown < self.there:
            batch, self.shown = self.written[self.shown : self.there], self.there
            yield batch


async def watched(log, *, at_first, with_each_pause):
    """Return the numbers sent; so many events are written during each pause."""
    pauses = []
    log.there = at_first

    async def pause():
        pauses.append(log.shown)
        log.there = min(log.there + with_each_pause, len(log.written))

    async with aclosing(sampled(log.batches(), pause)) as sent:
        numbers = [event.seq async for batch in sent for event in batch]
    return numbers, len(pauses)


async def test_the_newest_comes_at_once_and_then_the_newest_after_each_pause():
    log = Log(*["progress"] * 9, "succeeded")
    numbers, pauses = await watched(log, at_first=4, with_each_pause=2)
    assert numbers == [3, 5, 7, 9]
    assert pauses == 3


async def test_what_comes_slowly_is_all_sent():
    log = Log("queued", "started", "progress", "failed")
    assert await watched(log, at_first=1, with_each_pause=1) == ([0, 1, 2, 3], 3)


async def test_the_last_one_is_sent_and_not_waited_after():
    log = Log("queued", "cancelled")
    assert await watched(log, at_first=2, with_each_pause=0) == ([1], 0)


async def test_silence_is_not_sent():
    async def batches():
        yield []
        yield [Event(0, "succeeded", "{}")]

    async def pause():
        raise AssertionError("nothing was sent that a pause could follow")

    assert [batch async for batch in sampled(batches(), pause)] == [
        [Event(0, "succeeded", "{}")]
    ]
