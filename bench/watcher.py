"""A watcher by SSE that does little for each event."""

import asyncio
import re
import time
from datetime import datetime
from typing import cast

from typing_extensions import override

EVENT = re.compile(
    rb'id: (\d+)\nevent: [a-z_]+\ndata: \{"seq":\d+,"type":"[a-z_]+","at":"([^"]+)".*\n\n'
)


class Window:
    """Delays of the events that come while it is open."""

    def __init__(self) -> None:
        self.open = False
        self.delays_s: list[float] = []


class Watcher(asyncio.Protocol):
    """One stream of SSE: every event's number must follow the last one's."""

    def __init__(self, request: bytes, window: Window) -> None:
        self._request = request
        self._window = window
        self.rest = b""
        self._last: int | None = None
        self.gaps = 0
        self.heard_in_window = 0
        self.heard = asyncio.Event()
        self.lost = False

    @override
    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Ask for the events."""
        cast(asyncio.WriteTransport, transport).write(self._request)

    @override
    def connection_lost(self, exc: Exception | None) -> None:
        """A stream that ends while its job goes on is lost."""
        self.lost = True

    @override
    def data_received(self, data: bytes) -> None:
        """Take what has come whole."""
        self.rest += data
        self.read_some(time.time())

    def read_some(self, now_s: float) -> None:
        """Take every whole event out of the stream."""
        read_to = 0
        for event in EVENT.finditer(self.rest):
            read_to = event.end()
            self.take(int(event[1]), event[2], now_s)
        self.rest = self.rest[read_to:]

    def take(self, seq: int, said_at: bytes, now_s: float) -> None:
        """Note an event."""
        self.gaps += self._last is not None and seq != self._last + 1
        self._last = seq
        self.heard.set()
        if self._window.open:
            self.heard_in_window += 1
            happened_s = datetime.fromisoformat(said_at.decode()).timestamp()
            self._window.delays_s.append(now_s - happened_s)
