"""A gateway with the exports surface, spoken to as its products speak to it."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed

from shared.kinds import load_kinds
from tests.support.jobs import STORES, Opened
from tests.support.serving import serving
from tests.support.upload_desk import MP4
from tests.support.world import Worker, World, a_world

KEYFRAME = {"frame": 0, "x": 100, "y": 0, "width": 607.5, "height": 1080}
REGION = {"start_frame": 0, "end_frame": 9, "x": 5, "y": 5, "radius_x": 3, "radius_y": 2}
RESULT = {
    "frames": 60,
    "duration_s": 2.0,
    "width_px": 1080,
    "height_px": 1920,
    "rate": "30/1",
    "rate_hz": 30.0,
    "has_audio": True,
    "size_bytes": 18,
}
PATIENCE_S = 60
OVERLAY, FRAMING = "/api/export/overlay", "/api/export/framing"


@dataclass(frozen=True, slots=True)
class S4:
    """The product of the tenant `default`, and the world behind it."""

    world: World
    http: httpx.AsyncClient

    async def uploaded(self, body: bytes = MP4, **asked: Any) -> str:
        """Put a video by way of S4-8 and return its key."""
        promised = (await self.promised(**asked)).json()
        headers = promised["headers"] | {"content-length": str(len(body))}
        answer = self.world.objects.put(promised["upload_url"], body, headers)
        assert answer.status == 200
        return str(promised["video_key"])

    async def promised(self, **asked: Any) -> httpx.Response:
        """Ask S4-8 for an URL."""
        wanted = {"filename": "Finale.mp4", **asked}
        return await self.http.post("/api/videos/upload-url", json=wanted)

    async def project(self, project_id: Any = 7, **asked: Any) -> httpx.Response:
        """Register a project; with a new working video unless something is said of it."""
        if "working_video_key" not in asked:
            asked["working_video_key"] = await self.uploaded()
        return await self.http.put(f"/api/export/projects/{project_id}", json=asked)

    async def clip(
        self, project_id: Any = 7, clip_index: Any = 0, **asked: Any
    ) -> httpx.Response:
        """Register a clip; of a new source video unless one is named."""
        if "source_video_key" not in asked:
            asked["source_video_key"] = await self.uploaded()
        url = f"/api/export/projects/{project_id}/clips/{clip_index}"
        return await self.http.put(url, json=asked)

    async def overlay(self, key: str | None = None, **asked: Any) -> httpx.Response:
        """Ask S4-1."""
        headers = {"Idempotency-Key": key} if key else {}
        return await self.http.post(OVERLAY, json={"project_id": 7, **asked}, headers=headers)

    async def framing(self, key: str | None = None, **asked: Any) -> httpx.Response:
        """Ask S4-3."""
        headers = {"Idempotency-Key": key} if key else {}
        body = {"project_id": 7, "clip_index": 0, "crop_keyframes": [], **asked}
        return await self.http.post(FRAMING, json=body, headers=headers)

    async def job(self, key: str | None = None, **asked: Any) -> httpx.Response:
        """Ask S4-5; for an overlay of a new video unless something else is said."""
        headers = {"Idempotency-Key": key} if key else {}
        body = {"project_id": 7, "type": "overlay", "params": {}, **asked}
        if "input_video_key" not in body:
            body["input_video_key"] = await self.uploaded()
        return await self.http.post("/api/jobs", json=body, headers=headers)

    async def started(self, **asked: Any) -> str:
        """Start an export by S4-5 and return the job's id."""
        answer = await self.job(**asked)
        assert answer.status_code == 202, answer.text
        return str(answer.json()["job_id"])

    async def worker(self, job_id: str) -> Worker:
        """Return the worker that has claimed the job."""
        await self.world.gateway.perform()
        runpod_id, request = next(
            (runpod_id, request)
            for runpod_id, request in reversed(self.world.compute.submitted.items())
            if request.input["job_id"] == job_id
        )
        worker = Worker(self.world, runpod_id, request)
        await worker.claim()
        return worker

    async def finished(self, job_id: str) -> None:
        """See the job through to its good end."""
        worker = await self.worker(job_id)
        await worker.say(worker.final(await worker.put("video"), result=RESULT))

    async def shown(self, job_id: str) -> dict[str, Any]:
        """Read S4-6."""
        answer = await self.http.get(f"/api/jobs/{job_id}")
        assert answer.status_code == 200, answer.text
        return answer.json()

    async def watched(
        self, path: str, protocols: list[str] | None = None, **headers: str
    ) -> tuple[list[dict[str, Any]], int, str | None]:
        """Return a socket's messages, its close code and the subprotocol it chose.

        One that nobody closes is an error, and not a test that hangs.
        """
        url = f"{self.http.base_url}".replace("http://", "ws://").rstrip("/") + path
        offered: Any = protocols
        messages = []
        connecting = connect(url, additional_headers=headers, subprotocols=offered)
        async with asyncio.timeout(PATIENCE_S), connecting as socket:
            try:
                while True:
                    messages.append(json.loads(await socket.recv()))
            except ConnectionClosed as closed:
                return messages, closed.rcvd.code if closed.rcvd else 0, socket.subprotocol

    async def all_watching(self, job_id: str, count: int) -> None:
        """Return once so many watch the job."""
        while self.world.cases.seats.watching(job_id) < count:  # noqa: ASYNC110 - tells nobody
            await asyncio.sleep(0.002)

    @asynccontextmanager
    async def of_tenant(self, tenant: str, *scopes: str) -> AsyncIterator["S4"]:
        """The same product, spoken to with another key."""
        headers = await self.world.a_key(tenant, *scopes)
        url = self.http.base_url
        async with httpx.AsyncClient(base_url=url, headers=headers) as http:
            yield S4(self.world, http)


@asynccontextmanager
async def an_s4(
    store: str | Callable[[Path], Opened], folder: Path, **settings: Any
) -> AsyncIterator[S4]:
    """Serve the app on loopback, its jobs in memory, in SQLite or in stores of one's own."""
    opener = STORES[store] if isinstance(store, str) else store
    async with (
        a_world(opener, folder, **{"offered": load_kinds(), **settings}) as world,
        serving(world.gateway.app, lifespan="off") as base_url,  # nothing beats by itself
        httpx.AsyncClient(base_url=base_url, headers=await world.a_key()) as http,
    ):
        yield S4(world, http)
