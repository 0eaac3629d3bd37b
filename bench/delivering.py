"""What a worker adds to a job beside fetching, rendering and putting.

One job after another is delivered to the worker's own runner, with a warm zygote, by a real
gateway and the local object store. What the store's requests and the child's work took is
taken off the whole.
"""

import asyncio
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, ExitStack, asynccontextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit
from uuid import uuid4

import httpx
from starlette.types import ASGIApp, Receive, Scope, Send
from typing_extensions import override

from bench.clips import Film, textured
from bench.figures import Figure, Measurement
from bench.gateway_process import BUCKET, GatewayProcess, Secrets, environment, gateway
from bench.rendering import framing_order
from bench.runpod_stub import Delivery, runpod_stub
from bench.warm_worker import warm_children
from bench.workplace import Workplace
from client import Cutroom
from gpu_worker.attempt import Allowance, Patience
from gpu_worker.protocol.claims import ClaimWork
from gpu_worker.runner import Deliver
from gpu_worker.sandbox.child_messages import ChildTask, Done
from gpu_worker.sandbox.children import Children, Hear
from gpu_worker.transfers.scratch import Scratch
from gpu_worker.waiting.pace import Pace
from infra.local.object_store import build_store
from infra.local.stack.serving import serving
from shared.kinds import load_kinds
from shared.render.cropping import Size
from shared.work import WorkerFacts

FACTS = WorkerFacts(id="bench", cores=2, memory_mb=2048, version="bench")


class _TimedChildren(Children):
    """Children that keep what the work itself took, as each of them says."""

    work_s = 0.0

    @override
    async def run(self, task: ChildTask, hear: Hear) -> Done:
        done = await super().run(task, hear)
        self.work_s = done.usage.run_s
        return done


class _TimedStore:
    """The store, with the seconds it spent on giving and taking bytes."""

    def __init__(self, store: ASGIApp) -> None:
        self._store = store
        self.spent_s = 0.0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass it on; the gateway's own HEADs are no part of fetching or putting."""
        begun_at = time.perf_counter()
        await self._store(scope, receive, send)
        if scope["type"] == "http" and scope["method"] in {"GET", "PUT"}:
            self.spent_s += time.perf_counter() - begun_at


def delivering(place: Workplace) -> Mapping[str, float]:
    """The least of several deliveries."""
    film = Film(1280, 720, 30, 2)
    clip = textured(place.room("clip") / "clip.mp4", film)
    order = framing_order(film, Size(406, 720))
    return {"warm_overhead_s": asyncio.run(_least_overhead_s(place, clip, order))}


async def _least_overhead_s(place: Workplace, clip: Path, order: Mapping[str, Any]) -> float:
    known = Secrets.fresh()
    deliveries: asyncio.Queue[Delivery] = asyncio.Queue()
    async with AsyncExitStack() as opened:
        children = warm_children(place, _TimedChildren)
        opened.callback(children.close)
        store = _TimedStore(_store(place, known))
        store_url = await opened.enter_async_context(serving(store))
        runpod_url = await opened.enter_async_context(serving(runpod_stub(deliveries)))
        served = await opened.enter_async_context(
            _gateway(place, known, runpod_url=runpod_url, store_url=store_url)
        )
        deliver = _deliver(place, children)
        overheads_s = []
        for _ in range(place.effort.rounds + 2):
            await asyncio.to_thread(_submit, served, known, clip, order)
            delivery = dict(await deliveries.get())
            claim_path = urlsplit(delivery["input"]["claim_url"]).path
            delivery["input"] |= {"claim_url": f"{served.base_url}{claim_path}"}
            store.spent_s, begun_at = 0.0, time.perf_counter()
            answer = await deliver(delivery)
            took_s = time.perf_counter() - begun_at
            if answer.get("outcome") != "succeeded":
                raise RuntimeError(f"the delivery ended with {answer}")
            overheads_s.append(took_s - store.spent_s - children.work_s)
    return min(overheads_s)


def _store(place: Workplace, known: Secrets) -> ASGIApp:
    keys = {known.store_key_id: known.store_secret}
    return build_store(place.room("store"), keys=keys, buckets=[BUCKET])


@asynccontextmanager
async def _gateway(
    place: Workplace, known: Secrets, *, runpod_url: str, store_url: str
) -> AsyncIterator[GatewayProcess]:
    """A gateway, started and ended without holding up the loop that it needs."""
    database = place.room("db") / "bench.sqlite3"
    env = environment(known, database, runpod_url=runpod_url, store_url=store_url)
    with ExitStack() as stack:
        yield await asyncio.to_thread(
            lambda: stack.enter_context(gateway(place, "watched", env))
        )


def _deliver(place: Workplace, children: Children) -> Deliver:
    """The worker's runner, with the patience of a worker."""
    pace, patience = Pace(), Patience.on("gpu")
    return Deliver(
        kinds=load_kinds(),
        claim=ClaimWork(FACTS, lambda: uuid4().hex, pace, patience.claim_s),
        children=children,
        scratch=Scratch(place.room("scratch")),
        allowance=Allowance(
            cores=FACTS.cores, memory_bytes=None, file_bytes=2**32, open_files=256
        ),
        patience=patience,
        pace=pace,
        new_client=lambda: httpx.AsyncClient(timeout=10, trust_env=False),
    )


def _submit(
    served: GatewayProcess, known: Secrets, clip: Path, order: Mapping[str, Any]
) -> None:
    with Cutroom(served.base_url, known.api_key) as cutroom:
        asset = cutroom.upload(clip)
        cutroom.submit("export.framing", {"source": {"asset_id": asset.asset_id}, **order})


MEASUREMENTS = (Measurement((Figure("warm_overhead_s", "s", 0.3, judged=False),), delivering),)
