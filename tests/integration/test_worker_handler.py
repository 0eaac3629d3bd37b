"""`gpu_worker.handler` under the unmodified SDK: one job, then the end of the worker."""

import asyncio
import os
import signal
import sys
from collections import deque
from dataclasses import dataclass, field
from typing import Any

import psutil
import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from tests.support.fake_gateway import FakeGateway
from tests.support.serving import serving

pytestmark = pytest.mark.processes


@dataclass
class FakeRunpod:
    """Hands out the events it is given and keeps what comes back."""

    events: deque[dict[str, Any]] = field(default_factory=deque)
    done: dict[str, Any] = field(default_factory=dict)
    polled: asyncio.Event = field(default_factory=asyncio.Event)
    finished: asyncio.Event = field(default_factory=asyncio.Event)

    def routes(self) -> list[Route]:
        return [
            Route("/rp/job-take/{pod}", self._take),
            Route("/rp/job-stop/{pod}", self._stop),
            Route("/rp/job-done/{pod}/{job}", self._done, methods=["POST"]),
            Route("/rp/ping/{pod}", self._stop),
        ]

    async def _take(self, _request: Request) -> Response:
        self.polled.set()
        if self.events:
            return JSONResponse(self.events.popleft())
        await asyncio.sleep(
            0.1
        )  # RunPod holds a poll; an answer at once is asked again at once
        return Response(status_code=204)

    async def _stop(self, _request: Request) -> Response:
        return Response(status_code=204)

    async def _done(self, request: Request) -> Response:
        self.done = await request.json()
        self.finished.set()
        return Response()


@dataclass
class Worker:
    gateway: FakeGateway
    runpod: FakeRunpod
    process: asyncio.subprocess.Process


@pytest.fixture
async def worker(tmp_path):
    gateway, runpod = FakeGateway(), FakeRunpod()
    app = Starlette(routes=[*gateway.app().routes, *runpod.routes()])
    async with serving(app, date_header=False) as base_url:
        gateway.base_url = base_url
        gateway.order = {"kind": "sample.unknown"}
        runpod.events.append(gateway.event())
        environment = {
            "PATH": os.environ["PATH"],
            "HOME": str(tmp_path),
            # With the kernels that another test has compiled, or for the tests that follow.
            "NUMBA_CACHE_DIR": os.environ.get("NUMBA_CACHE_DIR", str(tmp_path / "kernels")),
            "TMPDIR": str(tmp_path),
            "CUTROOM_WORKER_SCRATCH": str(tmp_path / "scratch"),
            "RUNPOD_POD_ID": "pod-1",
            "RUNPOD_AI_API_KEY": "rpa_secret",
            "RUNPOD_WEBHOOK_GET_JOB": f"{base_url}/rp/job-take/$ID?gpu=Test+GPU",
            "RUNPOD_WEBHOOK_POST_OUTPUT": f"{base_url}/rp/job-done/$RUNPOD_POD_ID/$ID?gpu=x",
            "RUNPOD_WEBHOOK_PING": f"{base_url}/rp/ping/$RUNPOD_POD_ID",
            "RUNPOD_SKIP_AUTO_SYSTEM_CHECKS": "true",
            "RUNPOD_SKIP_GPU_CHECK": "true",
        }
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-u", "-m", "gpu_worker.handler"),
            env=environment,
            stdout=asyncio.subprocess.PIPE,
        )
        yield Worker(gateway, runpod, process)
        if process.returncode is None:
            process.kill()
            await process.wait()


async def test_d144_a_worker_does_its_job_and_ends_at_sigterm_without_a_trace(worker, tmp_path):
    async with asyncio.timeout(250):
        await worker.runpod.finished.wait()
    around = psutil.Process(worker.process.pid).children(recursive=True)
    said = worker.process.stdout

    worker.process.send_signal(signal.SIGTERM)
    log = (await said.read()).decode()
    status = await worker.process.wait()
    _, alive = await asyncio.to_thread(psutil.wait_procs, around, timeout=30)

    assert status == 0
    assert alive == []
    assert worker.runpod.done == {"error": "internal: Something went wrong on our side."}
    assert worker.gateway.final.outcome == "failed"
    (claim,) = worker.gateway.claims
    assert (claim.runpod_job_id, claim.worker.id, claim.worker.gpu) == (
        "runpod-1",
        "pod-1",
        "Test GPU",
    )
    assert [path.name for path in (tmp_path / "scratch").iterdir()] == [".sweeping"]
    assert "attempt-token" not in log
    assert "submission-token" not in log
    assert "DEBUG" not in log
