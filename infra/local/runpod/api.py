"""RunPod's client routes: submit, ask, cancel, retry, purge, health."""

import hmac
from collections.abc import Awaitable, Callable, Mapping
from functools import wraps
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp

from infra.local.runpod import facts
from infra.local.runpod.endpoint import Endpoint
from infra.local.runpod.faults import FaultKind
from infra.local.runpod.job_queue import keep_result_s
from infra.local.runpod.polling import as_answer
from infra.local.runpod.rates import TooMany
from infra.local.runpod.records import BadBody, Job, Status, parse_run_body

LONGEST_WAIT_MS, SHORTEST_WAIT_MS, DEFAULT_WAIT_MS = 300_000, 1_000, 90_000

Answer = Callable[[Request, Endpoint], Awaitable[ASGIApp]]
View = Callable[[Request], Awaitable[ASGIApp]]


class BodyTooLarge(Exception):
    """A body over the route's limit."""


async def read_body(request: Request, limit_bytes: int) -> bytes:
    """Return a request's body. Raises `BodyTooLarge` before it holds more than the limit."""
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > limit_bytes:
            raise BodyTooLarge
    return bytes(body)


def refusal(status: int, text: str) -> Response:
    """Return an error as RunPod words it."""
    return JSONResponse({"error": text}, status_code=status)


class ClientApi:
    """The routes under `/v2/{endpoint}` that take the account's key."""

    def __init__(
        self, endpoints: Mapping[str, Endpoint], api_key: str, new_id: Callable[[], str]
    ) -> None:
        self._endpoints = endpoints
        self._bearer = f"Bearer {api_key}"
        self._new_id = new_id

    def routes(self) -> list[Route]:
        """Return the routes."""
        table: list[tuple[str, str, Answer]] = [
            ("run", "POST", self._run),
            ("runsync", "POST", self._runsync),
            ("status/{job_id}", "GET", self._status),
            ("stream/{job_id}", "GET", self._stream),
            ("cancel/{job_id}", "POST", self._cancel),
            ("retry/{job_id}", "POST", self._retry),
            ("purge-queue", "POST", self._purge),
            ("health", "GET", self._health),
        ]
        return [
            Route(f"/v2/{{endpoint}}/{path}", self._guarded(path, answer), methods=[method])
            for path, method, answer in table
        ]

    def _guarded(self, path: str, answer: Answer) -> View:
        route = path.partition("/")[0]

        @wraps(answer)
        async def view(request: Request) -> ASGIApp:
            key = request.headers.get("Authorization", "")
            if not hmac.compare_digest(key.encode(), self._bearer.encode()):
                return refusal(401, "unauthorized")
            endpoint = self._endpoints.get(request.path_params["endpoint"])
            if endpoint is None:
                return refusal(404, "endpoint not found")
            try:
                with endpoint.rates.admit(route):
                    return await answer(request, endpoint)
            except TooMany:
                return refusal(429, "too many requests")
            except BodyTooLarge:
                return refusal(413, "request body too large")
            except BadBody as error:
                return refusal(400, str(error))

        return view

    async def _run(self, request: Request, endpoint: Endpoint) -> ASGIApp:
        asked = parse_run_body(await read_body(request, facts.RUN_BODY_BYTES))
        names = (str(asked.input.get("job_id", "")),)
        refused = endpoint.faults.take(FaultKind.REFUSE_RUN, endpoint.name, *names)
        if refused is not None:
            return as_answer(refused)
        job = endpoint.queue.submit(asked, f"{self._new_id()}-e1", keep_result_s(sync=False))
        lost = endpoint.faults.take(FaultKind.LOSE_RUN_ANSWER, endpoint.name, *job.names)
        if lost is not None:
            return as_answer(lost)
        return JSONResponse({"id": job.id, "status": Status.IN_QUEUE})

    async def _runsync(self, request: Request, endpoint: Endpoint) -> ASGIApp:
        hold_s = _wait_ms(request) / 1000
        asked = parse_run_body(await read_body(request, facts.RUNSYNC_BODY_BYTES))
        job = endpoint.queue.submit(asked, f"sync-{self._new_id()}", keep_result_s(sync=True))
        final = await endpoint.bell.wait_for(lambda: job if job.is_final else None, hold_s)
        return JSONResponse(final.view() if final else {"id": job.id, "status": job.status})

    async def _status(self, request: Request, endpoint: Endpoint) -> ASGIApp:
        job = self._job(request, endpoint)
        if job is None:
            return refusal(404, "job not found")
        if endpoint.faults.take(FaultKind.FORGET, endpoint.name, *job.names):
            endpoint.queue.forget(job.id)
            return refusal(404, "job not found")
        bad = endpoint.faults.take(FaultKind.BAD_STATUS, endpoint.name, *job.names)
        if bad is not None and bad.effect == "stale":
            return JSONResponse({"id": job.id, "status": job.status_before})
        return as_answer(bad) if bad is not None else JSONResponse(job.view())

    async def _stream(self, request: Request, endpoint: Endpoint) -> ASGIApp:
        job = self._job(request, endpoint)
        if job is None:
            return refusal(404, "job not found")
        chunks, job.chunks = job.chunks, []
        return JSONResponse(
            {"status": job.status, "stream": [{"output": chunk} for chunk in chunks]}
        )

    async def _cancel(self, request: Request, endpoint: Endpoint) -> ASGIApp:
        job = self._job(request, endpoint)
        if job is None:
            return refusal(404, "job not found")
        bad = endpoint.faults.take(FaultKind.BAD_CANCEL, endpoint.name, *job.names)
        if bad is not None:
            return as_answer(bad)
        endpoint.queue.cancel(job)
        return JSONResponse({"id": job.id, "status": job.status})

    async def _retry(self, request: Request, endpoint: Endpoint) -> ASGIApp:
        job = self._job(request, endpoint)
        if job is None:
            return refusal(404, "job not found")
        endpoint.queue.retry(job)
        return JSONResponse({"id": job.id, "status": job.status})

    async def _purge(self, request: Request, endpoint: Endpoint) -> ASGIApp:
        return JSONResponse({"removed": endpoint.queue.purge(), "status": "completed"})

    async def _health(self, request: Request, endpoint: Endpoint) -> ASGIApp:
        return JSONResponse(_health(endpoint))

    def _job(self, request: Request, endpoint: Endpoint) -> Job | None:
        return endpoint.queue.jobs.get(request.path_params["job_id"])


def _wait_ms(request: Request) -> int:
    given = request.query_params.get("wait", str(DEFAULT_WAIT_MS))
    if not given.isdecimal() or not SHORTEST_WAIT_MS <= int(given) <= LONGEST_WAIT_MS:
        raise BadBody(f"wait must be {SHORTEST_WAIT_MS} to {LONGEST_WAIT_MS} ms")
    return int(given)


def _health(endpoint: Endpoint) -> dict[str, Any]:
    queue = endpoint.queue
    ready = [pod for pod in queue.pods.values() if pod.took_at is not None]
    busy = sum(queue.is_busy(pod) for pod in ready)
    return {
        "jobs": {
            "completed": queue.counts[Status.COMPLETED.value],
            "failed": queue.counts[Status.FAILED.value],
            "inProgress": queue.count(Status.IN_PROGRESS),
            "inQueue": queue.count(Status.IN_QUEUE),
            "retried": queue.counts["retried"],
        },
        "workers": {"idle": len(ready) - busy, "running": busy},
    }
