"""Many watchers, in one process that does little for each event.

`python -m bench.watchers PLAN`: it says when all have heard something, and at a line on its
standard input listens for a while and says what came.
"""

import asyncio
import json
import resource
import sys
from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import Literal
from urllib.parse import urlsplit

from bench.http_calls import bearer, request_bytes
from bench.socket_watcher import SocketWatcher
from bench.watcher import Watcher, Window

CONNECT_AT_ONCE = 50
CONNECT_WITHIN_S = 90.0


@dataclass(frozen=True, slots=True)
class Plan:
    """Who watches what, by what, and for how long it is measured."""

    base_url: str
    api_key: str
    job_ids: list[str]
    watchers: int
    window_s: float
    by: Literal["sse", "websocket"] = "sse"


@dataclass(frozen=True, slots=True)
class Heard:
    """What came in the window. `gaps`: numbers left out, and watchers that heard nothing."""

    events: int
    gaps: int
    p50_ms: float
    p95_ms: float


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
    watchers: list[Watcher] = []
    loop = asyncio.get_running_loop()
    async with asyncio.timeout(CONNECT_WITHIN_S):
        for start in range(0, plan.watchers, CONNECT_AT_ONCE):
            some = [
                _watcher(plan, job_id, window)
                for n in range(start, min(start + CONNECT_AT_ONCE, plan.watchers))
                for job_id in [plan.job_ids[n % len(plan.job_ids)]]
            ]
            await asyncio.gather(
                *(loop.create_connection(_giving(each), *address) for each in some)
            )
            await asyncio.gather(*(each.heard.wait() for each in some))
            watchers += some
    return watchers


def _watcher(plan: Plan, job_id: str, window: Window) -> Watcher:
    headers = bearer(plan.api_key)
    if plan.by == "websocket":
        return SocketWatcher(f"/v1/jobs/{job_id}/live", headers, window)
    headers["Accept"] = "text/event-stream"
    return Watcher(request_bytes("GET", f"/v1/jobs/{job_id}/events", headers), window)


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
