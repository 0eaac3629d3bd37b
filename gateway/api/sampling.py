"""The newest of many events, now and then: for watchers who want the state, not the log."""

from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable

from gateway.ports.event_log import Event
from gateway.services.feeds import is_last

EVERY_S = 0.25  # at most four a second


async def sampled(
    batches: AsyncIterator[list[Event]], pause: Callable[[], Awaitable[object]]
) -> AsyncGenerator[list[Event]]:
    """Yield the newest event of each batch, with a pause after it; the last one always.

    The batches are asked for after the pause, so one holds all that came meanwhile.
    """
    async for batch in batches:
        if batch:
            yield batch[-1:]
            if is_last(batch[-1]):
                return
            await pause()
