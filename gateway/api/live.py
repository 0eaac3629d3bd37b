"""The events of a job by poll, SSE and WebSocket: the same lines in the same order."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import suppress
from typing import Annotated, Any

from fastapi import APIRouter, Header, Query, Request, Response, WebSocket
from fastapi.responses import StreamingResponse
from starlette.websockets import WebSocketDisconnect

from gateway.api.auth import Reader, authenticate
from gateway.api.jobs import owned_job
from gateway.api.use_cases import Jobs, JobUseCases
from gateway.ports.event_log import Event
from gateway.services.feeds import TooManyWatchers
from shared.errors import CallerMustChange, NotFound, TryAgainLater

router = APIRouter(prefix="/v1", tags=["events"])

COMMENT_EVERY_S = 15.0
CLOSE_DONE, CLOSE_TOO_BIG, CLOSE_TRY_AGAIN = 1000, 1009, 1013
CLOSE_UNAUTHENTICATED, CLOSE_NOT_FOUND, CLOSE_TOO_MANY = 4401, 4404, 4429
LARGEST_FRAME_BYTES = 1024

After = Annotated[int, Query(ge=-1, le=2**53)]


@router.get("/jobs/{job_id}/events", response_model=None)
async def read_events(
    job_id: str,
    caller: Reader,
    jobs: Jobs,
    request: Request,
    after: After = -1,
    wait_s: Annotated[float, Query(ge=0, le=25)] = 0,
    last_event_id: Annotated[int | None, Header(ge=-1, le=2**53)] = None,
) -> Response | dict[str, Any]:
    """Page through the events, or stream them (`Accept: text/event-stream`)."""
    job = await owned_job(jobs, caller.tenant, job_id)
    after = after if last_event_id is None else last_event_id
    if "text/event-stream" in request.headers.get("accept", ""):
        if job.is_final and after >= job.seq:
            return Response(status_code=204)  # this stops an EventSource for good
        return StreamingResponse(
            _sse(jobs, job_id, after),
            media_type="text/event-stream",
            headers={"Cache-Control": "no-cache", "X-Accel-Buffering": "no"},
        )
    page = await jobs.read_events(job, after, min(wait_s, jobs.wait_s_max))
    body = ",".join(event.body for event in page.events)
    return Response(
        f'{{"events":[{body}],"next_after":{page.next_after}}}',
        media_type="application/json",
    )


async def _sse(jobs: JobUseCases, job_id: str, after: int) -> AsyncIterator[str]:
    try:
        async for batch in jobs.feeds.follow(job_id, after, idle_s=COMMENT_EVERY_S):
            yield "".join(map(_frame, batch)) or ": still here\n\n"
    except TooManyWatchers:
        yield "retry: 10000\n\n"


def _frame(event: Event) -> str:
    return f"id: {event.seq}\nevent: {event.type}\ndata: {event.body}\n\n"


@router.websocket("/jobs/{job_id}/live")
async def live(socket: WebSocket, job_id: str, jobs: Jobs, after: After = -1) -> None:
    """Send one event a text frame, then close; refusals close after accepting."""
    await socket.accept()
    try:
        caller = await authenticate(socket, "read")
        job = await owned_job(jobs, caller.tenant, job_id)
    except NotFound:
        await socket.close(CLOSE_NOT_FOUND)
        return
    except CallerMustChange:
        await socket.close(CLOSE_UNAUTHENTICATED)
        return
    except TryAgainLater:
        await socket.close(CLOSE_TRY_AGAIN)
        return
    if job.is_final and after >= job.seq:
        await socket.close(CLOSE_DONE)
        return
    await _stream(socket, jobs, job_id, after)


async def _stream(socket: WebSocket, jobs: JobUseCases, job_id: str, after: int) -> None:
    """Send events until the last one, while listening for the client to go away."""
    async with asyncio.TaskGroup() as group:
        sending = group.create_task(_send(socket, jobs, job_id, after))
        listening = group.create_task(_listen(socket))
        done, pending = await asyncio.wait(
            {sending, listening}, return_when=asyncio.FIRST_COMPLETED
        )
        for task in pending:
            task.cancel()
        code = next((task.result() for task in done if task.result() is not None), None)
    if code is not None:
        with suppress(RuntimeError, WebSocketDisconnect):  # it has just gone
            await socket.close(code)


async def _send(socket: WebSocket, jobs: JobUseCases, job_id: str, after: int) -> int | None:
    """Return the code to close with; None where the client has gone."""
    try:
        async for batch in jobs.feeds.follow(job_id, after, idle_s=COMMENT_EVERY_S):
            for event in batch:
                await socket.send_text(event.body)
    except TooManyWatchers:
        return CLOSE_TOO_MANY
    except WebSocketDisconnect:
        return None
    return CLOSE_DONE


async def _listen(socket: WebSocket) -> int | None:
    """Client frames are ignored; one that is too large closes the socket."""
    while True:
        message = await socket.receive()
        if message["type"] == "websocket.disconnect":
            return None
        frame = message.get("text") or message.get("bytes") or ""
        if len(frame) > LARGEST_FRAME_BYTES:
            return CLOSE_TOO_BIG
