"""An id for each request: the caller's own, or a new one; on every answer and in the log."""

import logging
import re
from collections.abc import Callable

from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

log = logging.getLogger(__name__)

HEADER = "X-Request-ID"
# Asked every few seconds by whatever watches the process: not worth a line each.
QUIET = frozenset({"/healthz", "/readyz", "/metrics"})
SWITCHED = 101  # Switching Protocols, which is what accepting a WebSocket says
LONGEST_PATH = 200
_WELL_FORMED = re.compile(r"[A-Za-z0-9_.-]{8,64}")


def id_of(scope: Scope) -> str:
    """Return the id that `RequestIds` gave; empty where it is not installed."""
    given: str = scope.get("state", {}).get("request_id", "")
    return given


class RequestIds:
    """Puts the id into the scope, onto the answer and onto a line of the log.

    The line tells the path alone: a query may hold a ticket.
    """

    def __init__(self, app: ASGIApp, *, new_id: Callable[[], str]) -> None:
        self._app = app
        self._new_id = new_id

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on with an id; leave the lifespan alone."""
        if scope["type"] not in {"http", "websocket"}:
            await self._app(scope, receive, send)
            return
        asked = Headers(scope=scope).get(HEADER, "")
        request_id = asked if _WELL_FORMED.fullmatch(asked) else self._new_id()
        scope["state"] = {**scope.get("state", {}), "request_id": request_id}

        async def send_with_id(message: Message) -> None:
            if message["type"] == "http.response.start":
                MutableHeaders(scope=message)[HEADER] = request_id
                _log_answer(scope, request_id, message["status"])
            elif message["type"] == "websocket.accept":
                _log_answer(scope, request_id, SWITCHED)
            await send(message)

        await self._app(scope, receive, send_with_id)


def _log_answer(scope: Scope, request_id: str, status: int) -> None:
    path: str = scope["path"]
    log.log(
        logging.DEBUG if path in QUIET else logging.INFO,
        "request.answered",
        extra={
            "request_id": request_id,
            "method": scope.get("method", "GET"),
            "path": path[:LONGEST_PATH],
            "status": status,
        },
    )
