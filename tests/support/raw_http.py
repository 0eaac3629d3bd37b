"""HTTP/1.1 as an attacker writes it: what is sent is sent as it is, byte for byte."""

import json
import socket
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from http.client import HTTPResponse
from types import TracebackType
from typing import Any, Self
from urllib.parse import urlsplit

PATIENCE_S = 20

Headers = Iterable[tuple[str | bytes, str | bytes]]


@dataclass(frozen=True, slots=True)
class Answer:
    """An answer as it came; `names` keeps repeated headers apart."""

    status: int
    names: tuple[tuple[str, str], ...]
    body: bytes

    @property
    def headers(self) -> Mapping[str, str]:
        """The headers by their name in lower case."""
        return {name.lower(): value for name, value in self.names}

    def json(self) -> Any:
        """The body as JSON."""
        return json.loads(self.body)

    @property
    def code(self) -> str:
        """The code of a refusal; empty in an answer that is none."""
        body = self.json() if self.body.startswith(b"{") else {}
        return str(body.get("code", ""))

    @property
    def fields(self) -> list[str]:
        """The fields a refusal names."""
        return [each["field"] for each in self.json().get("errors", [])]


class RawHttp:
    """One caller's connection, kept alive while the server does; no proxy, no redirects."""

    def __init__(self, base_url: str) -> None:
        address = urlsplit(base_url)
        self._address = (str(address.hostname), int(address.port or 80))
        self._socket: socket.socket | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """Hang up."""
        if self._socket is not None:
            self._socket.close()
            self._socket = None

    def ask(
        self, method: str, target: str | bytes, headers: Headers = (), body: bytes | None = None
    ) -> Answer:
        """Send one request whose body is announced, if there is one, and return its answer."""
        length = [] if body is None else [("Content-Length", str(len(body)))]
        self.send(head(method, target, [*headers, *length]) + (body or b""))
        return self.hear(method)

    def send(self, data: bytes) -> None:
        """Send bytes, on a connection of their own if the last one was closed."""
        if self._socket is None:
            self._socket = socket.create_connection(self._address, PATIENCE_S)
            self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._socket.sendall(data)

    def hear(self, method: str = "GET") -> Answer:
        """Return the next answer; hang up after one that ends the connection."""
        assert self._socket is not None
        answer = HTTPResponse(self._socket, method=method)
        answer.begin()
        heard = Answer(answer.status, tuple(answer.getheaders()), answer.read())
        ends = answer.will_close
        answer.close()
        if ends:
            self.close()
        return heard

    def is_over(self) -> bool:
        """True once the server has hung up, having sent nothing more."""
        if self._socket is None:
            return True
        try:
            return self._socket.recv(1) == b""
        except ConnectionResetError:
            return True

    @property
    def is_open(self) -> bool:
        """True while the next request goes over the same connection."""
        return self._socket is not None


def head(method: str, target: str | bytes, headers: Headers = ()) -> bytes:
    """Return a request's first lines."""
    lines = [b"%s %s HTTP/1.1" % (_bytes(method), _bytes(target)), b"Host: gateway"]
    lines += [b"%s: %s" % (_bytes(name), _bytes(value)) for name, value in headers]
    return b"\r\n".join(lines) + b"\r\n\r\n"


def chunked(*chunks: bytes) -> bytes:
    """Return a body in chunks, ended."""
    return b"".join(b"%x\r\n%s\r\n" % (len(each), each) for each in (*chunks, b""))


def _bytes(text: str | bytes) -> bytes:
    return text.encode() if isinstance(text, str) else text
