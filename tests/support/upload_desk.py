"""A gateway that takes uploads and nothing else, on a bucket of choice."""

import os
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from typing import Any

import httpx
from fastapi import FastAPI

from gateway.adapters.memory.keys import MemoryKeyStore
from gateway.adapters.memory.objects import Answer, MemoryObjectStore
from gateway.adapters.memory.url_signer import MemoryUrlSigner
from gateway.api import assets, framework_problems, front_desk, uploads
from gateway.core.tickets import Tickets
from gateway.services.api_keys import ApiKeys
from gateway.services.assets import Assets
from gateway.services.export_inputs import ExportInputs
from gateway.services.look_at_upload import LookAtUpload
from gateway.services.multipart_uploads import MultipartUploads
from gateway.services.sweep_uploads import SweepUploads
from gateway.services.uploads import Uploads
from tests.support.admission import an_admission
from tests.support.buckets import LocalStore, local_store
from tests.support.jobs import HandClock
from tests.support.uploads import UPLOAD_STORES, UploadStores

MIB, GIB = 2**20, 2**30
MP4 = b"\0\0\0\x18ftypisom\0\0\2\0isommp42" + bytes(976)
PNG = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR" + bytes(20)
HTML = b"<!doctype html><script>alert(1)</script>"
LARGEST = 20 * GIB
EXPORT_LARGEST = 5000
PARTS_LIFE_S = 24 * 3600
PART_BYTES = 5 * MIB  # the least a store takes


class MemorySide:
    """A bucket in memory, on a clock that stands still; PUTs go straight to it."""

    def __init__(
        self, objects: Callable[[MemoryUrlSigner], MemoryObjectStore] = MemoryObjectStore
    ) -> None:
        self.clock = HandClock()
        self.signer = MemoryUrlSigner(secret=b"bucket" * 6, clock=self.clock)
        self.objects = objects(self.signer)

    async def put(self, url: str, body: bytes, headers: dict[str, str]) -> Answer:
        return self.objects.put(url, body, headers)


class ServedSide:
    """Our own store over loopback HTTP; a browser's PUT is httpx's."""

    def __init__(self, store: LocalStore, client: httpx.AsyncClient) -> None:
        self.clock, self.faults = store.clock, store.faults
        self.signer = store.signer()
        # Lost answers are part of the tests; what is only slow, on a busy machine, is not one.
        self.objects = store.objects(read_timeout_s=2)
        self._client = client

    async def put(self, url: str, body: bytes, headers: dict[str, str]) -> Answer:
        answer = await self._client.put(url, content=body, headers=headers)
        return Answer(answer.status_code, answer.headers, answer.content)


@asynccontextmanager
async def a_served_desk(folder: Path) -> AsyncIterator["Desk"]:
    """Open a gateway on SQLite and on a store that is reached over HTTP."""
    with local_store(folder / "bucket") as store:
        async with httpx.AsyncClient() as client:
            side = ServedSide(store, client)
            async with side.objects, a_desk("sqlite", folder, side) as desk:
                yield desk


@dataclass(frozen=True, slots=True)
class Desk:
    """The gateway's API, a browser's side of the bucket, and what a test moves around them."""

    api: httpx.AsyncClient
    keys: dict[str, str]
    stores: UploadStores
    bucket: Any
    exports: ExportInputs
    sweep: SweepUploads

    @property
    def clock(self) -> Any:
        return self.bucket.clock

    @property
    def objects(self) -> Any:
        return self.bucket.objects

    async def ask(self, method: str, path: str, key: str = "default", **more: Any):
        headers = {"Authorization": f"Bearer {self.keys.get(key, key)}"}
        return await self.api.request(method, f"/v1{path}", headers=headers, **more)

    async def promise(self, body: bytes = MP4, content_type: str = "video/mp4", **more: Any):
        asked = {"filename": "a.mp4", "content_type": content_type, "size_bytes": len(body)}
        answer = await self.ask("POST", "/uploads", json={**asked, **more})
        assert answer.status_code == 201, answer.text
        return answer.json()

    async def put(self, upload: dict[str, Any], body: bytes = MP4, **headers: str) -> int:
        sent = {**upload["headers"], **headers}
        return (await self.bucket.put(upload["url"], body, sent)).status

    async def complete(self, upload: dict[str, Any], **more: Any):
        return await self.ask("POST", f"/uploads/{upload['upload_id']}/complete", **more)

    async def an_asset(self) -> dict[str, Any]:
        upload = await self.promise()
        assert await self.put(upload) == 200
        return (await self.complete(upload)).json()

    async def sign(self, upload: dict[str, Any], *numbers: int, key: str = "default"):
        path = f"/uploads/{upload['upload_id']}/parts"
        return await self.ask("POST", path, key, json={"part_numbers": list(numbers)})

    async def put_parts(self, upload: dict[str, Any], body: bytes) -> list[dict[str, Any]]:
        """Put a file in its parts as a browser does; return what `complete` wants of them."""
        cut = upload["multipart"]
        signed = await self.sign(upload, *range(1, cut["part_count"] + 1))
        assert signed.status_code == 200, signed.text
        parts = []
        for part in signed.json()["parts"]:
            begins_at = (part["part_number"] - 1) * cut["part_size_bytes"]
            piece = body[begins_at : begins_at + part["size_bytes"]]
            answer = await self.bucket.put(part["url"], piece, part["headers"])
            assert answer.status == 200
            parts.append({"part_number": part["part_number"], "etag": answer.headers["etag"]})
        return parts

    async def stored(self) -> list[str]:
        return await self.objects.list_keys("", None, 100)


@asynccontextmanager
async def a_desk(
    kind: str, folder: Path, bucket: Any = None, *, quota_bytes: int = 2**60
) -> AsyncIterator[Desk]:
    """Open upload stores and a gateway on them; the bucket is in memory unless given."""
    bucket = bucket or MemorySide()
    clock, signer, objects, ids = bucket.clock, bucket.signer, bucket.objects, count(1)
    keys = ApiKeys(MemoryKeyStore(), clock, os.urandom)
    made = {
        "default": (await keys.create("default"))[0],
        "other": (await keys.create("other"))[0],
        "reader": (await keys.create("default", ["read"]))[0],
        "uploader": (await keys.create("default", ["uploads"]))[0],
    }

    def new_id() -> str:
        return f"id-{next(ids)}"

    async with UPLOAD_STORES[kind](folder) as stores:
        look = LookAtUpload(stores.uploads, objects, clock, new_id)
        app = FastAPI()
        app.state.api_keys = keys
        app.state.admission = an_admission(keys)
        app.state.uploads = Uploads(
            store=stores.uploads,
            assets=stores.assets,
            objects=objects,
            signer=signer,
            look=look,
            in_parts=MultipartUploads(
                stores.uploads, objects, signer, clock, PARTS_LIFE_S, PART_BYTES
            ),
            tickets=Tickets(b"ticket" * 6, "tu_"),
            clock=clock,
            new_id=new_id,
            largest_bytes=LARGEST,
            url_life_s=3600,
            quota_bytes=quota_bytes,
        )
        app.state.assets = Assets(stores.assets, objects, signer, clock, url_life_s=600)
        front_desk.install(app, new_id=lambda: "request-1", json_body_bytes=MIB, json_depth=8)
        framework_problems.install(app)
        app.router.routes.extend([*uploads.router.routes, *assets.router.routes])
        exports = ExportInputs(
            stores.uploads,
            stores.assets,
            objects,
            signer,
            look,
            clock,
            new_id,
            EXPORT_LARGEST,
            900,
            quota_bytes,
        )
        sweep = SweepUploads(stores.upload_sweep, stores.uploads, objects, objects, clock)
        transport = httpx.ASGITransport(app)
        async with httpx.AsyncClient(transport=transport, base_url="http://cutroom") as api:
            yield Desk(api, made, stores, bucket, exports, sweep)


def code_of(answer: httpx.Response) -> tuple[int, str]:
    """Return the status and the code of a problem."""
    return answer.status_code, answer.json()["code"]


def fields_of(answer: httpx.Response) -> list[str]:
    """Return which fields a problem names."""
    return [error["field"] for error in answer.json()["errors"]]
