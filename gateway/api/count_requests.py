"""Counts every answer under its route's template: never a path, an id or a tenant."""

from collections.abc import Callable

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from gateway.services.request_figures import RequestFigures

METHODS = frozenset({"DELETE", "GET", "HEAD", "OPTIONS", "PATCH", "POST", "PUT"})
NO_ROUTE = "none"  # no route has this path, or something in front of them answered
CALLER_WENT = 499  # nothing was answered


class CountRequests:
    """Times each request until its answer begins, so that a stream counts as it starts.

    `seconds` is a clock that only goes forward.
    """

    def __init__(
        self, app: ASGIApp, *, figures: RequestFigures, seconds: Callable[[], float]
    ) -> None:
        self._app = app
        self._figures = figures
        self._seconds = seconds

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on and note how it was answered; leave sockets alone."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        began_at, noted = self._seconds(), False

        def note(status: int) -> None:
            nonlocal noted
            if not noted:
                noted = True
                route = getattr(scope.get("route"), "path", NO_ROUTE)
                method = scope["method"] if scope["method"] in METHODS else "other"
                self._figures.note(route, method, status, self._seconds() - began_at)

        async def watched(message: Message) -> None:
            if message["type"] == "http.response.start":
                note(message["status"])
            await send(message)

        try:
            await self._app(scope, receive, watched)
        finally:
            note(CALLER_WENT)
