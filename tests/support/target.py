"""A whole gateway to be attacked: served on loopback from a thread, its database watched."""

import json
import sqlite3
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field, fields, replace
from pathlib import Path
from typing import Any

import httpx
from anyio.from_thread import BlockingPortal, start_blocking_portal
from pydantic import SecretStr

from gateway.core.api_keys import SCOPES
from gateway.entrypoints.local import LARGEST_FRAME_BYTES
from gateway.settings import RunpodSettings
from shared.kinds import load_kinds
from tests.support.jobs import STORES
from tests.support.raw_http import Answer, RawHttp
from tests.support.s4 import S4
from tests.support.serving import serving
from tests.support.upload_desk import MP4
from tests.support.world import COPY, MANIFEST, Worker, World, a_world

_A_KEY = 'INSERT INTO "api_keys"'
JSON = ("Content-Type", "application/json")
MAKE = replace(
    COPY,
    name="test.make",
    outputs={"video": "video/mp4", "picture": "image/png", "font": "font/ttf"},
)
# Room for every worker a module of attacks asks for.
ROOMY = RunpodSettings(api_key=SecretStr("r" * 40), gpu_endpoint="gpu", gpu_slots=200)


@dataclass(frozen=True, slots=True)
class Standing:
    """What the tenant `default` has, so that every route has something to be asked about."""

    upload_id: str
    parts_id: str
    part_etag: str
    asset_id: str
    image_id: str
    font_id: str
    queued_id: str
    waiting_id: str
    submission_token: str
    running_id: str
    worker: Worker
    done_id: str
    made_id: str
    export_id: str
    video_key: str
    endpoint_id: str
    delivery_id: str

    def address(self, path: str) -> str:
        """Return a path with what it names filled in."""
        names = {each.name: getattr(self, each.name) for each in fields(self)}
        return path.format(**names)


@dataclass(slots=True)
class Target:
    """The gateway, a connection to it, and what it has written down."""

    world: World
    base_url: str
    portal: BlockingPortal
    http: RawHttp
    database: sqlite3.Connection
    has: Standing
    keys: dict[tuple[str, ...], str] = field(default_factory=dict, repr=False)
    version: int | None = None
    rows: list[str] = field(default_factory=list, repr=False)

    def run(self, work: Callable[..., Awaitable[Any]], *given: Any, **named: Any) -> Any:
        """Do something in the gateway's own loop."""

        async def doing() -> Any:
            return await work(*given, **named)

        return self.portal.call(doing)

    def key(self, tenant: str = "default", *scopes: str) -> tuple[str, str]:
        """Return the header of a key of the tenant; with all scopes unless some are named."""
        wanted = (tenant, *(scopes or SCOPES))
        if wanted not in self.keys:
            headers = self.run(self.world.a_key, *wanted)
            self.keys[wanted] = headers["Authorization"]
        return ("Authorization", self.keys[wanted])

    def ask(
        self,
        method: str,
        path: str,
        body: Any = None,
        *,
        headers: Sequence[tuple[str, str]] | None = None,
    ) -> Answer:
        """Ask as the tenant `default` unless headers are given; a body goes as JSON."""
        given = [self.key()] if headers is None else [*headers]
        if body is None:
            return self.http.ask(method, path, given)
        raw = body if isinstance(body, bytes) else json.dumps(body).encode()
        return self.http.ask(method, path, [*given, JSON], raw)

    def written(self) -> list[str]:
        """Return every row of every table, and the keys in the bucket.

        But for API keys, of which a test makes some, and which tell when they were used.
        """
        keys = self.run(self.world.objects.list_keys, "", None, 1000)
        [version] = self.database.execute("PRAGMA data_version").fetchone()
        if version != self.version:  # else nobody has committed anything since
            dump = self.database.iterdump()
            self.rows = [each for each in dump if not each.startswith(_A_KEY)]
            self.version = version
        return [*self.rows, *keys]


async def settle_in(world: World, base_url: str) -> Standing:
    """Give the tenant one of everything: pending, running, done."""
    headers = await world.a_key()
    async with httpx.AsyncClient(base_url=base_url, headers=headers) as http:
        s4 = S4(world, http)
        asked = {"filename": "a.mp4", "content_type": "video/mp4", "size_bytes": len(MP4)}
        upload = (await http.post("/v1/uploads", json=asked)).json()
        in_parts = (await http.post("/v1/uploads", json={**asked, "multipart": True})).json()
        parts = f"/v1/uploads/{in_parts['upload_id']}/parts"
        [part] = (await http.post(parts, json={"part_numbers": [1]})).json()["parts"]
        put = world.objects.put(part["url"], MP4, part["headers"])
        done_id, worker = await world.dispatched()
        await worker.claim()
        await worker.finish()
        made_id = await _made(world)
        running_id, running = await world.dispatched()
        await running.claim()
        waiting_id, waiting = await world.dispatched()
        hooks = {"url": "https://hooks.example.com/in"}
        endpoint = (await http.post("/v1/webhook-endpoints", json=hooks)).json()
        tested = await http.post(f"/v1/webhook-endpoints/{endpoint['id']}/test")
        await s4.project()
        await s4.clip()
        return Standing(
            upload_id=upload["upload_id"],
            parts_id=in_parts["upload_id"],
            part_etag=put.headers["etag"],
            asset_id=await world.an_asset(),
            image_id=await world.an_asset(content_type="image/png"),
            font_id=await world.an_asset(content_type="font/ttf"),
            queued_id=await world.submit(),
            waiting_id=waiting_id,
            submission_token=str(waiting.request.input["token"]),
            running_id=running_id,
            worker=running,
            done_id=done_id,
            made_id=made_id,
            export_id=await s4.started(),
            video_key=await s4.uploaded(),
            endpoint_id=endpoint["id"],
            delivery_id=tested.json()["id"],
        )


async def _made(world: World) -> str:
    """Finish a job that makes one file of each sort that an input may name."""
    job_id, worker = await world.dispatched(kind=MAKE.name)
    await worker.claim()
    final = worker.final(await worker.put(*MAKE.outputs))
    await worker.put(MANIFEST, body=final.model_dump_json().encode())
    await worker.say(final)
    return job_id


@asynccontextmanager
async def _served(folder: Path, config: Mapping[str, Any]) -> AsyncIterator[tuple[World, str]]:
    offered = {**load_kinds(), COPY.name: COPY, MAKE.name: MAKE}
    async with (
        a_world(STORES["sqlite"], folder, offered=offered, runpod=ROOMY) as world,
        serving(world.gateway.app, lifespan="off", **config) as base_url,
    ):
        yield world, base_url


@contextmanager
def a_target(folder: Path, *, http: str = "h11") -> Iterator[Target]:
    """Serve as the image serves, on SQLite; nothing beats beside the requests.

    `http`: which of uvicorn's parsers reads requests; the image has `h11` alone.
    """
    config = {"http": http, "ws_max_size": LARGEST_FRAME_BYTES, "server_header": False}
    config |= {"timeout_keep_alive": 60}  # a slow machine between two requests
    with (
        start_blocking_portal() as portal,
        portal.wrap_async_context_manager(_served(folder, config)) as (world, base_url),
        RawHttp(base_url) as raw,
    ):
        database = sqlite3.connect(folder / "cutroom.db")
        try:
            has = portal.call(settle_in, world, base_url)
            yield Target(world, base_url, portal, raw, database, has)
        finally:
            database.close()
