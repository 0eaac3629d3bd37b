"""What a request body may be, checked before any route sees it."""

from typing import Final

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from gateway.api.problems import problem
from gateway.api.request_ids import id_of
from gateway.core import strict_json
from shared.errors import CutroomError, TooLarge, UnsupportedMediaType

_BODYLESS: Final = frozenset({"GET", "HEAD", "OPTIONS"})


class _Gone(Exception):
    """The caller hung up in the middle of a body."""


class JsonBodies:
    """Reads each body whole, up to a limit, and lets only sound JSON through.

    The limit holds while reading, also where no length was announced. What is refused is
    answered with a problem document: 413 for size, 415 for another type, 422 for the rest.
    """

    def __init__(self, app: ASGIApp, *, limit_bytes: int, depth_max: int) -> None:
        self._app = app
        self._limit_bytes = limit_bytes
        self._depth_max = depth_max

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on with its body read and checked."""
        headers = Headers(scope=scope) if scope["type"] == "http" else Headers()
        if scope["type"] != "http" or _has_no_body(scope["method"], headers):
            await self._app(scope, receive, send)
            return
        try:
            body = await self._read(headers, receive)
            if body:
                _check_type(headers)
                strict_json.parse(body, depth_max=self._depth_max)
        except _Gone:
            return
        except CutroomError as error:
            answer = problem(error, id_of(scope))
            # What is unread would be taken for the next request.
            answer.headers["Connection"] = "close"
            await answer(scope, receive, send)
            return
        await self._app(scope, _replay(body, receive), send)

    async def _read(self, headers: Headers, receive: Receive) -> bytes:
        announced = headers.get("content-length", "")
        if announced.isdecimal() and int(announced[:20]) > self._limit_bytes:
            raise self._too_large()
        body = bytearray()
        more = True
        while more:
            message = await receive()
            if message["type"] == "http.disconnect":
                raise _Gone
            body += message.get("body", b"")
            more = message.get("more_body", False)
            if len(body) > self._limit_bytes:
                raise self._too_large()
        return bytes(body)

    def _too_large(self) -> TooLarge:
        return TooLarge(
            "body over its limit", public=f"The body is over {self._limit_bytes} bytes."
        )


def _has_no_body(method: str, headers: Headers) -> bool:
    announced = "transfer-encoding" in headers or headers.get("content-length", "0") != "0"
    return method in _BODYLESS and not announced


def _check_type(headers: Headers) -> None:
    """Let `application/json` and its kin through, in UTF-8, said once."""
    said = headers.getlist("content-type")
    media, _, rest = (said[0] if said else "").partition(";")
    media, parameters = media.strip().lower(), rest.strip().lower().replace('"', "")
    is_json = media == "application/json" or (
        media.startswith("application/") and media.endswith("+json")
    )
    if len(said) != 1 or not is_json or parameters not in {"", "charset=utf-8"}:
        raise UnsupportedMediaType(
            "body is not JSON", public="Send JSON, with Content-Type: application/json."
        )


def _replay(body: bytes, receive: Receive) -> Receive:
    """Return a `receive` that gives the body once, then listens on."""
    given = False

    async def replayed() -> Message:
        nonlocal given
        if given:
            return await receive()
        given = True
        return {"type": "http.request", "body": body, "more_body": False}

    return replayed
