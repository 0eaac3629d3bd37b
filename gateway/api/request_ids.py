"""An id for each request, and the trace it belongs to: the caller's own, or new ones.

The id is on the answer; both are on every line that is logged while the request is in hand.
"""

import logging
import re
import secrets
from collections.abc import Callable

from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from shared import traces
from shared.logs import log_fields

log = logging.getLogger(__name__)

HEADER = "X-Request-ID"
# Asked every few seconds by whatever watches the process: not worth a line each.
QUIET = frozenset({"/healthz", "/readyz", "/metrics"})
SWITCHED = 101  # Switching Protocols, which is what accepting a WebSocket says
LONGEST_PATH = 200
LONGEST_ID = 64
_WELL_FORMED = re.compile(r"[A-Za-z0-9_.-]{8,64}")


def id_of(scope: Scope) -> str:
    """Return the id that `RequestIds` gave; empty where it is not installed."""
    given: str = scope.get("state", {}).get("request_id", "")
    return given


def trace_of(scope: Scope) -> str:
    """Return the trace that `RequestIds` put the request under; empty where it is not."""
    given: str = scope.get("state", {}).get("trace", "")
    return given


class RequestIds:
    """Puts the id into the scope, onto the answer and onto a line of the log.

    The line tells the path alone: a query may hold a ticket.
    """

    def __init__(
        self,
        app: ASGIApp,
        *,
        new_id: Callable[[], str],
        new_trace: Callable[[], str] = lambda: secrets.token_hex(16),
    ) -> None:
        self._app = app
        self._new_id = new_id
        self._new_trace = new_trace

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on with an id; leave the lifespan alone."""
        if scope["type"] not in {"http", "websocket"}:
            await self._app(scope, receive, send)
            return
        headers = Headers(scope=scope)
        asked = headers.get(HEADER, "")
        request_id = asked if _WELL_FORMED.fullmatch(asked) else self._new_id()
        trace = traces.trace_of(headers.getlist(traces.HEADER)) or self._new_trace()
        ids = {"request_id": request_id, "trace": trace}
        scope["state"] = {**scope.get("state", {}), **ids}

        async def send_with_id(message: Message) -> None:
            if message["type"] == "http.response.start":
                MutableHeaders(scope=message)[HEADER] = request_id
                _log_answer(scope, message["status"])
            elif message["type"] == "websocket.accept":
                _log_answer(scope, SWITCHED)
            await send(message)

        with log_fields(**ids):
            await self._app(scope, receive, send_with_id)


def _log_answer(scope: Scope, status: int) -> None:
    path: str = scope["path"]
    level = logging.DEBUG if path in QUIET else logging.INFO
    if not log.isEnabledFor(level):
        return
    fields: dict[str, str | int] = {
        "request_id": id_of(scope),
        "method": scope.get("method", "GET"),
        "path": path[:LONGEST_PATH],
        "status": status,
    }
    if job_id := scope.get("path_params", {}).get("job_id"):
        fields["job_id"] = str(job_id)[:LONGEST_ID]
    log.log(level, "request.answered", extra=fields)
