"""The whole service: gateways on one SQLite file, over HTTP, and all that is around them.

What gateways share (the time, the bucket, RunPod, new ids) is `Outside`; what one has for
itself is a `World` with its own connections. A bucket that checks signatures, workers that
speak HTTP, and a death that takes a gateway's memory and nothing else.
"""

import hashlib
import sqlite3
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AsyncExitStack, asynccontextmanager, closing
from dataclasses import dataclass, field
from datetime import datetime
from itertools import count
from pathlib import Path
from typing import Any

import httpx

from gateway.adapters.memory.compute import MemoryCompute
from gateway.adapters.sql.engine import SqlEngine
from gateway.adapters.sql.keys import SqlKeyStore
from gateway.adapters.sqlite.connections import open_reader
from gateway.ports.compute import SubmitRequest
from gateway.wiring_ports import Ports
from shared.work import MANIFEST
from tests.support.audit import History, must_add_up
from tests.support.databases import engine_on, new_database
from tests.support.jobs import NOON, HandClock, stores_on
from tests.support.signed_bucket import SignedBucket
from tests.support.world import FACTS, VIDEO, World

Answer = httpx.Response
AsItIs: Callable[[Any], Any] = lambda each: each  # noqa: E731 - a default, named once
DATABASE = "cutroom.db"
TYPES = {MANIFEST: "application/json"}


@dataclass(slots=True)
class Outside:
    """What every gateway of one service sees alike."""

    clock: HandClock
    compute: Any
    objects: Any
    signer: Any
    numbers: Iterator[int] = field(default_factory=lambda: count(1))


class Door(World):
    """One gateway among others; `broken` changes its ports, to see a test turn red."""

    def __init__(
        self,
        engine: SqlEngine,
        folder: Path,
        outside: Outside,
        *,
        broken: Callable[[Ports], Ports] = AsItIs,
        **fields: Any,
    ) -> None:
        self.outside, self.engine, self._broken = outside, engine, broken
        self._is_built = False
        super().__init__(stores_on(engine), folder, **fields)
        self.clock, self.compute = outside.clock, outside.compute
        self.objects, self.signer = outside.objects, outside.signer
        self.keys: Any = SqlKeyStore(engine)
        self._numbers = outside.numbers
        self._is_built = True
        self.gateway = self.boot()

    def boot(self, *given: Any, **named: Any) -> Any:
        """Build a gateway, once there is all that it stands on."""
        return super().boot(*given, **named) if self._is_built else None

    def adapters(self) -> Ports:
        return self._broken(super().adapters())


@dataclass(slots=True)
class House:
    """Gateways, a client of the tenant `default` for each, and who may look into the file."""

    folder: Path
    outside: Outside
    reader: sqlite3.Connection
    stack: AsyncExitStack
    broken: Callable[[Ports], Ports] = AsItIs
    fields: dict[str, Any] = field(default_factory=dict)
    doors: list[Door] = field(default_factory=list)
    http: list[httpx.AsyncClient] = field(default_factory=list)
    history: History = field(default_factory=History)
    keys: dict[str, dict[str, str]] = field(default_factory=dict)

    @property
    def clock(self) -> HandClock:
        return self.outside.clock

    @property
    def compute(self) -> MemoryCompute:
        return self.outside.compute

    @property
    def objects(self) -> SignedBucket:
        return self.outside.objects

    async def open_door(self) -> None:
        """Start one more gateway on what is stored."""
        engine = await self.stack.enter_async_context(engine_on(self.folder / DATABASE))
        door = Door(engine, self.folder, self.outside, broken=self.broken, **self.fields)
        await door.gateway.start()
        if not self.keys:
            for tenant in ("default", "other"):
                self.keys[tenant] = await door.a_key(tenant)
        self.doors.append(door)
        self.http.append(await self.client(door, "default"))

    async def client(self, door: Door, tenant: str) -> httpx.AsyncClient:
        """Return a client that asks one gateway as a tenant does."""
        transport = httpx.ASGITransport(door.gateway.app, raise_app_exceptions=False)
        client = httpx.AsyncClient(
            transport=transport, base_url="http://gateway", headers=self.keys[tenant]
        )
        return await self.stack.enter_async_context(client)

    async def crash(self, at: int = 0) -> None:
        """Let one gateway lose its memory, and start another on the same file."""
        await self.open_door()
        self.doors[at], self.http[at] = self.doors.pop(), self.http.pop()

    async def submit(self, at: int = 0, **fields: Any) -> str:
        """Submit a job over HTTP and return its id."""
        answer = await self.http[at].post("/v1/jobs", json=an_order(**fields))
        assert answer.status_code == 202, answer.text
        return str(answer.json()["id"])

    async def dispatched(self, at: int = 0, **fields: Any) -> "HttpWorker":
        """Submit a job and return the worker that RunPod starts for it."""
        job_id = await self.submit(at, **fields)
        await self.doors[at].gateway.perform()
        return self.worker_of(job_id)

    def worker_of(self, job_id: str) -> "HttpWorker":
        """Return a worker under the newest submission of a job."""
        asked = [
            (runpod_id, request)
            for runpod_id, request in self.compute.submitted.items()
            if request.input["job_id"] == job_id
        ]
        return HttpWorker(self, *asked[-1])

    async def pass_time(self, seconds: float, *, step_s: float = 5.0) -> None:
        """Let time pass for everybody, a tick of each gateway every step."""
        while seconds > 0:
            self.clock.move(min(step_s, seconds))
            seconds -= step_s
            for door in self.doors:
                await door.gateway.tick()

    async def job(self, job_id: str, at: int = 0) -> dict[str, Any]:
        """Return a job as its owner sees it."""
        shown: dict[str, Any] = (await self.http[at].get(f"/v1/jobs/{job_id}")).json()
        return shown

    async def events(self, job_id: str, at: int = 0) -> list[dict[str, Any]]:
        """Return a job's log as its owner reads it."""
        page = (await self.http[at].get(f"/v1/jobs/{job_id}/events")).json()
        lines: list[dict[str, Any]] = page["events"]
        return lines

    async def types(self, job_id: str, at: int = 0) -> list[str]:
        """Return the types of a job's events."""
        return [event["type"] for event in await self.events(job_id, at)]

    def row(self, job_id: str) -> tuple[Any, ...]:
        """Return all that is written of a job."""
        found = self.reader.execute("SELECT * FROM jobs WHERE id = ?", (job_id,)).fetchone()
        assert found is not None
        return tuple(found)

    def add_up(self) -> None:
        """Raise `AssertionError` where the tables contradict themselves or their past."""
        must_add_up(self.reader)
        self.history.look(self.reader)


def an_order(**fields: Any) -> dict[str, Any]:
    """Return what a job is asked for with."""
    return {"kind": "test.copy", "input": {"n": 1}, **fields}


@asynccontextmanager
async def a_house(
    folder: Path,
    *,
    gateways: int = 2,
    broken: Callable[[Ports], Ports] = AsItIs,
    compute: Callable[[MemoryCompute], Any] = AsItIs,
    objects: Callable[[SignedBucket], Any] = AsItIs,
    now: datetime = NOON,
    **fields: Any,
) -> AsyncIterator[House]:
    """Open gateways on one new file. `broken`, `compute`, `objects`: what is put in the way."""
    database = folder / DATABASE
    new_database(database, now)
    clock, runpod = HandClock(now), count(1)
    bucket = SignedBucket(folder / "bucket", clock)
    outside = Outside(
        clock,
        compute(MemoryCompute(lambda: f"r{next(runpod)}")),
        objects(bucket),
        bucket.signer,
    )
    async with AsyncExitStack() as stack:
        reader = stack.enter_context(closing(open_reader(database)))
        await stack.enter_async_context(bucket.http)
        house = House(folder, outside, reader, stack, broken, fields)
        for _ in range(gateways):
            await house.open_door()
        yield house


@dataclass(slots=True)
class HttpWorker:
    """A worker of RunPod's that says each word over HTTP, to whichever gateway it is told."""

    house: House
    runpod_id: str
    request: SubmitRequest
    order: dict[str, Any] = field(default_factory=dict)
    report_no: int = 0

    @property
    def job_id(self) -> str:
        return str(self.request.input["job_id"])

    async def call(self, what: str, token: str, body: dict[str, Any], at: int = 0) -> Answer:
        """Ask a gateway as this worker does, with a token of choice."""
        path, bearer = f"/v1/work/{self.job_id}/{what}", {"Authorization": f"Bearer {token}"}
        return await self.house.http[at].post(path, json=body, headers=bearer)

    async def claim(self, nonce: str | None = None, at: int = 0) -> Answer:
        """Ask for the work, and keep the order if there is one."""
        asked = {
            "nonce": nonce or f"n-{self.runpod_id}",
            "runpod_job_id": self.runpod_id,
            "worker": FACTS.model_dump(mode="json"),
        }
        answer = await self.call("claim", str(self.request.input["token"]), asked, at)
        if answer.status_code == 200:
            self.order = answer.json()
        return answer

    async def outputs(self, items: list[dict[str, Any]], at: int = 0) -> Answer:
        """Ask for URLs to put these under."""
        body = {"fence": self.order["fence"], "items": items}
        return await self.call("outputs", self.order["token"], body, at)

    async def put(self, name: str = "video", body: bytes = VIDEO, at: int = 0) -> Any:
        """Put one output into the bucket and return what a last word says of it."""
        item = an_output(name, body)
        [granted] = (await self.outputs([item], at)).json()["puts"]
        stored = await self.house.objects.put(granted["url"], body, granted["headers"])
        assert stored.status_code == 200, stored.text
        return item

    async def report(self, type_: str, at: int = 0, **said: Any) -> Answer:
        """Say one thing; under the next number unless one is given."""
        self.report_no = said.pop("report_no", self.report_no + 1)
        body = {"type": type_, "fence": self.order["fence"], "report_no": self.report_no}
        return await self.call("reports", self.order["token"], {**body, **said}, at)

    async def final(self, at: int = 0, **said: Any) -> Answer:
        """Say the last word."""
        return await self.report("final", at, **{**a_success(), **said})

    async def finish(self, at: int = 0) -> Answer:
        """Put the output and the manifest, and say the last word."""
        outputs = [await self.put(at=at)]
        await self.leave_manifest(outputs, at)
        return await self.final(at, outputs=outputs)

    async def leave_manifest(self, outputs: list[Any], at: int = 0) -> None:
        """Put the last word that comes next where the gateway looks for it."""
        numbers = {"fence": self.order["fence"], "report_no": self.report_no + 1}
        said = httpx.Request(
            "POST",
            "http://nobody",
            json={"type": "final", **numbers, **a_success(), "outputs": outputs},
        )
        await self.put(MANIFEST, said.content, at)

    async def fail(self, code: str = "worker_lost", at: int = 0) -> Answer:
        """Say that it failed."""
        error = {"code": code, "message": "x", "stage": "render"}
        return await self.final(at, outcome="failed", result=None, error=error)


def a_success() -> dict[str, Any]:
    """Return what a last word says of work that went well, but for its files."""
    return {"outcome": "succeeded", "result": {"n": 1}, "outputs": []}


def an_output(name: str = "video", body: bytes = VIDEO) -> dict[str, Any]:
    """Return what a worker says of a file before it has a URL for it."""
    return {
        "name": name,
        "content_type": TYPES.get(name, "video/mp4"),
        "size_bytes": len(body),
        "sha256": hashlib.sha256(body).hexdigest(),
    }
