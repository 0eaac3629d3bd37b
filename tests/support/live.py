"""A gateway that is watched over loopback, and those who watch it."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import httpx
from fastapi import WebSocket
from httpx_sse import aconnect_sse
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed

from gateway.api.sockets import Manner, serve_socket
from gateway.ports.event_log import Event, EventLog
from shared.errors import TryAgainLater
from tests.support.jobs import STORES, Stores
from tests.support.serving import serving
from tests.support.watchers import as_socket
from tests.support.world import World, a_world

PATIENCE_S = 60


class WatchedLog:
    """An event log whose reads are counted, made heavy or refused."""

    def __init__(self, log: EventLog) -> None:
        self._log = log
        self.reads = 0
        self.padding = ""
        self.is_away = False

    async def read(self, job_id: str, after: int, limit: int) -> list[Event]:
        self.reads += 1
        if self.is_away:
            raise TryAgainLater("no database", public="Later.")
        found = await self._log.read(job_id, after, limit)
        return [replace(event, body=event.body + self.padding) for event in found]


@dataclass(frozen=True, slots=True)
class Live:
    """A gateway, a client that holds a key, and the log that its watchers read."""

    world: World
    http: httpx.AsyncClient
    log: WatchedLog

    @property
    def key(self) -> dict[str, str]:
        """The header that the client sends."""
        return {"Authorization": self.http.headers["Authorization"]}

    def socket(self, path: str, **options: Any) -> connect:
        """Connect to a WebSocket; with the key in a header unless headers are given."""
        url = as_socket(str(self.http.base_url).rstrip("/"))
        return connect(f"{url}{path}", **{"additional_headers": self.key, **options})

    async def ticket(self, job_id: str) -> str:
        answer = await self.http.post(f"/v1/jobs/{job_id}/ticket")
        return str(answer.raise_for_status().json()["ticket"])

    def watching(self, job_id: str) -> int:
        """How many seats are taken."""
        return int(self.world.cases.seats.watching(job_id))

    async def polled(self, job_id: str, after: int = -1) -> list[dict[str, Any]]:
        events: list[dict[str, Any]] = []
        while True:
            asked = {"after": after}
            page = (await self.http.get(f"/v1/jobs/{job_id}/events", params=asked)).json()
            if not page["events"]:
                return events
            events += page["events"]
            after = page["next_after"]

    async def streamed(
        self, job_id: str, after: int = -1, **headers: str
    ) -> list[tuple[int, str, dict[str, Any]]]:
        """Read a stream to its end: id, type and data of each event."""
        url = f"/v1/jobs/{job_id}/events?after={after}"
        async with aconnect_sse(self.http, "GET", url, headers=headers) as source:
            return [
                (int(event.id), event.event, json.loads(event.data))
                async for event in source.aiter_sse()
            ]

    async def socketed(
        self, job_id: str, after: int = -1, **options: Any
    ) -> tuple[list[dict[str, Any]], int]:
        """Read a socket to its end: the messages, and the code it was closed with."""
        return await heard(self.socket(f"/v1/jobs/{job_id}/live?after={after}", **options))


async def heard(connecting: connect) -> tuple[list[dict[str, Any]], int]:
    """Read a socket to its end: the messages, and the code it was closed with."""
    async with connecting as socket:
        return await rest_of(socket)


async def rest_of(socket: ClientConnection) -> tuple[list[dict[str, Any]], int]:
    """Read what still comes, and the code the socket is closed with."""
    messages = []
    try:
        async with asyncio.timeout(PATIENCE_S):  # one that nobody closes is an error
            while True:
                messages.append(json.loads(await socket.recv()))
    except ConnectionClosed as closed:
        return messages, closed.rcvd.code if closed.rcvd else 1006


async def until(happens: Callable[[], bool]) -> None:
    """Return once something has happened; fail where it does not."""
    async with asyncio.timeout(PATIENCE_S):
        while not happens():  # noqa: ASYNC110 - it is told of by nothing
            await asyncio.sleep(0.005)


@asynccontextmanager
async def live(folder: Path, **fields: Any) -> AsyncIterator[Live]:
    """Serve a gateway, with a socket `/sampled/{job_id}` as a product would have it."""
    logs: list[WatchedLog] = []

    @asynccontextmanager
    async def watched_stores(folder: Path) -> AsyncIterator[Stores]:
        async with STORES["memory"](folder) as stores:
            logs.append(WatchedLog(stores.events))
            yield replace(stores, events=logs[0])

    async with a_world(watched_stores, folder, **fields) as world:
        manner = Manner(lambda _: lambda event: event.body, sampled=True)

        @world.gateway.app.websocket("/sampled/{job_id}")
        async def sample(socket: WebSocket, job_id: str) -> None:
            await serve_socket(socket, job_id, manner)

        key = await world.a_key()
        async with (
            serving(world.gateway.app) as base_url,
            httpx.AsyncClient(base_url=base_url, headers=key, timeout=PATIENCE_S) as http,
        ):
            yield Live(world, http, logs[0])


async def a_finished_job(world: World) -> str:
    """Let a worker do a job, with five reports of progress."""
    job_id, worker = await world.dispatched()
    await worker.claim()
    for n in range(1, 6):
        world.clock.move(3)
        await worker.report("progress", stage="render", progress=n / 10)
    await worker.finish()
    return job_id
