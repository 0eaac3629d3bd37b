"""A job over a WebSocket, whichever product shows it: one implementation under all of them.

A refusal is an accepted socket that is closed without a message, for a browser tells a page
nothing about a handshake that failed.
"""

import asyncio
import logging
from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing, suppress
from dataclasses import dataclass
from functools import partial

from fastapi import WebSocket
from starlette.websockets import WebSocketDisconnect

from gateway.api.credentials import watcher_tenant
from gateway.api.job_reading import owned_job
from gateway.api.presence import either
from gateway.api.sampling import EVERY_S, sampled
from gateway.api.use_cases import JobUseCases, job_use_cases
from gateway.core.job import Job, no_such_job
from gateway.ports.event_log import Event
from gateway.services.admission import TooManyRequests
from gateway.services.seats import TooManyWatchers
from shared.errors import CallerMustChange, CutroomError, NotFound, TryAgainLater

log = logging.getLogger(__name__)

SUBPROTOCOL = "cutroom.v1"
LARGEST_FRAME_BYTES = 1024
CLOSE_WITHIN_S = 10.0

DONE, REFUSED, TOO_BIG, BROKEN, TRY_AGAIN = 1000, 1008, 1009, 1011, 1013
UNAUTHENTICATED, NOT_FOUND, TOO_SLOW, TOO_MANY = 4401, 4404, 4408, 4429
_CODES: tuple[tuple[type[CutroomError], int], ...] = (
    (TooManyWatchers, TOO_MANY),
    (TooManyRequests, TOO_MANY),
    (TryAgainLater, TRY_AGAIN),
    (NotFound, NOT_FOUND),
    (CallerMustChange, UNAUTHENTICATED),
)

Render = Callable[[Event], str]


@dataclass(frozen=True, slots=True)
class Manner:
    """How a product shows a job over a socket.

    `renders` returns what makes a message of an event, or None where this product has no
    such job. `sampled`: the newest snapshot at once, then at most 4 a second, the last
    always; else every event after `after`, without gaps.
    """

    renders: Callable[[Job], Render | None]
    sampled: bool
    after: int = -1


async def serve_socket(socket: WebSocket, job_id: str, manner: Manner) -> None:
    """Accept, send what happens to the job until its end, and close with a code."""
    await _accept(socket)
    try:
        code = await _serve(socket, job_id, manner)
    except CutroomError as error:
        code = next((code for kind, code in _CODES if isinstance(error, kind)), BROKEN)
        if code == BROKEN:
            log.error("socket.failed", extra={"job_id": job_id}, exc_info=error)
    if code is not None:
        await _close(socket, code)


async def refuse_socket(socket: WebSocket, code: int = REFUSED) -> None:
    """Accept and close: what was asked for makes no sense."""
    await _accept(socket)
    await _close(socket, code)


async def _accept(socket: WebSocket) -> None:
    offered = SUBPROTOCOL in socket.scope["subprotocols"]
    await socket.accept(subprotocol=SUBPROTOCOL if offered else None)


async def _close(socket: WebSocket, code: int) -> None:
    """A client that reads nothing more is not waited for for ever."""
    with suppress(RuntimeError, WebSocketDisconnect, TimeoutError):  # it has just gone
        async with asyncio.timeout(CLOSE_WITHIN_S):
            await socket.close(code)


async def _serve(socket: WebSocket, job_id: str, manner: Manner) -> int | None:
    """Return the code to close with; None where the client has gone."""
    jobs = job_use_cases(socket)
    job = await owned_job(jobs.store, await watcher_tenant(job_id, socket), job_id)
    render = manner.renders(job)
    if render is None:
        raise no_such_job(f"job {job_id} is no job here")
    with jobs.seats.taken(job, "websocket"):
        return await either(_send_all(socket, jobs, job, manner, render), _listen(socket))


async def _send_all(
    socket: WebSocket, jobs: JobUseCases, job: Job, manner: Manner, render: Render
) -> int | None:
    async with aclosing(_batches(jobs, job, manner)) as batches:
        async for batch in batches:
            for event in batch:
                try:
                    async with asyncio.timeout(jobs.slow_watcher_s):
                        await socket.send_text(render(event))
                except TimeoutError:
                    log.info("watcher.too_slow", extra={"job_id": job.id})
                    return TOO_SLOW
                except (RuntimeError, WebSocketDisconnect):  # it has just gone
                    return None
    return DONE


async def _batches(jobs: JobUseCases, job: Job, manner: Manner) -> AsyncGenerator[list[Event]]:
    after = job.seq - 1 if manner.sampled else manner.after
    async with aclosing(jobs.feeds.follow(job, after)) as every:
        pause = partial(asyncio.sleep, EVERY_S)
        async for batch in sampled(every, pause) if manner.sampled else every:
            yield batch


async def _listen(socket: WebSocket) -> int | None:
    """Client frames are ignored; one that is too large closes the socket."""
    while True:
        message = await socket.receive()
        if message["type"] == "websocket.disconnect":
            return None
        frame = message.get("bytes") or (message.get("text") or "").encode()
        if len(frame) > LARGEST_FRAME_BYTES:
            return TOO_BIG
