"""A watcher by WebSocket that does little for each event: as much of RFC 6455 as that takes.

No extension is offered, so that text frames come uncompressed, and none is split.
"""

import asyncio
import re
import struct
from typing import cast

from typing_extensions import override

from bench.http_calls import request_bytes
from bench.watcher import Watcher, Window

EVENT = re.compile(rb'\{"seq":(\d+),"type":"[a-z_]+","at":"([^"]+)"')
# The nonce of RFC 6455, 1.3: it proves nothing here.
UPGRADE = {
    "Connection": "Upgrade",
    "Upgrade": "websocket",
    "Sec-WebSocket-Version": "13",
    "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ==",
}
SWITCHING = b"HTTP/1.1 101 "
TEXT, PING = 0x1, 0x9
PONG = bytes([0x8A, 0x80, 0, 0, 0, 0])  # masked by zeros, with nothing in it


class SocketWatcher(Watcher):
    """One socket: every event's number must follow the last one's."""

    def __init__(self, path: str, headers: dict[str, str], window: Window) -> None:
        super().__init__(request_bytes("GET", path, {**headers, **UPGRADE}), window)
        self._transport: asyncio.WriteTransport | None = None
        self._upgraded = False

    @override
    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Ask for the socket."""
        self._transport = cast(asyncio.WriteTransport, transport)
        super().connection_made(transport)

    @override
    def read_some(self, now_s: float) -> None:
        """Take every whole frame out of what has come."""
        if not self._upgraded and not self._upgrade():
            return
        while (frame := self._next_frame()) is not None:
            opcode, payload = frame
            if opcode == PING and self._transport is not None:
                self._transport.write(PONG)
            elif opcode == TEXT and (event := EVENT.match(payload)):
                self.take(int(event[1]), event[2], now_s)

    def _upgrade(self) -> bool:
        head, end, rest = self.rest.partition(b"\r\n\r\n")
        if end:
            if not head.startswith(SWITCHING):
                raise RuntimeError(f"no WebSocket: {head[:200]!r}")
            self._upgraded, self.rest = True, rest
        return self._upgraded

    def _next_frame(self) -> tuple[int, bytes] | None:
        """Return opcode and payload of a whole frame and forget it; None if there is none."""
        if len(self.rest) < 2:
            return None
        length, begins_at = self.rest[1], 2
        if length >= 126:
            form = ">H" if length == 126 else ">Q"
            begins_at += struct.calcsize(form)
            if len(self.rest) < begins_at:
                return None
            [length] = struct.unpack(form, self.rest[2:begins_at])
        if len(self.rest) < begins_at + length:
            return None
        opcode = self.rest[0] & 0x0F
        payload = self.rest[begins_at : begins_at + length]
        self.rest = self.rest[begins_at + length :]
        return opcode, payload
