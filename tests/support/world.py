"""A whole gateway without HTTP: real services, stores of choice, a clock moved by hand."""

import hashlib
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, fields
from datetime import timedelta
from itertools import count
from pathlib import Path
from typing import Any

import httpx
from pydantic import SecretStr

from gateway.adapters.memory.compute import MemoryCompute
from gateway.adapters.memory.objects import MemoryObjectStore
from gateway.adapters.memory.outgoing import MemoryOutgoing
from gateway.adapters.memory.url_signer import MemoryUrlSigner
from gateway.bootstrap import Gateway, build_gateway
from gateway.core.api_keys import SCOPES
from gateway.core.job import Job
from gateway.core.upload import Asset, Upload
from gateway.ports.compute import SubmitRequest
from gateway.ports.outgoing import Outgoing
from gateway.services.job_request import JobRequest
from gateway.settings import RunpodSettings, Settings, StoreSettings
from gateway.wiring_polls import PollServices
from gateway.wiring_ports import Ports
from shared.artifacts import FileRef, Output
from shared.job_kind import JobKind, PriceRule, Wire
from shared.work import (
    MANIFEST,
    REPORT,
    Claim,
    Failure,
    Final,
    OutputsRequest,
    ReportAnswer,
    WorkerFacts,
    WorkOrder,
)
from tests.support.jobs import HandClock, Stores

LIMIT_S = 100.0


class CopyInput(Wire):
    """A number, and perhaps a file."""

    n: int = 1
    source: FileRef | None = None


class CopyOutput(Wire):
    """The number."""

    n: int


COPY = JobKind(
    name="test.copy",
    version=1,
    description="Copies a number.",
    input=CopyInput,
    output=CopyOutput,
    outputs={"video": "video/mp4"},
    stages=("prepare", "render", "upload", "persist"),
    compute="gpu",
    price=PriceRule(lambda *_: LIMIT_S, lambda *_: 10.0, "flat"),
    deadline_s=3600,
)
FACTS = WorkerFacts(id="w1", gpu="Test GPU", cores=2, memory_mb=2048, version="1")
VIDEO = b"not really a video"
# A test asks faster than any tenant, and promises more than it puts.
ROOMY_LIMITS = {
    "requests_per_s": 1_000_000,
    "requests_burst": 1_000_000,
    "wrong_keys_per_minute": 1_000_000,
    "stored_bytes_per_tenant": 2**60,
}


def settings_of(folder: Path, **fields: Any) -> Settings:
    """Return settings of a development gateway whose addresses nobody calls."""
    given: dict[str, Any] = {
        "environment": "development",
        "database_path": folder / "cutroom.db",
        "public_base_url": "http://127.0.0.1:1",
        "token_secret": SecretStr("t" * 40),
        "store": StoreSettings(
            endpoint_url="http://127.0.0.1:2",
            bucket="cutroom",
            access_key_id="id",
            secret_access_key=SecretStr("s" * 40),
        ),
        "runpod": RunpodSettings(api_key=SecretStr("r" * 40), gpu_endpoint="gpu", gpu_slots=2),
    }
    limits = fields.get("limits", {})
    roomy = {**ROOMY_LIMITS, **limits} if isinstance(limits, dict) else limits
    return Settings(**{**given, **fields, "limits": roomy})


class World:
    """One gateway and what it speaks to."""

    def __init__(
        self,
        stores: Stores,
        folder: Path,
        offered: Mapping[str, JobKind[Any, Any]] | None = None,
        bucket: Callable[[MemoryUrlSigner], MemoryObjectStore] = MemoryObjectStore,
        **fields: Any,
    ) -> None:
        self.stores = stores
        self.clock = HandClock()
        self.keys = stores.keys
        self.signer = MemoryUrlSigner(secret=b"s", clock=self.clock)
        self.objects = bucket(self.signer)
        self.uploads = stores.uploads
        self.assets = stores.assets
        self.outgoing: Outgoing = MemoryOutgoing(names={"hooks.example.com": ["8.8.8.8"]})
        self._numbers = count(1)
        self._runpod = count(1)
        self.compute = MemoryCompute(lambda: f"r{next(self._runpod)}")
        self.settings = settings_of(folder, **fields)
        self.offered = offered
        self.gateway = self.boot()

    def boot(self, polls: PollServices | None = None) -> Gateway:
        """Build a gateway on what is stored, as a restart does."""
        offered = self.offered or {COPY.name: COPY}
        return build_gateway(self.settings, self.adapters(), offered=offered, polls=polls)

    def adapters(self) -> Ports:
        """Return what is stored, and all else a gateway stands on."""
        kept = {each.name: getattr(self.stores, each.name) for each in fields(Stores)}
        return Ports(
            **{**kept, "keys": self.keys},
            clock=self.clock,
            new_id=lambda: f"id{next(self._numbers)}",
            objects=self.objects,
            multiparts=self.objects,
            signer=self.signer,
            compute=self.compute,
            outgoing=self.outgoing,
            database_answers=self._answers,
            close=self._close,
        )

    async def _answers(self) -> None:
        return None

    async def _close(self) -> None:
        return None

    @property
    def cases(self):
        """The use cases of jobs, as the routes have them."""
        return self.gateway.app.state.job_use_cases

    async def submit(
        self, tenant: str = "default", key: str | None = None, **fields: Any
    ) -> str:
        asked = JobRequest(**{"kind": "test.copy", "input": {"n": 1}, **fields})
        bind = await self.cases.read_request.binding(asked, key)
        return (await self.cases.submit(tenant, asked, trace="trace", bind=bind)).job.id

    async def job(self, job_id: str) -> Job:
        job = await self.stores.jobs.get(job_id)
        assert job is not None
        return job

    async def events(self, job_id: str) -> list[str]:
        return [event.type for event in await self.stores.events.read(job_id, -1, 1000)]

    async def pass_time(self, seconds: float, *, step_s: float = 1.0) -> None:
        """Let time pass, a tick each step, as a server ticks."""
        while seconds > 0:
            self.clock.move(min(step_s, seconds))
            seconds -= step_s
            await self.gateway.tick()

    async def dispatched(self, **fields: Any) -> tuple[str, "Worker"]:
        """Submit a job and return it with the worker RunPod started for it."""
        job_id = await self.submit(**fields)
        await self.gateway.perform()
        return job_id, self.newest_worker()

    def newest_worker(self) -> "Worker":
        runpod_id, request = list(self.compute.submitted.items())[-1]
        return Worker(self, runpod_id, request)

    async def a_key(self, tenant: str = "default", *scopes: str) -> dict[str, str]:
        """Return the header of a new key; with all scopes unless some are named."""
        keys = self.gateway.app.state.api_keys
        text, _ = await keys.create(tenant, scopes or SCOPES)
        return {"Authorization": f"Bearer {text}"}

    async def an_asset(self, tenant: str = "default", content_type: str = "video/mp4") -> str:
        """Put an asset into the store and return its id."""
        number = next(self._numbers)
        upload = Upload(
            f"u{number}",
            tenant,
            f"{tenant}/uploads/u{number}.mp4",
            "clip.mp4",
            content_type,
            len(VIDEO),
            self.clock.now(),
            self.clock.now() + timedelta(hours=1),
        )
        asset = Asset(
            f"a{number}",
            tenant,
            upload.upload_id,
            upload.key,
            "clip.mp4",
            content_type,
            len(VIDEO),
            "etag",
            self.clock.now(),
        )
        await self.uploads.create(upload, upload.expires_at)
        await self.uploads.complete(asset)
        return asset.asset_id


@dataclass(slots=True)
class Worker:
    """What a worker of RunPod's would say, word by word."""

    world: World
    runpod_id: str
    request: SubmitRequest
    order: WorkOrder | None = None
    report_no: int = 0

    @property
    def job_id(self) -> str:
        return str(self.request.input["job_id"])

    async def claim(self, nonce: str | None = None) -> WorkOrder:
        asked = Claim(
            nonce=nonce or f"n-{self.runpod_id}", runpod_job_id=self.runpod_id, worker=FACTS
        )
        token = str(self.request.input["token"])
        self.order = await self.world.cases.claim(self.job_id, token, asked)
        return self.order

    async def report(self, type_: str, *, report_no: int | None = None, **said: Any):
        assert self.order is not None
        if report_no is None:
            self.report_no += 1
            report_no = self.report_no
        raw = {"type": type_, "fence": self.order.fence, "report_no": report_no, **said}
        report = REPORT.validate_python(raw)
        return await self.world.cases.record_report(self.job_id, self.order.token, report)

    async def put(self, *names: str, body: bytes = VIDEO) -> list[Output]:
        """Ask for URLs and put the bytes."""
        assert self.order is not None
        types = {MANIFEST: "application/json", "picture": "image/png", "font": "font/ttf"}
        items = [
            Output(
                name=name,
                content_type=types.get(name, "video/mp4"),
                size_bytes=len(body),
                sha256=hashlib.sha256(body).hexdigest(),
            )
            for name in names
        ]
        asked = OutputsRequest(fence=self.order.fence, items=items)
        puts = await self.world.cases.grant_outputs(self.job_id, self.order.token, asked)
        for put in puts.puts:
            assert self.world.objects.put(put.url, body, put.headers).status == 200
        return items

    def final(self, outputs: list[Output] | None = None, **said: Any) -> Final:
        assert self.order is not None
        self.report_no += 1
        given: dict[str, Any] = {
            "fence": self.order.fence,
            "report_no": self.report_no,
            "outcome": "succeeded",
            "result": {"n": 1},
            "outputs": outputs or [],
        }
        return Final(**{**given, **said})

    async def say(self, final: Final) -> ReportAnswer:
        assert self.order is not None
        return await self.world.cases.record_report(self.job_id, self.order.token, final)

    async def finish(self) -> ReportAnswer:
        """Make the output, leave the manifest, say the last word."""
        final = self.final(await self.put("video"))
        await self.put(MANIFEST, body=final.model_dump_json().encode())
        return await self.say(final)

    async def fail(self, code: str, message: str = "x") -> ReportAnswer:
        error = Failure(code=code, message=message, stage="render")
        return await self.say(self.final(outcome="failed", result=None, error=error))


@asynccontextmanager
async def a_world(open_stores: Any, folder: Path, **fields: Any) -> AsyncIterator[World]:
    """Open stores and a gateway on them."""
    async with open_stores(folder) as stores:
        world = World(stores, folder, **fields)
        await world.gateway.start()
        yield world


def calling(world: World, headers: dict[str, str]) -> httpx.AsyncClient:
    """Return a client that calls the app in this loop; nothing beats beside its requests."""
    transport = httpx.ASGITransport(world.gateway.app)
    return httpx.AsyncClient(transport=transport, base_url="http://gateway", headers=headers)
