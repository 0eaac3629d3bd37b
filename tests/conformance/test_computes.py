"""One suite for every source of workers (D136): in memory, and RunPod's API over HTTP."""

import asyncio
import importlib
import itertools
import pkgutil
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Protocol

import httpx
import pytest

from gateway import adapters
from gateway.adapters.memory.compute import MemoryCompute
from gateway.adapters.runpod import RunPodCompute
from gateway.ports.compute import (
    Compute,
    ComputeHealth,
    ComputeState,
    ComputeUnavailable,
    SubmitRefused,
    SubmitRequest,
    SubmitUncertain,
)
from infra.local.runpod.emulator import (
    EmulatorConfig,
    EndpointConfig,
    Fault,
    FaultKind,
    build_emulator,
)

REQUEST = SubmitRequest(
    endpoint="gpu",
    input={"v": 1, "job_id": "j1", "submission": "1", "claim_url": "http://x", "token": "t"},
    execution_timeout_s=60.0,
    ttl_s=3600.0,
)
ENDED = (
    ComputeState.COMPLETED,
    ComputeState.FAILED,
    ComputeState.CANCELLED,
    ComputeState.TIMED_OUT,
)


class Rig(Protocol):
    """A source of workers, and the hand that moves what is behind it."""

    compute: Compute

    def refuse(self) -> None: ...
    def lose(self, retry_after_s: int) -> None: ...
    def accept_and_time_out(self) -> None: ...
    def go_down(self) -> None: ...
    def stop_answering(self) -> None: ...
    def answer_again(self) -> None: ...
    def put_in_state(self, runpod_id: str, state: ComputeState) -> None: ...
    def accepted(self) -> int: ...


class MemoryRig:
    """The in-memory compute and its knobs."""

    def __init__(self) -> None:
        self.compute = self.memory = MemoryCompute()

    def refuse(self) -> None:
        self.memory.refuse_submits()

    def lose(self, retry_after_s: int) -> None:
        self.memory.lose_submits(retry_after_s=retry_after_s)

    def accept_and_time_out(self) -> None:
        self.memory.accept_and_time_out()

    def go_down(self) -> None:
        self.memory.be_unavailable()

    def stop_answering(self) -> None:
        self.memory.be_unavailable()

    def answer_again(self) -> None:
        self.memory.be_unavailable(False)

    def put_in_state(self, runpod_id: str, state: ComputeState) -> None:
        self.memory.set_state(runpod_id, state)

    def accepted(self) -> int:
        return len(self.memory.submitted)


class Wire(httpx.AsyncBaseTransport):
    """The emulator's app at the other end, until the wire is cut or carries nothing."""

    def __init__(self, app: object) -> None:
        self.cut = False
        self.silent = False
        self._whole = httpx.ASGITransport(app=app)  # type: ignore[arg-type]  # any ASGI app

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        if self.cut:
            raise httpx.ConnectError("no route to host", request=request)
        if self.silent:
            await asyncio.Event().wait()  # only the caller's own time-out ends it
        return await self._whole.handle_async_request(request)


class RunPodRig:
    """RunPod's adapter before an emulator whose one pod is played by this rig."""

    def __init__(self, run_folder: Path) -> None:
        self.now_s = 1000.0
        ids = itertools.count(1)
        config = EmulatorConfig(
            run_folder, "key", (EndpointConfig("gpu"), EndpointConfig("cpu", gpu=None))
        )
        self.emulator = build_emulator(config, lambda: self.now_s, lambda: f"id-{next(ids)}")
        self.emulator.adopt_pod("gpu", "pod-1")
        self.queue = self.emulator.endpoints["gpu"].queue
        self.wire = Wire(self.emulator.app)
        self.compute = RunPodCompute(
            "http://runpod/v2", "key", timeout_s=0.2, transport=self.wire
        )

    def refuse(self) -> None:
        self.emulator.faults.add(Fault(FaultKind.REFUSE_RUN, effect="401"))

    def lose(self, retry_after_s: int) -> None:
        self.emulator.faults.add(
            Fault(FaultKind.REFUSE_RUN, effect="429", retry_after_s=retry_after_s)
        )

    def accept_and_time_out(self) -> None:
        self.emulator.faults.add(Fault(FaultKind.LOSE_RUN_ANSWER, effect="hang"))

    def go_down(self) -> None:
        self.wire.cut = True

    def stop_answering(self) -> None:
        self.wire.silent = True

    def answer_again(self) -> None:
        self.wire.silent = False

    def put_in_state(self, runpod_id: str, state: ComputeState) -> None:
        match state:
            case ComputeState.RUNNING:
                self._deliver()
            case ComputeState.COMPLETED:
                self._deliver()
                self.queue.done("pod-1", runpod_id, {"output": {}})
            case ComputeState.FAILED:
                self._deliver()
                self.queue.done("pod-1", runpod_id, {"error": "internal: no"})
            case ComputeState.CANCELLED:
                self.queue.cancel(self.queue.jobs[runpod_id])
            case ComputeState.TIMED_OUT:
                self._deliver()
                self.now_s += REQUEST.execution_timeout_s
                self.queue.sweep()
            case ComputeState.GONE:
                self.now_s += REQUEST.ttl_s
                self.queue.sweep()

    def accepted(self) -> int:
        return len(self.queue.jobs)

    def _deliver(self) -> None:
        delivery = self.queue.offer("pod-1", 1)
        assert delivery is not None
        self.queue.commit(delivery)


def is_compute(found: object, module: str) -> bool:
    calls = ("submit", "status", "cancel", "health")
    here = isinstance(found, type) and found.__module__ == module
    return here and all(hasattr(found, call) for call in calls)


def test_d136_no_source_of_workers_is_without_this_suite() -> None:
    names = [
        each.name for each in pkgutil.walk_packages(adapters.__path__, "gateway.adapters.")
    ]
    found = {
        thing
        for name in names
        for thing in vars(importlib.import_module(name)).values()
        if is_compute(thing, name)
    }
    assert found == {MemoryCompute, RunPodCompute}


@pytest.fixture(params=["memory", "runpod"])
async def rig(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Rig]:
    rig: Rig = MemoryRig() if request.param == "memory" else RunPodRig(tmp_path)
    yield rig
    await rig.compute.aclose()


async def test_a_submitted_job_waits(rig: Rig) -> None:
    runpod_id = await rig.compute.submit(REQUEST)

    status = await rig.compute.status("gpu", runpod_id)

    assert status.state is ComputeState.WAITING
    assert status.worker_id is None


async def test_the_same_submission_twice_is_two_jobs(rig: Rig) -> None:
    first, second = await rig.compute.submit(REQUEST), await rig.compute.submit(REQUEST)

    assert first != second
    assert rig.accepted() == 2


async def test_a_refused_submit_accepts_nothing(rig: Rig) -> None:
    rig.refuse()

    with pytest.raises(SubmitRefused):
        await rig.compute.submit(REQUEST)

    assert rig.accepted() == 0
    await rig.compute.submit(REQUEST)


async def test_a_limited_submit_is_uncertain_and_says_when_to_come_back(rig: Rig) -> None:
    rig.lose(retry_after_s=7)

    with pytest.raises(SubmitUncertain) as caught:
        await rig.compute.submit(REQUEST)

    assert caught.value.retry_after_s == 7


async def test_d106_a_submit_that_times_out_may_have_been_accepted(rig: Rig) -> None:
    rig.accept_and_time_out()

    with pytest.raises(SubmitUncertain) as caught:
        await rig.compute.submit(REQUEST)

    assert caught.value.retry_after_s is None
    assert rig.accepted() == 1


async def test_while_it_is_out_of_reach_nothing_is_learnt_or_told(rig: Rig) -> None:
    runpod_id = await rig.compute.submit(REQUEST)
    rig.go_down()

    with pytest.raises(SubmitUncertain):
        await rig.compute.submit(REQUEST)
    with pytest.raises(ComputeUnavailable):
        await rig.compute.status("gpu", runpod_id)
    with pytest.raises(ComputeUnavailable):
        await rig.compute.cancel("gpu", runpod_id)
    with pytest.raises(ComputeUnavailable):
        await rig.compute.health("gpu")

    assert rig.accepted() == 1


async def test_d136_a_call_without_an_answer_ends_in_time_and_changes_nothing(rig: Rig) -> None:
    runpod_id = await rig.compute.submit(REQUEST)
    rig.stop_answering()

    async with asyncio.timeout(10):
        with pytest.raises(SubmitUncertain):
            await rig.compute.submit(REQUEST)
        with pytest.raises(ComputeUnavailable):
            await rig.compute.status("gpu", runpod_id)
        with pytest.raises(ComputeUnavailable):
            await rig.compute.cancel("gpu", runpod_id)
        with pytest.raises(ComputeUnavailable):
            await rig.compute.health("gpu")

    rig.answer_again()
    assert (await rig.compute.status("gpu", runpod_id)).state is ComputeState.WAITING
    assert rig.accepted() == 1


@pytest.mark.parametrize("state", [ComputeState.RUNNING, *ENDED, ComputeState.GONE])
async def test_d136_each_state_is_told(rig: Rig, state: ComputeState) -> None:
    runpod_id = await rig.compute.submit(REQUEST)

    rig.put_in_state(runpod_id, state)

    assert (await rig.compute.status("gpu", runpod_id)).state is state


@pytest.mark.parametrize("state", [ComputeState.WAITING, ComputeState.RUNNING])
async def test_d136_cancel_ends_what_has_not_ended(rig: Rig, state: ComputeState) -> None:
    runpod_id = await rig.compute.submit(REQUEST)
    rig.put_in_state(runpod_id, state)

    await rig.compute.cancel("gpu", runpod_id)
    await rig.compute.cancel("gpu", runpod_id)

    assert (await rig.compute.status("gpu", runpod_id)).state is ComputeState.CANCELLED


@pytest.mark.parametrize("state", ENDED)
async def test_d136_cancel_leaves_an_end_as_it_is(rig: Rig, state: ComputeState) -> None:
    runpod_id = await rig.compute.submit(REQUEST)
    rig.put_in_state(runpod_id, state)

    await rig.compute.cancel("gpu", runpod_id)

    assert (await rig.compute.status("gpu", runpod_id)).state is state


async def test_a_job_nobody_knows_is_gone_and_its_cancel_is_fine(rig: Rig) -> None:
    await rig.compute.cancel("gpu", "never-was")

    assert (await rig.compute.status("gpu", "never-was")).state is ComputeState.GONE


async def test_a_job_of_another_endpoint_is_gone(rig: Rig) -> None:
    runpod_id = await rig.compute.submit(REQUEST)

    await rig.compute.cancel("cpu", runpod_id)

    assert (await rig.compute.status("cpu", runpod_id)).state is ComputeState.GONE
    assert (await rig.compute.status("gpu", runpod_id)).state is ComputeState.WAITING


async def test_health_counts_what_is_queued_and_running(rig: Rig) -> None:
    first = await rig.compute.submit(REQUEST)
    await rig.compute.submit(REQUEST)
    rig.put_in_state(first, ComputeState.RUNNING)

    health = await rig.compute.health("gpu")

    assert (health.jobs_queued, health.jobs_running) == (1, 1)
    assert isinstance(health, ComputeHealth)
