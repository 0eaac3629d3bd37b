"""A job's events as server-sent events."""

import asyncio
import logging
from collections.abc import AsyncGenerator
from contextlib import aclosing, suppress

from starlette.responses import StreamingResponse
from starlette.types import Message, Receive, Scope, Send
from typing_extensions import override

from gateway.api.presence import while_there
from gateway.api.use_cases import JobUseCases
from gateway.core.job import Job
from gateway.ports.event_log import Event
from shared.errors import NotFound

log = logging.getLogger(__name__)

COMMENT_EVERY_S = 15.0
MEDIA_TYPE = "text/event-stream"


class EventStream(StreamingResponse):
    """The events after `after`, then the end. The reader holds a watcher's seat meanwhile.

    The seat is taken before the answer begins, so that a refusal is a problem document; a
    reader who leaves what was sent unread for too long is cut off, to resume elsewhere.
    """

    def __init__(self, jobs: JobUseCases, job: Job, after: int) -> None:
        self._jobs, self._job = jobs, job
        self._frames = _lines(jobs, job, after)
        super().__init__(
            self._frames,
            media_type=MEDIA_TYPE,
            headers={"Cache-Control": "no-store", "X-Accel-Buffering": "no"},
        )

    @override
    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Stream until the last event, or until the reader goes."""
        with self._jobs.seats.taken(self._job, "sse"):
            try:
                await while_there(receive, self.stream_response(self._in_time(send)))
            except TimeoutError:
                # The answer breaks off, which an EventSource takes for a lost connection.
                log.info("watcher.too_slow", extra={"job_id": self._job.id})
            except OSError:
                return  # what a server may raise where the reader has gone

    @override
    async def stream_response(self, send: Send) -> None:
        """Send the events; however it ends, nothing is left reading them."""
        async with aclosing(self._frames):
            await super().stream_response(send)

    def _in_time(self, send: Send) -> Send:
        async def timed(message: Message) -> None:
            async with asyncio.timeout(self._jobs.slow_watcher_s):
                await send(message)

        return timed


async def _lines(jobs: JobUseCases, job: Job, after: int) -> AsyncGenerator[str]:
    following = jobs.feeds.follow(job, after, idle_s=COMMENT_EVERY_S)
    with suppress(NotFound):  # deleted meanwhile: an EventSource that comes back finds 404
        async with aclosing(following) as batches:
            async for batch in batches:
                yield "".join(map(_frame, batch)) or ": still here\n\n"


def _frame(event: Event) -> str:
    return f"id: {event.seq}\nevent: {event.type}\ndata: {event.body}\n\n"
