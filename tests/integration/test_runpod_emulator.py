"""The emulator with unmodified SDK workers under it, as processes."""

import asyncio
import os
import sys
import time
from collections.abc import AsyncIterator, Mapping
from pathlib import Path
from typing import Any
from uuid import uuid4

import psutil
import pytest
import pytest_asyncio

from gateway.adapters.runpod import RunPodCompute
from gateway.ports.compute import ComputeState, ComputeStatus, SubmitRequest
from infra.local.runpod.emulator import (
    Emulator,
    EmulatorConfig,
    EndpointConfig,
    Fault,
    FaultKind,
    build_emulator,
)
from infra.local.runpod.fleet import WorkerState, WorkerView
from infra.local.runpod.records import Job, Status
from tests.support.serving import serving

pytestmark = [pytest.mark.processes, pytest.mark.asyncio(loop_scope="module")]

KEY = "account-key"
HANDLER = Path(__file__).parents[1] / "support" / "sdk_handler.py"
PATIENCE_S = 60.0


class MovableClock:
    """Real seconds, and as many ahead as a test likes."""

    def __init__(self) -> None:
        self.ahead_s = 0.0

    def __call__(self) -> float:
        return time.monotonic() + self.ahead_s


class Bench:
    """One endpoint with one worker, and what its client would use."""

    def __init__(self, emulator: Emulator, base_url: str, clock: MovableClock) -> None:
        self.emulator = emulator
        self.clock = clock
        self.endpoint = emulator.endpoints["gpu"]
        self.queue = self.endpoint.queue
        self.compute = RunPodCompute(f"{base_url}/v2", KEY)

    async def submit(self, do: str, *, run_s: float = 600.0, **more: Any) -> Job:
        asked = SubmitRequest("gpu", {"do": do, **more}, run_s, 3600.0)
        return self.queue.jobs[await self.compute.submit(asked)]

    async def until(self, what: Any) -> Any:
        async with asyncio.timeout(PATIENCE_S):
            while not (found := what()):  # noqa: ASYNC110  a worker's file rings no bell here
                await asyncio.sleep(0.02)
        return found

    async def until_final(self, job: Job) -> Mapping[str, Any]:
        await self.until(lambda: job.is_final)
        return job.view()

    async def until_running(self, job: Job) -> str:
        await self.until(lambda: job.status is Status.IN_PROGRESS and self.runs_of(job))
        assert job.pod_id is not None
        return job.pod_id

    async def status(self, job: Job) -> ComputeStatus:
        return await self.compute.status("gpu", job.id)

    def runs_of(self, job: Job) -> int:
        """How often a handler began this job, in the workers there are or were."""
        logs = self.emulator.config.run_folder.glob("*/ran.txt")
        return sum(log.read_text().split().count(job.id) for log in logs)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def bench(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Bench]:
    endpoint = EndpointConfig(
        "gpu",
        idle_s=10_000.0,
        command=(sys.executable, "-u", str(HANDLER)),
    )
    config = EmulatorConfig(
        run_folder=tmp_path_factory.mktemp("runpod"),
        api_key=KEY,
        endpoints=(endpoint,),
        poll_hold_s=1.0,
        tick_s=0.05,
        ping_every_s=1,
        silent_pings=10_000.0,  # the tests move the clock by minutes
    )
    clock = MovableClock()
    emulator = build_emulator(config, clock, lambda: uuid4().hex)
    async with serving(emulator.app) as base_url:
        await emulator.start(base_url)
        bench = Bench(emulator, base_url, clock)
        try:
            yield bench
        finally:
            await bench.compute.aclose()
            await emulator.stop()


async def test_a_job_is_delivered_run_and_completed(bench: Bench) -> None:
    job = await bench.submit("say", text="hello")

    view = await bench.until_final(job)

    assert view["output"] == {"said": "hello", "pod": view["workerId"]}
    assert (await bench.status(job)).state is ComputeState.COMPLETED


async def test_an_error_of_the_handler_fails_the_job(bench: Bench) -> None:
    job = await bench.submit("fail", text="no such input")

    view = await bench.until_final(job)

    assert (view["status"], view["error"]) == ("FAILED", "internal: no such input")


async def test_a_job_cancelled_in_the_queue_is_never_run(bench: Bench) -> None:
    running = await bench.submit("wait", seconds=600)
    await bench.until_running(running)
    queued = await bench.submit("say")

    await bench.compute.cancel("gpu", queued.id)
    await bench.compute.cancel("gpu", running.id)
    after = await bench.submit("say")
    await bench.until_final(after)

    assert queued.status is Status.CANCELLED
    assert bench.runs_of(queued) == 0


async def test_a_job_cancelled_while_it_runs_frees_its_worker(bench: Bench) -> None:
    running = await bench.submit("wait", seconds=600)
    pod_id = await bench.until_running(running)

    await bench.compute.cancel("gpu", running.id)
    state = (await bench.status(running)).state
    after = await bench.submit("say")
    view = await bench.until_final(after)

    assert state is ComputeState.CANCELLED
    assert view["workerId"] == pod_id  # the same worker, 600 s before the first would end
    assert running.status is Status.CANCELLED


async def test_a_stop_that_is_lost_leaves_the_job_running(bench: Bench) -> None:
    bench.emulator.faults.add(Fault(FaultKind.LOSE_STOP))
    running = await bench.submit("wait", seconds=1.0)
    await bench.until_running(running)
    late = bench.queue.counts["late"]

    await bench.compute.cancel("gpu", running.id)
    await bench.until(lambda: bench.queue.counts["late"] == late + 1)

    assert running.status is Status.CANCELLED
    assert running.result == {}


async def test_a_duplicate_delivery_runs_twice_and_ends_once(bench: Bench) -> None:
    bench.emulator.faults.add(Fault(FaultKind.DUPLICATE, same_pod=True))
    late = bench.queue.counts["late"]

    job = await bench.submit("say", text="twice")
    await bench.until(lambda: bench.queue.counts["late"] == late + 1)

    assert bench.runs_of(job) == 2
    assert job.status is Status.COMPLETED


@pytest.mark.parametrize("effect", ["reset", "400", "429"])
async def test_a_result_lost_on_its_way_leaves_the_job_running(
    bench: Bench, effect: Any
) -> None:
    bench.emulator.faults.add(Fault(FaultKind.LOSE_DONE, effect=effect))
    lost = await bench.submit("say")
    after = await bench.submit("say")

    await bench.until_final(after)

    assert bench.runs_of(lost) == 1
    assert (await bench.status(lost)).state is ComputeState.RUNNING
    await bench.compute.cancel("gpu", lost.id)


async def test_a_result_answered_by_500_once_is_sent_again(bench: Bench) -> None:
    bench.emulator.faults.add(Fault(FaultKind.LOSE_DONE, effect="500"))
    job = await bench.submit("say")

    await bench.until_final(job)

    assert bench.runs_of(job) == 1
    assert job.status is Status.COMPLETED


async def test_a_worker_killed_in_mid_job_has_its_job_delivered_again(bench: Bench) -> None:
    bench.emulator.faults.add(Fault(FaultKind.KILL_WORKER, delay_s=0.5))
    job = await bench.submit("wait", seconds=1.5)
    first = await bench.until_running(job)
    leader = next(each.pid for each in bench.emulator.workers if each.pod_id == first)

    view = await bench.until_final(job)

    assert (view["status"], job.retried, bench.runs_of(job)) == ("COMPLETED", 1, 2)
    assert view["workerId"] != first
    assert _members(leader or 0) == []  # the heartbeat outlived its worker; not for long


async def test_a_job_over_its_time_is_timed_out_and_its_blocked_worker_killed(
    bench: Bench,
) -> None:
    job = await bench.submit("block", run_s=5.0, seconds=600)
    pod_id = await bench.until_running(job)

    bench.clock.ahead_s += 5.0
    await bench.until_final(job)
    bench.clock.ahead_s += bench.emulator.config.timeout_grace_s
    await bench.until(lambda: pod_id not in bench.queue.pods)

    assert (await bench.status(job)).state is ComputeState.TIMED_OUT
    assert job.retried == 0


async def test_stopping_leaves_no_process_not_even_the_heartbeat(tmp_path: Path) -> None:
    endpoint = EndpointConfig(
        "gpu", min_workers=1, command=(sys.executable, "-u", str(HANDLER))
    )
    config = EmulatorConfig(
        run_folder=tmp_path, api_key=KEY, endpoints=(endpoint,), ping_every_s=1
    )
    emulator = build_emulator(config, time.monotonic, lambda: uuid4().hex)
    async with serving(emulator.app) as base_url:
        await emulator.start(base_url)
        bench = Bench(emulator, base_url, MovableClock())
        await bench.until(
            lambda: [each for each in emulator.workers if each.state is WorkerState.READY]
        )
        worker = emulator.workers[0]
        assert worker.pid is not None
        before = _members(worker.pid)

        await emulator.stop()

    assert len(before) == 2  # the worker and its heartbeat
    assert _members(worker.pid) == []
    assert emulator.workers == []
    assert "Starting Serverless Worker" in _log(worker)


def _members(session: int) -> list[int]:
    """Return every live process of a session; who reaps orphans is the machine's affair."""
    return [each.pid for each in psutil.process_iter() if _is_in(each, session)]


def _is_in(process: psutil.Process, session: int) -> bool:
    try:
        alive = process.status() != psutil.STATUS_ZOMBIE
        return alive and os.getsid(process.pid) == session
    except (psutil.NoSuchProcess, ProcessLookupError):
        return False


def _log(worker: WorkerView) -> str:
    return Path(worker.log_path or "").read_text()
