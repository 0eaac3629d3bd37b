"""HEAD: what GET would answer, without its body."""

from starlette.types import ASGIApp, Message, Receive, Scope, Send

_FOUND = ("route", "endpoint", "path_params")


class HeadRequests:
    """Has the route of a GET answer, and sends the beginning of its answer alone.

    Whatever would go on (a stream of events) is told that its reader has gone.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on."""
        if scope["type"] != "http" or scope["method"] != "HEAD":
            await self._app(scope, receive, send)
            return
        begun = False

        async def beginning(message: Message) -> None:
            nonlocal begun
            if message["type"] == "http.response.start":
                begun = True
                found = {name: asked[name] for name in _FOUND if name in asked}
                scope.update(found)  # what stands around tells of it by its route
                await send(message)
                await send({"type": "http.response.body", "body": b"", "more_body": False})

        async def gone_once_begun() -> Message:
            return {"type": "http.disconnect"} if begun else await receive()

        # Not in place: the server goes by it, to know that no body follows.
        asked = {**scope, "method": "GET"}
        await self._app(asked, gone_once_begun, beginning)
