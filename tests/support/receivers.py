"""Servers on loopback that answer whatever they are called with, in a way of their choice."""

import asyncio
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

_TLS_HANDSHAKE = b"\x16"

Speaks = Callable[["Heard", asyncio.StreamWriter], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class Heard:
    """One request as it came over the wire; header names are lower case."""

    line: str
    headers: dict[str, str]
    body: bytes
    sni: str | None


@dataclass(slots=True)
class Receiver:
    """A server, and every request it heard."""

    port: int
    heard: list[Heard] = field(default_factory=list)
    connections: int = 0
    news: asyncio.Event = field(default_factory=asyncio.Event)

    async def has_heard(self, count: int) -> None:
        """Return once there were so many requests."""
        while len(self.heard) < count:
            self.news.clear()
            await self.news.wait()


def says(status: int, body: bytes = b"", **headers: str) -> Speaks:
    """Return what answers with this and closes."""

    async def speak(_: Heard, writer: asyncio.StreamWriter) -> None:
        lines = [f"HTTP/1.1 {status} Said", f"content-length: {len(body)}"]
        lines += [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
        writer.write("\r\n".join([*lines, "", ""]).encode() + body)

    return speak


def says_raw(raw: bytes) -> Speaks:
    """Return what answers with these bytes, HTTP or not, and closes."""

    async def speak(_: Heard, writer: asyncio.StreamWriter) -> None:
        writer.write(raw)

    return speak


async def says_nothing(_: Heard, writer: asyncio.StreamWriter) -> None:
    """Hold the connection until the other side closes it."""
    await writer.wait_closed()


async def says_without_end(_: Heard, writer: asyncio.StreamWriter) -> None:
    """Answer with a body that goes on for as long as it is read."""
    writer.write(b"HTTP/1.1 200 OK\r\n\r\n")
    while not writer.is_closing():
        writer.write(b"x" * 65_536)
        await writer.drain()


@asynccontextmanager
async def receiving(
    speaks: Speaks, *, tls: ssl.SSLContext | None = None
) -> AsyncIterator[Receiver]:
    """Listen on a free port of 127.0.0.1 for as long as the block lasts."""
    names: dict[ssl.SSLObject, str | None] = {}
    handlers: set[asyncio.Task[None]] = set()

    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        receiver.connections += 1
        try:
            heard = await _read(reader, names.get(writer.get_extra_info("ssl_object")))
            receiver.heard.append(heard)
            receiver.news.set()
            await speaks(heard, writer)
            await writer.drain()
        except (OSError, asyncio.IncompleteReadError):
            return  # the caller hung up
        finally:
            writer.close()

    def accept(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.create_task(handle(reader, writer))
        handlers.add(task)
        task.add_done_callback(handlers.discard)

    if tls is not None:
        tls.sni_callback = lambda connection, name, _: names.update({connection: name})
    server = await asyncio.start_server(accept, "127.0.0.1", 0, ssl=tls)
    receiver = Receiver(server.sockets[0].getsockname()[1])
    async with server:
        yield receiver
        for task in handlers:
            task.cancel()
        await asyncio.gather(*handlers, return_exceptions=True)


async def _read(reader: asyncio.StreamReader, sni: str | None) -> Heard:
    first = await reader.readexactly(1)
    if first == _TLS_HANDSHAKE:  # at a server that does not expect it
        return Heard("", {}, b"", sni)
    head = (first + await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
    line, *rest = head.strip().split("\r\n")
    pairs = (each.partition(":") for each in rest)
    headers = {name.strip().lower(): value.strip() for name, _, value in pairs}
    body = await reader.readexactly(int(headers.get("content-length", "0")))
    return Heard(line, headers, body, sni)
