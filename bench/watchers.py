"""Many watchers by SSE, in one process that does little for each event.

`python -m bench.watchers PLAN`: it says when all have heard something, and at a line on its
standard input listens for a while and says what came.
"""

import asyncio
import json
import re
import resource
import sys
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import cast
from urllib.parse import urlsplit

from typing_extensions import override

from bench.http_calls import bearer, request_bytes

EVENT = re.compile(
    rb'id: (\d+)\nevent: [a-z_]+\ndata: \{"seq":\d+,"type":"[a-z_]+","at":"([^"]+)".*\n\n'
)
CONNECT_AT_ONCE = 50
CONNECT_WITHIN_S = 90.0


@dataclass(frozen=True, slots=True)
class Plan:
    """Who watches what, and for how long it is measured."""

    base_url: str
    api_key: str
    job_ids: list[str]
    watchers: int
    window_s: float


@dataclass(frozen=True, slots=True)
class Heard:
    """What came in the window. `gaps`: numbers left out, and watchers that heard nothing."""

    events: int
    gaps: int
    p50_ms: float
    p95_ms: float


class Window:
    """Delays of the events that come while it is open."""

    def __init__(self) -> None:
        self.open = False
        self.delays_s: list[float] = []


class Watcher(asyncio.Protocol):
    """One stream: every event's number must follow the last one's."""

    def __init__(self, request: bytes, window: Window) -> None:
        self._request = request
        self._window = window
        self._rest = b""
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
        """Take every whole event out of the stream."""
        now_s = time.time()
        self._rest += data
        read_to = 0
        for event in EVENT.finditer(self._rest):
            read_to = event.end()
            self._take(int(event[1]), event[2], now_s)
        self._rest = self._rest[read_to:]

    def _take(self, seq: int, said_at: bytes, now_s: float) -> None:
        self.gaps += self._last is not None and seq != self._last + 1
        self._last = seq
        self.heard.set()
        if self._window.open:
            self.heard_in_window += 1
            happened_s = datetime.fromisoformat(said_at.decode()).timestamp()
            self._window.delays_s.append(now_s - happened_s)


async def watch(plan: Plan) -> None:
    """Connect everyone, then measure once when told to."""
    window = Window()
    watchers = await _connected(plan, window)
    print(json.dumps({"connected": len(watchers)}), flush=True)
    await asyncio.to_thread(sys.stdin.readline)
    window.open = True
    await asyncio.sleep(plan.window_s)
    window.open = False
    print(json.dumps(asdict(summed_up(watchers, window))), flush=True)


async def _connected(plan: Plan, window: Window) -> list[Watcher]:
    address = _address(plan.base_url)
    headers = {**bearer(plan.api_key), "Accept": "text/event-stream"}
    watchers: list[Watcher] = []
    loop = asyncio.get_running_loop()
    async with asyncio.timeout(CONNECT_WITHIN_S):
        for start in range(0, plan.watchers, CONNECT_AT_ONCE):
            some = [
                Watcher(request_bytes("GET", f"/v1/jobs/{job_id}/events", headers), window)
                for n in range(start, min(start + CONNECT_AT_ONCE, plan.watchers))
                for job_id in [plan.job_ids[n % len(plan.job_ids)]]
            ]
            await asyncio.gather(
                *(loop.create_connection(_giving(each), *address) for each in some)
            )
            await asyncio.gather(*(each.heard.wait() for each in some))
            watchers += some
    return watchers


def _giving(watcher: Watcher) -> Callable[[], Watcher]:
    return lambda: watcher


def _address(base_url: str) -> tuple[str, int]:
    parts = urlsplit(base_url)
    if parts.hostname is None or parts.port is None:
        raise ValueError(f"{base_url} has no host or no port")
    return parts.hostname, parts.port


def summed_up(watchers: list[Watcher], window: Window) -> Heard:
    """Say what came while the window was open. Raises `RuntimeError` if nothing did."""
    delays_s = sorted(window.delays_s)
    if not delays_s:
        raise RuntimeError("not one event came")
    silent = sum(not each.heard_in_window or each.lost for each in watchers)
    return Heard(
        events=len(delays_s),
        gaps=sum(each.gaps for each in watchers) + silent,
        p50_ms=delays_s[len(delays_s) // 2] * 1000,
        p95_ms=delays_s[int(len(delays_s) * 0.95)] * 1000,
    )


if __name__ == "__main__":
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    asyncio.run(watch(Plan(**json.loads(sys.argv[1]))))
