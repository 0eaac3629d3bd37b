"""A keep-alive HTTP/1.1 client that costs little: what it spends is not the gateway's."""

import asyncio
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self
from urllib.parse import urlsplit

TIMEOUT_S = 60.0


@dataclass(frozen=True, slots=True)
class Answer:
    """A status and a body."""

    status: int
    body: bytes

    def json(self, expected: int) -> Any:
        """Return the body's value. Raises `RuntimeError` for another status."""
        if self.status != expected:
            raise RuntimeError(f"{self.status}, not {expected}: {self.body[:500]!r}")
        return json.loads(self.body)


@dataclass(slots=True)
class Connection:
    """One connection; one request at a time."""

    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter

    @classmethod
    async def to(cls, base_url: str) -> Self:
        """Connect."""
        parts = urlsplit(base_url)
        return cls(*await asyncio.open_connection(parts.hostname, parts.port))

    async def ask(self, request: bytes) -> Answer:
        """Send a request as `request_bytes` makes it and return what is answered."""
        self.writer.write(request)
        async with asyncio.timeout(TIMEOUT_S):
            head = await self.reader.readuntil(b"\r\n\r\n")
            return Answer(int(head[9:12]), await self.reader.readexactly(_content_length(head)))

    def close(self) -> None:
        """Hang up."""
        self.writer.close()


def request_bytes(
    method: str, path: str, headers: Mapping[str, str], body: object = None
) -> bytes:
    """Return a whole request, with a JSON body if there is one."""
    content = b"" if body is None else json.dumps(body).encode()
    lines = [
        f"{method} {path} HTTP/1.1",
        "Host: gateway",
        *(f"{name}: {value}" for name, value in headers.items()),
    ]
    if content:
        lines += ["Content-Type: application/json", f"Content-Length: {len(content)}"]
    return "\r\n".join([*lines, "", ""]).encode() + content


def bearer(token: str) -> dict[str, str]:
    """Return the header that carries a key or a token."""
    return {"Authorization": f"Bearer {token}"}


def _content_length(head: bytes) -> int:
    for line in head.split(b"\r\n"):
        name, _, value = line.partition(b":")
        if name.lower() == b"content-length":
            return int(value)
    return 0
