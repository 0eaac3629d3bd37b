"""I7: `seq` has no gaps and poll = SSE = WebSocket; progress never goes back anywhere."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

import httpx
import pytest
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosedOK

from tests.support.house import House, HttpWorker, a_house
from tests.support.serving import serving
from tests.support.watchers import as_socket
from tests.support.wrong_ports import Lossy, with_events

PATIENCE_S = 60
# Stage and progress as an attempt may say them, forwards, backwards and beyond.
SAID = (
    ("render", 0.4),
    ("render", 0.1),
    ("prepare", 0.2),
    ("render", 0.0),
    ("upload", 0.39),
    ("render", 1.0),
    ("nowhere", 0.5),
    ("upload", 0.6),
    ("persist", 1.0),
    ("prepare", 0.0),
)


@dataclass(frozen=True, slots=True)
class Watched:
    """A house whose gateways are served on loopback, and who watches at each."""

    house: House
    urls: list[str]
    http: list[httpx.AsyncClient]

    async def polled(self, job_id: str, at: int) -> list[bytes]:
        """Each event as it stands in the pages, byte for byte."""
        lines: list[bytes] = []
        after = -1
        while True:
            asked = {"after": after, "wait_s": 20}
            page = await self.http[at].get(f"/v1/jobs/{job_id}/events", params=asked)
            events = page.json()["events"]
            lines += cut(page.content, len(events))
            after = page.json()["next_after"]
            if not events:
                return lines

    async def streamed(self, job_id: str, at: int) -> list[bytes]:
        """Each event as a stream has it."""
        headers = {"Accept": "text/event-stream"}
        async with self.http[at].stream(
            "GET", f"/v1/jobs/{job_id}/events", headers=headers
        ) as stream:
            lines = [line.encode() async for line in stream.aiter_lines()]
        return [line.removeprefix(b"data: ") for line in lines if line.startswith(b"data: ")]

    async def socketed(self, job_id: str, at: int) -> list[bytes]:
        """Each event as a WebSocket has it."""
        url = f"{as_socket(self.urls[at])}/v1/jobs/{job_id}/live"
        heard: list[bytes] = []
        async with connect(
            url, additional_headers=self.house.keys["default"], proxy=None
        ) as socket:
            try:
                async with asyncio.timeout(PATIENCE_S):
                    while True:
                        heard.append(str(await socket.recv()).encode())
            except ConnectionClosedOK:
                return heard

    async def all_ways(self, job_id: str, at: int) -> list[list[bytes]]:
        """What each way tells until the last event."""
        ways = (self.polled, self.streamed, self.socketed)
        return await asyncio.gather(*(way(job_id, at) for way in ways))


def cut(page: bytes, count: int) -> list[bytes]:
    """Return the raw texts of a page's events, without reading and writing them anew."""
    text, lines = page.decode(), []
    at = text.index("[") + 1
    for _ in range(count):
        _, end = json.JSONDecoder().raw_decode(text, at)
        lines.append(text[at:end].encode())
        at = end + 1
    return lines


@asynccontextmanager
async def watched_house(folder: Path, **fields: Any) -> AsyncIterator[Watched]:
    async with a_house(folder, **fields) as house, AsyncExitStack() as stack:
        urls, clients = [], []
        for door in house.doors:
            app = serving(door.gateway.app, lifespan="off")
            urls.append(await stack.enter_async_context(app))
            client = httpx.AsyncClient(
                base_url=urls[-1],
                headers=house.keys["default"],
                timeout=PATIENCE_S,
                trust_env=False,
            )
            clients.append(await stack.enter_async_context(client))
        yield Watched(house, urls, clients)


def must_be_one_log(heard: list[list[bytes]]) -> list[dict[str, Any]]:
    """Raise `AssertionError` unless all heard the same bytes, without a gap or a step back."""
    assert all(each == heard[0] for each in heard), "they did not hear the same"
    events = [json.loads(line) for line in heard[0]]
    assert [each["seq"] for each in events] == list(range(len(events))), "a gap"
    shown = [each["job"]["progress"] for each in events]
    assert all(before <= after for before, after in pairwise(shown)), "it went back"
    return events


async def say_all(house: House, worker: HttpWorker, at: int) -> None:
    for stage, progress in SAID:
        house.clock.move(3)
        await worker.report("progress", at, stage=stage, progress=progress)


async def live_through(watched: Watched) -> list[list[bytes]]:
    """Watch a job of two attempts in every way, live and afterwards, at both gateways."""
    house = watched.house
    worker = await house.dispatched()
    live = asyncio.create_task(watched.all_ways(worker.job_id, 0))
    await worker.claim()
    await say_all(house, worker, 0)
    await worker.fail("worker_lost", 0)
    house.clock.move(70)
    await house.doors[0].gateway.tick()
    second = house.worker_of(worker.job_id)
    await second.claim()
    await say_all(house, second, 0)
    await second.finish()
    return [*await live, *await watched.all_ways(worker.job_id, 1)]


async def test_i07_whoever_watches_in_whatever_way_hears_the_same_bytes(tmp_path):
    async with watched_house(tmp_path) as watched:
        events = must_be_one_log(await live_through(watched))
        watched.house.add_up()
    types = [each["type"] for each in events]
    assert types[0] == "queued"
    assert types[-1] == "succeeded"
    assert {"started", "stage", "progress", "requeued"} < set(types)
    assert events[-1]["job"]["progress"] == 1.0


async def test_i07_d137_the_row_is_as_far_as_its_log_and_never_goes_back(house):
    worker = await house.dispatched()
    await worker.claim()
    shown = []
    for stage, progress in SAID:
        house.clock.move(3)
        await worker.report("progress", stage=stage, progress=progress)
        job, events = await house.job(worker.job_id, at=1), await house.events(worker.job_id)
        assert (job["seq"], job["progress"]) == (
            events[-1]["seq"],
            events[-1]["job"]["progress"],
        )
        shown.append(job["progress"])
    assert shown == sorted(shown)
    assert shown[-1] < 1.0


async def test_i07_a_log_that_lacks_a_line_is_found_out(tmp_path):
    async with watched_house(tmp_path, broken=with_events(Lossy)) as watched:
        worker = await watched.house.dispatched()
        await worker.claim()
        await worker.finish()
        heard = [
            await watched.polled(worker.job_id, 0),
            await watched.streamed(worker.job_id, 1),
        ]
        with pytest.raises(AssertionError, match="a gap"):
            must_be_one_log(heard)
