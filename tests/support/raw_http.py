"""HTTP/1.1 as an attacker writes it: what is sent is sent as it is, byte for byte."""

import io
import json
import socket
from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from http.client import HTTPResponse
from types import TracebackType
from typing import Any, Self
from urllib.parse import urlsplit

from typing_extensions import override

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


class _Reader(io.BufferedReader):
    """What an answer is read from; it stays open for the next one."""

    @override
    def close(self) -> None:
        pass


class _Heard:
    """A connection as the standard library's answers want it: they take no more than theirs."""

    def __init__(self, connection: socket.socket) -> None:
        self._reader = _Reader(socket.SocketIO(connection, "rb"))

    def makefile(self, mode: str) -> _Reader:
        """Return the one reader that there is."""
        return self._reader


class RawHttp:
    """One caller's connection, kept alive while the server does; no proxy, no redirects."""

    def __init__(self, base_url: str) -> None:
        address = urlsplit(base_url)
        self._address = (str(address.hostname), int(address.port or 80))
        self._socket: socket.socket | None = None
        self._heard: Any = None

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
            self._socket = self._heard = None

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
            self._heard = _Heard(self._socket)
        self._socket.sendall(data)

    def hear(self, method: str = "GET") -> Answer:
        """Return the next answer; hang up after one that ends the connection."""
        answer = HTTPResponse(self._heard, method=method)
        answer.begin()
        heard = Answer(answer.status, tuple(answer.getheaders()), answer.read())
        ends = answer.will_close
        answer.close()
        if ends:
            self.close()
        return heard

    def say_no_more(self) -> None:
        """End this side of the connection."""
        assert self._socket is not None
        self._socket.shutdown(socket.SHUT_WR)

    def statuses_of(self, data: bytes) -> list[int]:
        """Send bytes over a new connection; return the status of each answer until its end.

        A server that has heard enough may end it before all is said, or all is heard.
        """
        heard = b""
        with socket.create_connection(self._address, PATIENCE_S) as line:
            with suppress(OSError):
                line.sendall(data)
                line.shutdown(socket.SHUT_WR)
            with suppress(ConnectionError):
                while more := line.recv(65536):
                    heard += more
        return [int(each[9:12]) for each in heard.splitlines() if each.startswith(b"HTTP/1.")]

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
