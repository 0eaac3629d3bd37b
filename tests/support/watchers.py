"""Watchers of one job that lose their connection, and take it up where it broke."""

import json
from collections.abc import AsyncIterator
from contextlib import suppress
from typing import Any

import httpx
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosedOK

LAST = frozenset({"succeeded", "failed", "cancelled", "expired"})
Event = dict[str, Any]
Shown = dict[str, Any]

# A watcher that hangs up on an answer that does not come, but waits to be let in.
IMPATIENCE = httpx.Timeout(30, read=0.7)


class Cut:
    """How often a watcher's connection was cut, and after how many messages it is."""

    def __init__(self, every: int) -> None:
        self.every = every
        self.times = 0


async def by_poll(http: httpx.AsyncClient, job_id: str, cut: Cut) -> list[Event]:
    """Ask with a wait that the watcher's own patience cuts short."""
    heard: list[Event] = []
    path = f"/v1/jobs/{job_id}/events"
    while not (heard and heard[-1]["type"] in LAST):
        asked = {"after": heard[-1]["seq"] if heard else -1, "wait_s": 20}
        try:
            page = await http.get(path, params=asked, timeout=IMPATIENCE)
        except httpx.ReadTimeout:
            cut.times += 1
        else:
            heard += page.raise_for_status().json()["events"]
    return heard


async def by_sse(http: httpx.AsyncClient, job_id: str, cut: Cut) -> list[Event]:
    """Read a stream, and go on with `Last-Event-ID`."""
    heard: list[Event] = []
    while True:
        headers = {"Accept": "text/event-stream"}
        if heard:
            headers["Last-Event-ID"] = str(heard[-1]["seq"])
        path = f"/v1/jobs/{job_id}/events"
        async with http.stream("GET", path, headers=headers, timeout=30) as stream:
            stream.raise_for_status()
            fresh = 0
            async for line in stream.aiter_lines():
                if line.startswith("data: "):
                    heard.append(json.loads(line.removeprefix("data: ")))
                    fresh += 1
                if fresh == cut.every:
                    break
        if heard and heard[-1]["type"] in LAST:
            return heard
        cut.times += 1


async def by_live(base_url: str, headers: dict[str, str], job_id: str, cut: Cut) -> list[Event]:
    """Hold a WebSocket of `/v1`, and go on with `?after=`."""
    heard: list[Event] = []
    while not (heard and heard[-1]["type"] in LAST):
        after = heard[-1]["seq"] if heard else -1
        url = f"{as_socket(base_url)}/v1/jobs/{job_id}/live?after={after}"
        async with connect(url, additional_headers=headers, proxy=None) as socket:
            heard += [json.loads(each) async for each in _some(socket, cut)]
    return heard


async def by_product(url: str, headers: dict[str, str], cut: Cut) -> list[Shown]:
    """Hold a product's WebSocket, and begin anew after each cut until it closes with 1000."""
    heard: list[Shown] = []
    while True:
        async with connect(url, additional_headers=headers, proxy=None) as socket:
            before = cut.times
            heard += [json.loads(each) async for each in _some(socket, cut)]
            if cut.times == before:
                return heard


async def _some(socket: ClientConnection, cut: Cut) -> AsyncIterator[str | bytes]:
    """Yield so many messages and abort; or all, where the other side closes with 1000."""
    with suppress(ConnectionClosedOK):
        for _ in range(cut.every):
            yield await socket.recv()
        cut.times += 1
        socket.transport.abort()


def as_socket(url: str) -> str:
    """Return the WebSocket's form of an address."""
    return "ws" + url.removeprefix("http")
