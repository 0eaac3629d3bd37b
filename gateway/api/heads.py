"""What the head of a request may be, checked before anything reads it."""

from itertools import chain

from starlette.types import ASGIApp, Receive, Scope, Send

from gateway.api.faces import Faces
from gateway.api.problems import problem
from gateway.api.request_ids import id_of
from shared.errors import HeadTooLarge


class HeadLimits:
    """Refuses, with 431, more headers or a longer head than anybody needs.

    Address, query and headers count together.
    """

    def __init__(self, app: ASGIApp, *, faces: Faces, headers_max: int, bytes_max: int) -> None:
        self._app = app
        self._faces = faces
        self._headers_max, self._bytes_max = headers_max, bytes_max

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on if its head is within bounds; leave sockets to the server."""
        if scope["type"] != "http" or self._fits(scope):
            await self._app(scope, receive, send)
            return
        said = (
            f"At most {self._headers_max} headers are taken, and {self._bytes_max} bytes of "
            "address and headers together."
        )
        error = HeadTooLarge("a head over its limits", public=said)
        answer = problem(error, id_of(scope), self._faces.of(scope["path"]))
        answer.headers["Connection"] = "close"  # a body that follows is not read
        await answer(scope, receive, send)

    def _fits(self, scope: Scope) -> bool:
        headers: list[tuple[bytes, bytes]] = scope["headers"]
        if len(headers) > self._headers_max:
            return False
        size = len(scope["path"]) + len(scope["query_string"])
        return size + sum(map(len, chain.from_iterable(headers))) <= self._bytes_max
