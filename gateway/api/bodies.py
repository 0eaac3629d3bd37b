"""What a request body may be, checked before any route sees it."""

import asyncio
from contextlib import suppress
from functools import partial
from typing import Final

from starlette.datastructures import Headers
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from gateway.api.faces import Face, Faces
from gateway.api.problems import problem
from gateway.api.request_ids import id_of
from gateway.core import strict_json
from shared.errors import CutroomError, TooLarge, TooSlow, UnsupportedMediaType

# Many clients hear nothing before they have said all, and a connection closed on them is a
# reset and no answer; so what is too large is let run out, unless it is absurd or slow.
DRAINED_BYTES_MAX: Final = 64 * 2**20
DRAINED_S_MAX: Final = 10.0
# At 25 KiB a second the largest body comes in time; a connection is not held for less.
READ_S_MAX: Final = 60.0

# What is larger is parsed beside the loop, which goes on meanwhile.
PARSED_AT_ONCE_BYTES: Final = 64 * 2**10

_BODYLESS: Final = frozenset({"GET", "HEAD", "OPTIONS"})


class _Gone(Exception):
    """The caller hung up in the middle of a body."""


class JsonBodies:
    """Reads each body whole, up to a limit, and lets only sound JSON through.

    The limit holds while reading, also where no length was announced. What is refused is
    answered as its surface words it: 413 for size, 408 for time, 415 for another type, 422
    for the rest. `limit_bytes` holds where the surface has no limit of its own.
    """

    def __init__(
        self,
        app: ASGIApp,
        *,
        faces: Faces,
        limit_bytes: int,
        depth_max: int,
        drained_bytes_max: int = DRAINED_BYTES_MAX,
        read_s_max: float = READ_S_MAX,
    ) -> None:
        self._app = app
        self._faces = faces
        self._drained_bytes_max = drained_bytes_max
        self._read_s_max = read_s_max
        self._limit_bytes = limit_bytes
        self._depth_max = depth_max

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on with its body read and checked."""
        headers = Headers(scope=scope) if scope["type"] == "http" else Headers()
        if scope["type"] != "http" or _has_no_body(scope["method"], headers):
            await self._app(scope, receive, send)
            return
        face = self._faces.of(scope["path"])
        limit_bytes = face.body_bytes or self._limit_bytes
        try:
            body = await self._read_in_time(headers, receive, limit_bytes)
            if body:
                _check_type(headers)
                await self._parse(body, face)
        except _Gone:
            return
        except TooLarge as error:
            await self._turn_away(problem(error, id_of(scope), face), scope, receive, send)
            return
        except CutroomError as error:
            refusal = problem(error, id_of(scope), face)
            if isinstance(error, TooSlow):
                refusal.headers["Connection"] = "close"  # the rest may come yet
            await refusal(scope, receive, send)
            return
        await self._app(scope, _replay(body, receive), send)

    async def _read_in_time(self, headers: Headers, receive: Receive, limit: int) -> bytes:
        try:
            async with asyncio.timeout(self._read_s_max):
                return await _read(headers, receive, limit)
        except TimeoutError as error:
            raise TooSlow("a body took too long", public="The body came too slowly.") from error

    async def _parse(self, body: bytes, face: Face) -> None:
        parse = partial(
            strict_json.parse, depth_max=self._depth_max, members_max=face.members_max
        )
        if len(body) <= PARSED_AT_ONCE_BYTES:
            parse(body)
        else:
            await asyncio.to_thread(parse, body)

    async def _turn_away(
        self, answer: Response, scope: Scope, receive: Receive, send: Send
    ) -> None:
        """Answer at once, let the rest of the body run out, then end the answer."""
        # What is left unread would be taken for the next request.
        answer.headers["Connection"] = "close"
        await send(
            {
                "type": "http.response.start",
                "status": answer.status_code,
                "headers": answer.raw_headers,
            }
        )
        await send({"type": "http.response.body", "body": answer.body, "more_body": True})
        if "expect" not in Headers(scope=scope):  # one that waits to be asked sends nothing
            await self._drain(receive)
        await send({"type": "http.response.body", "body": b"", "more_body": False})

    async def _drain(self, receive: Receive) -> None:
        drained_bytes, more = 0, True
        with suppress(TimeoutError):
            async with asyncio.timeout(DRAINED_S_MAX):
                while more and drained_bytes < self._drained_bytes_max:
                    message = await receive()
                    drained_bytes += len(message.get("body", b""))
                    more = message.get("more_body", False)


async def _read(headers: Headers, receive: Receive, limit_bytes: int) -> bytes:
    announced = headers.get("content-length", "")
    if announced.isdecimal() and int(announced[:20]) > limit_bytes:
        raise _too_large(limit_bytes)
    body = bytearray()
    more = True
    while more:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise _Gone
        body += message.get("body", b"")
        more = message.get("more_body", False)
        if len(body) > limit_bytes:
            raise _too_large(limit_bytes)
    return bytes(body)


def _too_large(limit_bytes: int) -> TooLarge:
    return TooLarge("body over its limit", public=f"The body is over {limit_bytes} bytes.")


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
