"""RunPod's serverless queue over HTTP."""

import asyncio
import math
import re
import time
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, NoReturn
from urllib.parse import quote

from gateway.core.figures import CallFigures, Outcome
from gateway.ports.compute import (
    ComputeHealth,
    ComputeRefused,
    ComputeState,
    ComputeStatus,
    ComputeUnavailable,
    SubmitRefused,
    SubmitRequest,
    SubmitUncertain,
)

if TYPE_CHECKING:
    import httpx

PEER = "runpod"  # as its calls are counted

# RunPod's own bounds on a policy.
SHORTEST_RUN_MS = 5_000
SHORTEST_TTL_MS = 10_000
LONGEST_MS = 7 * 24 * 3600 * 1000

# A century: what is longer, or no number at all, is no time.
_LONGEST_TIME_MS = 100 * 366 * 24 * 3600 * 1000

# Longer than RunPod would ask for; a wrong header must not park a job for a day.
LONGEST_RETRY_AFTER_S = 300

# Said in answer to a submit, these leave open whether it was accepted.
_UNCERTAIN = frozenset({408, 425, 429})

_STATES: Mapping[str, ComputeState] = {
    "IN_QUEUE": ComputeState.WAITING,
    "IN_PROGRESS": ComputeState.RUNNING,
    "RUNNING": ComputeState.RUNNING,  # the documentation's other name for it
    "COMPLETED": ComputeState.COMPLETED,
    "FAILED": ComputeState.FAILED,
    "CANCELLED": ComputeState.CANCELLED,
    "TIMED_OUT": ComputeState.TIMED_OUT,
}

# A worker names its RunPod id itself when it claims, so an id may be anything at all. These
# are sent; the first character keeps `.` and `..` out of the path.
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,127}\Z")


_BUSY = "No worker could be asked for just now."


class _NoAnswer(Exception):
    """The request may have arrived; no answer did. The text holds no URL."""


class RunPodCompute:
    """Workers of RunPod's, by plain httpx: opened at the first call, closed by `aclose`.

    `base_url` is the address of the API with its version, `https://api.runpod.ai/v2`. `calls`:
    where each call is counted, by its name. `seconds`: a clock that only goes forward.
    """

    def __init__(
        self,
        base_url: str,
        api_key: str,
        *,
        timeout_s: float = 10.0,
        transport: "httpx.AsyncBaseTransport | None" = None,
        calls: CallFigures | None = None,
        seconds: Callable[[], float] = time.monotonic,
    ) -> None:
        self._base_url = base_url.rstrip("/")
        self._api_key = api_key
        self._timeout_s = timeout_s
        self._transport = transport
        self._calls = calls or CallFigures()
        self._seconds = seconds
        self._opened: httpx.AsyncClient | None = None

    async def submit(self, request: SubmitRequest) -> str:
        """Ask for a worker; see `Compute`."""
        if not _NAME.match(request.endpoint):
            raise _refused(SubmitRefused, "the endpoint's name is not one of RunPod's")
        body = {"input": dict(request.input), "policy": _policy(request)}
        try:
            answer = await self._send("POST", f"{request.endpoint}/run", body)
        except _NoAnswer as error:
            raise SubmitUncertain(f"submit: {error}") from error
        if answer.status_code in _UNCERTAIN or answer.status_code >= 500:
            raise SubmitUncertain(
                f"submit: RunPod answered {answer.status_code}",
                retry_after_s=_retry_after_s(answer.headers.get("Retry-After")),
            )
        if not answer.is_success:
            raise _refused(SubmitRefused, f"RunPod answered {answer.status_code}")
        runpod_id = _json_object(answer).get("id")
        if not isinstance(runpod_id, str) or not _NAME.match(runpod_id):
            raise SubmitUncertain("submit: the answer names no job")
        return runpod_id

    async def status(self, endpoint: str, runpod_id: str) -> ComputeStatus:
        """Return where a job stands; see `Compute`."""
        if not _NAME.match(runpod_id):
            return ComputeStatus(ComputeState.GONE)  # RunPod never gave out such an id
        answer = await self._ask("GET", endpoint, f"status/{quote(runpod_id, safe='')}")
        if answer.status_code == 404:
            return ComputeStatus(ComputeState.GONE)
        if not answer.is_success:
            _unavailable(f"status: RunPod answered {answer.status_code}")
        body = _json_object(answer)
        word = body.get("status")
        if not isinstance(word, str):
            _unavailable("status: the answer has no status")
        worker_id = body.get("workerId")
        return ComputeStatus(
            _STATES.get(word, ComputeState.UNKNOWN),
            worker_id if isinstance(worker_id, str) else None,
            _seconds(body.get("delayTime")),
            _seconds(body.get("executionTime")),
        )

    async def cancel(self, endpoint: str, runpod_id: str) -> None:
        """End a job; see `Compute`."""
        if not _NAME.match(runpod_id):
            return
        answer = await self._ask("POST", endpoint, f"cancel/{quote(runpod_id, safe='')}")
        if not answer.is_success and answer.status_code != 404:
            _unavailable(f"cancel: RunPod answered {answer.status_code}")

    async def health(self, endpoint: str) -> ComputeHealth:
        """Return what the endpoint is doing; see `Compute`."""
        answer = await self._ask("GET", endpoint, "health")
        if answer.status_code in (400, 401, 403, 404):
            raise _refused(ComputeRefused, f"health: RunPod answered {answer.status_code}")
        if not answer.is_success:
            _unavailable(f"health: RunPod answered {answer.status_code}")
        body = _json_object(answer)
        jobs, workers = _object(body.get("jobs")), _object(body.get("workers"))
        return ComputeHealth(
            jobs_queued=_count(jobs.get("inQueue")),
            jobs_running=_count(jobs.get("inProgress")),
            workers_idle=_count(workers.get("idle")),
            workers_running=_count(workers.get("running")),
        )

    async def aclose(self) -> None:
        """Close the connections; a later call opens them anew."""
        client, self._opened = self._opened, None
        if client is not None:
            await client.aclose()

    async def _ask(self, method: str, endpoint: str, path: str) -> "httpx.Response":
        if not _NAME.match(endpoint):
            _unavailable("the endpoint's name is not one of RunPod's")
        try:
            return await self._send(method, f"{endpoint}/{path}", None)
        except _NoAnswer as error:
            raise ComputeUnavailable(str(error), public=_BUSY) from error

    async def _send(
        self, method: str, path: str, body: Mapping[str, Any] | None
    ) -> "httpx.Response":
        # Imported here: a status poll on Lambda must not pay for it.
        import httpx  # noqa: PLC0415

        began_at_s, outcome = self._seconds(), Outcome.NO_ANSWER
        try:
            # httpx bounds each read; a server that drips bytes is bounded by this.
            async with asyncio.timeout(self._timeout_s):
                answer = await self._client().request(
                    method, f"{self._base_url}/{path}", json=body
                )
            outcome = _outcome_of(answer.status_code)
        except (httpx.HTTPError, TimeoutError) as error:
            # Its own text may hold the URL; the class says what went wrong.
            raise _NoAnswer(f"no answer from RunPod ({type(error).__name__})") from error
        finally:
            # `{endpoint}/status/{id}`: the word alone, which is one of four.
            self._calls.note(PEER, path.split("/")[1], outcome, self._seconds() - began_at_s)
        return answer

    def _client(self) -> "httpx.AsyncClient":
        import httpx  # noqa: PLC0415

        if self._opened is None:
            self._opened = httpx.AsyncClient(
                headers={"Authorization": f"Bearer {self._api_key}"},
                timeout=self._timeout_s,
                transport=self._transport,
                trust_env=False,  # a proxy or .netrc of the host has no say in this
            )
        return self._opened


def _outcome_of(status: int) -> Outcome:
    if status < 400:
        return Outcome.OK
    if status == 404:
        return Outcome.NOT_FOUND
    return Outcome.UNAVAILABLE if status in _UNCERTAIN or status >= 500 else Outcome.REFUSED


def _unavailable(detail: str) -> NoReturn:
    raise ComputeUnavailable(detail, public=_BUSY)


def _refused(error: type[ComputeRefused], detail: str) -> ComputeRefused:
    return error(detail, public="This service cannot ask for workers.")


def _policy(request: SubmitRequest) -> dict[str, int]:
    return {
        "executionTimeout": _bounded_ms(request.execution_timeout_s, SHORTEST_RUN_MS),
        "ttl": _bounded_ms(request.ttl_s, SHORTEST_TTL_MS),
    }


def _bounded_ms(seconds: float, shortest_ms: int) -> int:
    return min(LONGEST_MS, max(shortest_ms, math.ceil(seconds * 1000)))


def _retry_after_s(header: str | None) -> int | None:
    if header is None or not header.isascii() or not header.isdigit():
        return None  # a date is allowed too; RunPod's clock is not ours
    return min(int(header), LONGEST_RETRY_AFTER_S)


def _json_object(answer: "httpx.Response") -> dict[str, Any]:
    try:
        return _object(answer.json())
    except ValueError:
        return {}


def _object(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _seconds(value: Any) -> float | None:
    number = isinstance(value, int | float) and not isinstance(value, bool)
    return value / 1000 if number and 0 <= value <= _LONGEST_TIME_MS else None


def _count(value: Any) -> int:
    return value if isinstance(value, int) and not isinstance(value, bool) else 0
