"""The protocol a worker of the SDK speaks: take, stop, done, stream, ping."""

import hmac
import json
from collections.abc import Awaitable, Callable, Mapping
from functools import wraps

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from starlette.types import ASGIApp, Receive, Scope, Send

from infra.local.runpod import facts
from infra.local.runpod.api import BodyTooLarge, read_body, refusal
from infra.local.runpod.endpoint import Endpoint
from infra.local.runpod.faults import FaultKind
from infra.local.runpod.job_queue import Delivery
from infra.local.runpod.polling import Bell, Caller, as_answer, settle, start_json, watching
from infra.local.runpod.records import BadBody, Pod, parse_object

# A worker told to end ends when its open polls return: they are held no longer than this.
RETIRING_HOLD_S = 0.2
MOST_AT_ONCE = 1000

Answer = Callable[[Request, Endpoint], Awaitable[ASGIApp]]
View = Callable[[Request], Awaitable[ASGIApp]]


class WorkerApi:
    """The routes under `/v2/{endpoint}` that take the workers' key, without `Bearer`."""

    def __init__(
        self, endpoints: Mapping[str, Endpoint], worker_key: str, poll_hold_s: float
    ) -> None:
        self._endpoints = endpoints
        self._worker_key = worker_key
        self._poll_hold_s = poll_hold_s

    def routes(self) -> list[Route]:
        """Return the routes."""
        table: list[tuple[str, str, Answer]] = [
            ("job-take/{pod_id}", "GET", self._take),
            ("job-take-batch/{pod_id}", "GET", self._take_batch),
            ("job-stop/{pod_id}", "GET", self._stop),
            ("job-done/{pod_id}/{job_id}", "POST", self._done),
            ("job-stream/{pod_id}/{job_id}", "POST", self._chunk),
            ("ping/{pod_id}", "GET", self._ping),
        ]
        return [
            Route(f"/v2/{{endpoint}}/{path}", self._guarded(answer), methods=[method])
            for path, method, answer in table
        ]

    def _guarded(self, answer: Answer) -> View:
        @wraps(answer)
        async def view(request: Request) -> ASGIApp:
            key = request.headers.get("Authorization", "")
            if not hmac.compare_digest(key.encode(), self._worker_key.encode()):
                return refusal(401, "unauthorized")
            endpoint = self._endpoints.get(request.path_params["endpoint"])
            if endpoint is None:
                return refusal(404, "endpoint not found")
            try:
                return await answer(request, endpoint)
            except BodyTooLarge:
                return refusal(413, "request body too large")
            except BadBody as error:
                return refusal(400, str(error))

        return view

    async def _take(self, request: Request, endpoint: Endpoint) -> ASGIApp:
        return self._held_take(request, endpoint, 1, batch=False)

    async def _take_batch(self, request: Request, endpoint: Endpoint) -> ASGIApp:
        size = request.query_params.get("batch_size", "1")
        at_most = min(int(size), MOST_AT_ONCE) if size.isdecimal() else 1
        return self._held_take(request, endpoint, at_most, batch=True)

    def _held_take(
        self, request: Request, endpoint: Endpoint, at_most: int, *, batch: bool
    ) -> ASGIApp:
        pod_id = request.path_params["pod_id"]
        idle = request.query_params.get("job_in_progress") == "0"
        endpoint.queue.hear(pod_id, took=True, idle=idle)
        return HeldTake(endpoint, pod_id, at_most, self._hold_s(endpoint, pod_id), batch=batch)

    async def _stop(self, request: Request, endpoint: Endpoint) -> ASGIApp:
        pod_id = request.path_params["pod_id"]
        return HeldStop(endpoint, pod_id, self._hold_s(endpoint, pod_id))

    async def _done(self, request: Request, endpoint: Endpoint) -> ASGIApp:
        # Labelled as a form, but JSON: the bytes are what counts.
        raw = await read_body(request, facts.RESULT_BODY_BYTES)
        job_id = request.path_params["job_id"]
        job = endpoint.queue.jobs.get(job_id)
        names = job.names if job is not None else (job_id,)
        lost = endpoint.faults.take(FaultKind.LOSE_DONE, endpoint.name, *names)
        if lost is not None:
            return as_answer(lost)
        endpoint.queue.done(request.path_params["pod_id"], job_id, parse_object(raw))
        return Response(status_code=200)

    async def _chunk(self, request: Request, endpoint: Endpoint) -> ASGIApp:
        body = parse_object(await read_body(request, facts.CHUNK_BODY_BYTES))
        endpoint.queue.chunk(request.path_params["job_id"], body.get("output"))
        return Response(status_code=200)

    async def _ping(self, request: Request, endpoint: Endpoint) -> ASGIApp:
        endpoint.queue.hear(request.path_params["pod_id"])
        return Response(status_code=200)

    def _hold_s(self, endpoint: Endpoint, pod_id: str) -> float:
        pod = endpoint.queue.pods.get(pod_id)
        retiring = pod is not None and pod.retiring
        return min(RETIRING_HOLD_S, self._poll_hold_s) if retiring else self._poll_hold_s


class HeldTake:
    """Holds a take until there is a job, and hands it over only if it could be written."""

    def __init__(
        self, endpoint: Endpoint, pod_id: str, at_most: int, hold_s: float, *, batch: bool
    ) -> None:
        self._endpoint = endpoint
        self._pod_id = pod_id
        self._at_most = at_most
        self._hold_s = hold_s
        self._batch = batch

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Deliver, or answer 204 when the time is over or a newer take has come."""
        pod = self._endpoint.queue.pods.get(self._pod_id)
        if pod is not None:
            pod.poll = self
            self._endpoint.bell.ring()  # an older take of this pod sees that it is replaced
        async with watching(receive, self._endpoint.bell) as caller:
            found = await self._endpoint.bell.wait_for(lambda: self._look(caller), self._hold_s)
            if isinstance(found, Delivery):
                await self._deliver(found, caller, send)
            elif not caller.gone:
                await Response(status_code=204)(scope, receive, send)

    def _look(self, caller: Caller) -> Delivery | str | None:
        pod = self._endpoint.queue.pods.get(self._pod_id)
        if caller.gone or (pod is not None and pod.poll is not self):
            return "give up"
        delivery = self._endpoint.queue.offer(self._pod_id, self._at_most)
        return delivery or ("give up" if self._is_released(pod) else None)

    def _is_released(self, pod: Pod | None) -> bool:
        if pod is None or not pod.retiring or self._hold_s <= RETIRING_HOLD_S:
            return False
        return not self._endpoint.faults.awaits(FaultKind.LATE_DELIVERY, self._endpoint.name)

    async def _deliver(self, delivery: Delivery, caller: Caller, send: Send) -> None:
        jobs = [{"id": job.id, "input": job.asked.input} for job in delivery.jobs]
        body = json.dumps(jobs if self._batch else jobs[0]).encode()
        written = False
        try:
            await settle()
            if not caller.gone:
                await start_json(send, body)
                await send({"type": "http.response.body", "body": body})
                written = True
        except OSError:
            written = False  # the server says so where the connection broke meanwhile
        finally:
            if written:
                self._endpoint.queue.commit(delivery)
            else:
                self._endpoint.queue.give_back(delivery)


class HeldStop:
    """Holds a stop poll until there is something to stop."""

    def __init__(self, endpoint: Endpoint, pod_id: str, hold_s: float) -> None:
        self._endpoint = endpoint
        self._pod_id = pod_id
        self._hold_s = hold_s

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer with the jobs to stop, or 204 when the time is over."""
        bell: Bell = self._endpoint.bell
        async with watching(receive, bell) as caller:
            found = await bell.wait_for(lambda: self._look(caller), self._hold_s)
            if found and not caller.gone:
                body = json.dumps({"jobsToStop": found}).encode()
                await start_json(send, body)
                await send({"type": "http.response.body", "body": body})
            elif not caller.gone:
                await Response(status_code=204)(scope, receive, send)

    def _look(self, caller: Caller) -> list[str] | None:
        if caller.gone:
            return []
        pod = self._endpoint.queue.pods.get(self._pod_id)
        if pod is not None and pod.retiring and self._hold_s > RETIRING_HOLD_S:
            return []
        return self._endpoint.queue.due_stops(self._pod_id) or None
