"""An S3 request, read from ASGI: path-style address, query, headers, body."""

import asyncio
import re
from collections.abc import AsyncIterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from urllib.parse import unquote_to_bytes

from starlette.types import Receive, Scope

from infra.local.object_store.refusal import Refusal

MAX_KEY_BYTES = 1024

# XML 1.0 cannot carry these, so a listing could not name such a key.
_NOT_IN_XML = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff]")


@dataclass(frozen=True, slots=True)
class Request:
    """One request. `path` is as sent, percent-encoded; `query` in the order sent.

    Header names are lower case; a header sent twice is joined with a comma.
    """

    method: str
    path: str
    bucket: str
    key: str
    query: Mapping[str, str]
    headers: Mapping[str, str]


def read_request(scope: Scope) -> Request:
    """Return what was asked; raises `Refusal` (400) for an address that names nothing."""
    path = scope["raw_path"].partition(b"?")[0].decode("ascii", "replace")
    bucket, _, rest = path.removeprefix("/").partition("/")
    key = _decoded(rest)
    if len(key.encode()) > MAX_KEY_BYTES:
        raise Refusal(400, "KeyTooLongError", f"A key is at most {MAX_KEY_BYTES} bytes.")
    if _NOT_IN_XML.search(key):
        raise Refusal(400, "InvalidArgument", "The key holds a control character.")
    headers: dict[str, str] = {}
    for raw_name, raw_value in scope["headers"]:
        name, value = raw_name.decode("latin-1").lower(), raw_value.decode("latin-1")
        headers[name] = f"{headers[name]},{value}" if name in headers else value
    query = _read_query(scope["query_string"].decode("ascii", "replace"))
    return Request(scope["method"], path, _decoded(bucket), key, query, headers)


def _read_query(text: str) -> dict[str, str]:
    query: dict[str, str] = {}
    for pair in filter(None, text.split("&")):
        name, _, value = (_decoded(part) for part in pair.partition("="))
        if name in query:
            raise Refusal(400, "InvalidArgument", f"{name} is given twice.")
        query[name] = value
    return query


def _decoded(text: str) -> str:
    try:
        return unquote_to_bytes(text).decode()
    except UnicodeDecodeError as error:
        raise Refusal(400, "InvalidURI", "The address is not UTF-8.") from error


class Body:
    """The body as it arrives; never held whole."""

    def __init__(self, scope: Scope, receive: Receive) -> None:
        self._receive = receive
        self.finished = not any(
            name == b"transfer-encoding" or (name == b"content-length" and value != b"0")
            for name, value in scope["headers"]
        )

    async def blocks(self) -> AsyncIterator[bytes]:
        """Yield what arrives; raises `Refusal` where the client goes away in the middle."""
        while not self.finished:
            message = await self._receive()
            if message["type"] == "http.disconnect":
                raise Refusal(400, "IncompleteBody", "The connection closed in the middle.")
            self.finished = not message.get("more_body", False)
            if block := message.get("body", b""):
                yield block

    async def first_block(self) -> None:
        """Read some of it, and no more; a client that goes away meanwhile is fine."""
        with suppress(Refusal):
            async for _ in self.blocks():
                return

    async def linger(self, longest_s: float) -> None:
        """Read and drop what is left.

        A connection closed on bytes not read is reset, and with it goes the answer that
        the client has not come to yet: most send the whole body first.
        """
        with suppress(TimeoutError, Refusal):
            async with asyncio.timeout(longest_s):
                async for _ in self.blocks():
                    pass

    async def client_gone(self) -> None:
        """Return once the client has given up."""
        while (await self._receive())["type"] != "http.disconnect":
            pass
