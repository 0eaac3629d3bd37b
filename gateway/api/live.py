"""The events of a job by poll, SSE and WebSocket: the same lines in the same order."""

import re
from typing import Annotated, Any

from fastapi import APIRouter, Header, Query, Request, Response, WebSocket

from gateway.api.auth import Reader, WatcherTenant
from gateway.api.event_stream import MEDIA_TYPE, EventStream
from gateway.api.job_reading import owned_job
from gateway.api.plain_numbers import PLAIN_DECIMAL, PLAIN_WHOLE
from gateway.api.prefer import applied, preferred_wait
from gateway.api.presence import while_there
from gateway.api.said_once import each_once
from gateway.api.sockets import Manner, refuse_socket, serve_socket
from gateway.api.use_cases import Jobs, JobUseCases
from gateway.core.job import Job
from gateway.core.snapshot import timestamp
from gateway.services.job_tickets import JobTickets
from gateway.services.read_events import EventPage

router = APIRouter(prefix="/v1", tags=["events"])

LATEST_SEQ = 2**53
NOT_KEPT = {"Cache-Control": "no-store"}
_POSITION = re.compile(r"-1|[0-9]{1,15}")

After = Annotated[int, Query(ge=-1, le=LATEST_SEQ), PLAIN_WHOLE]


@router.get("/jobs/{job_id}/events", response_model=None)
async def read_events(
    job_id: str,
    tenant: WatcherTenant,
    jobs: Jobs,
    request: Request,
    _: Annotated[None, each_once("after", "wait_s")],
    after: After = -1,
    wait_s: Annotated[float | None, Query(ge=0, le=25), PLAIN_DECIMAL] = None,
    last_event_id: Annotated[int | None, Header(ge=-1, le=LATEST_SEQ), PLAIN_WHOLE] = None,
) -> Response:
    """Page through the events, or stream them (`Accept: text/event-stream`)."""
    job = await owned_job(jobs.store, tenant, job_id)
    after = after if last_event_id is None else last_event_id
    if MEDIA_TYPE in request.headers.get("accept", ""):
        if job.is_final and after >= job.seq:
            return Response(status_code=204)  # this stops an EventSource for good
        return EventStream(jobs, job, after)
    if wait_s is not None:
        return _page(await _read(jobs, job, after, wait_s, request), NOT_KEPT)
    granted_s = jobs.wait_for_end.granted(preferred_wait(request))
    said = {} if granted_s is None else applied(granted_s)
    return _page(await _read(jobs, job, after, granted_s or 0, request), NOT_KEPT | said)


async def _read(
    jobs: JobUseCases, job: Job, after: int, wait_s: float, request: Request
) -> EventPage:
    reading = jobs.read_events(job, after, min(wait_s, jobs.wait_s_max))
    if not wait_s:
        return await reading
    page = await while_there(request.receive, reading)
    return page or EventPage((), after, pruned=False)


def _page(page: EventPage, headers: dict[str, str]) -> Response:
    body = ",".join(event.body for event in page.events)
    pruned = ',"pruned":true' if page.pruned else ""
    text = f'{{"events":[{body}],"next_after":{page.next_after}{pruned}}}'
    return Response(text, media_type="application/json", headers=headers)


@router.post("/jobs/{job_id}/ticket", status_code=201)
async def create_job_ticket(
    job_id: str, caller: Reader, jobs: Jobs, request: Request, response: Response
) -> dict[str, Any]:
    """Give a ticket to watch this job, for a browser; it opens connections for a minute."""
    job = await owned_job(jobs.store, caller.tenant, job_id)
    tickets: JobTickets = request.app.state.job_tickets
    given = tickets.issue(caller.tenant, job.id)
    response.headers.update(NOT_KEPT)
    return {
        "ticket": given.ticket,
        "expires_at": timestamp(given.expires_at),
        "live_url": f"/v1/jobs/{job.id}/live?ticket={given.ticket}",
        "events_url": f"/v1/jobs/{job.id}/events?ticket={given.ticket}",
    }


@router.websocket("/jobs/{job_id}/live")
async def watch_job(socket: WebSocket, job_id: str, after: str = "-1") -> None:
    """Send one event a text frame, then close; refusals close after accepting."""
    if _POSITION.fullmatch(after) is None:
        await refuse_socket(socket)
        return
    await serve_socket(
        socket, job_id, Manner(lambda _: lambda event: event.body, False, int(after))
    )
