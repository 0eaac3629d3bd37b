"""One address for several gateways: each new connection goes to the next one in turn."""

import asyncio
import socket
import struct
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Self

from infra.local.stack.ports import LOOPBACK, listener

CONNECT_S = 1.0
# What is read at once; a stream holds twice as much before it stops reading.
BLOCK_BYTES = 2**16
# Closing a socket that lingers for 0 s sends RST, which is what an abort is on the wire.
ABORT = struct.pack("ii", 1, 0)

Connection = tuple[asyncio.StreamReader, asyncio.StreamWriter]


@dataclass(slots=True)
class Passed:
    """What went to and from one gateway since the balancer was opened."""

    connections: int = 0
    to_gateway_bytes: int = 0
    from_gateway_bytes: int = 0

    def asked(self, size_bytes: int) -> None:
        """Count what a caller sent."""
        self.to_gateway_bytes += size_bytes

    def answered(self, size_bytes: int) -> None:
        """Count what the gateway sent."""
        self.from_gateway_bytes += size_bytes


class Balancer:
    """Passes bytes on as they come, end and abort of either side too; it reads none of them.

    A gateway that does not accept is skipped; where none does, the caller is aborted. Bytes
    wait here only until the other side takes them: then the sender has to wait.
    """

    def __init__(self, gateway_ports: Sequence[int], port: int = 0) -> None:
        """Listen, once opened, on `port`, or a free one."""
        self._port = port
        self._gateway_ports = tuple(gateway_ports)
        self.passed = tuple(Passed() for _ in gateway_ports)
        self._turn = 0
        self._callers: set[asyncio.Task[None]] = set()
        self._server: asyncio.Server | None = None
        self.url = ""

    async def __aenter__(self) -> Self:
        """Listen. Raises `PortTaken`."""
        listening = listener(self._port)
        self.url = f"http://{LOOPBACK}:{listening.getsockname()[1]}"
        self._server = await asyncio.start_server(
            self._called, sock=listening, limit=BLOCK_BYTES
        )
        return self

    async def __aexit__(self, *_: object) -> None:
        """Abort every connection and listen no more."""
        if self._server is not None:
            self._server.close()
        for each in self._callers:
            each.cancel()
        await asyncio.gather(*self._callers, return_exceptions=True)

    def _called(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        caller = asyncio.create_task(self._served((reader, writer)))
        self._callers.add(caller)
        caller.add_done_callback(self._callers.discard)

    async def _served(self, caller: Connection) -> None:
        """Join a caller and a gateway until both have ended or one has broken off."""
        ends, ended = [caller[1]], False
        try:
            passed, gateway = await self._next_gateway()
            ends.append(gateway[1])
            passed.connections += 1
            async with asyncio.TaskGroup() as both:
                both.create_task(_pass_on(caller[0], gateway[1], passed.asked))
                both.create_task(_pass_on(gateway[0], caller[1], passed.answered))
            for end in ends:
                end.close()
                await end.wait_closed()
            ended = True
        except* OSError:
            pass  # it broke off on one side, and so it does on the other
        finally:
            for end in () if ended else ends:
                _abort(end)

    async def _next_gateway(self) -> tuple[Passed, Connection]:
        """Connect to whose turn it is, or who is next. Raises `OSError` if nobody accepts."""
        first, self._turn = self._turn, self._turn + 1
        for turn in range(first, first + len(self._gateway_ports)):
            number = turn % len(self._gateway_ports)
            try:
                async with asyncio.timeout(CONNECT_S):
                    return self.passed[number], await asyncio.open_connection(
                        LOOPBACK, self._gateway_ports[number], limit=BLOCK_BYTES
                    )
            except OSError:
                continue
        raise ConnectionRefusedError("no gateway accepts")


async def _pass_on(
    source: asyncio.StreamReader, target: asyncio.StreamWriter, count: Callable[[int], None]
) -> None:
    while block := await source.read(BLOCK_BYTES):
        count(len(block))
        target.write(block)
        await target.drain()
    target.write_eof()


def _abort(end: asyncio.StreamWriter) -> None:
    connection: socket.socket | None = end.get_extra_info("socket")
    if connection is not None and connection.fileno() >= 0:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, ABORT)
    end.transport.abort()
