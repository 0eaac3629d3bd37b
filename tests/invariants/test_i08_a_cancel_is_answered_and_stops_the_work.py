"""I8: cancel is answered whoever is held up, and stops the work though RunPod's stop is lost.

Times are promises of the protocol (a heartbeat each 3 s, a second to unwind), so what is
held here is the order and what causes what; `make bench` has the seconds.
"""

import asyncio
import os
import sys
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
import pytest

from gateway.ports.compute import ComputeUnavailable
from gpu_worker.attempt import Patience
from gpu_worker.protocol.claims import ClaimWork
from gpu_worker.runner import Deliver
from gpu_worker.sandbox.children import Children, Grace
from gpu_worker.sandbox.zygote_process import clean_environment
from gpu_worker.transfers.scratch import hold_scratch
from gpu_worker.waiting.pace import Pace
from shared.work import HEARTBEAT_S
from tests.support.audit import rows_of
from tests.support.house import House, HttpWorker, a_house
from tests.support.serving import serving
from tests.support.worker_bench import ALLOWANCE, FACTS, is_gone
from tests.support.worker_kinds.sample.conduct import KIND
from tests.support.wrong_ports import InTheWay, Stale, with_jobs

STOPS_WITHIN_S = 8


class Held(InTheWay):
    """RunPod that answers nothing while it is held; `asked`: it was asked something."""

    def __init__(self, port: Any) -> None:
        super().__init__(port)
        self.asked, self.let_go = asyncio.Event(), asyncio.Event()
        self.let_go.set()

    async def cancel(self, endpoint: str, runpod_id: str) -> None:
        self.asked.set()
        await self.let_go.wait()
        await self._port.cancel(endpoint, runpod_id)


class Lost(InTheWay):
    """RunPod whose stops reach nobody; `fails`: it says so."""

    def __init__(self, port: Any, *, fails: bool) -> None:
        super().__init__(port)
        self._fails = fails

    async def cancel(self, *_: str) -> None:
        if self._fails:
            raise ComputeUnavailable("no answer", public="Not now.")


async def cancelled(house: House, worker: HttpWorker, at: int = 0) -> httpx.Response:
    return await house.http[at].post(f"/v1/jobs/{worker.job_id}/cancel")


async def test_i08_a_cancel_is_answered_and_heard_while_runpod_answers_nothing(tmp_path):
    async with a_house(tmp_path, compute=Held) as house:
        held: Any = house.compute
        worker = await house.dispatched()
        await worker.claim()
        held.let_go.clear()
        answer = await cancelled(house, worker)
        performing = asyncio.create_task(house.doors[0].gateway.perform())
        await held.asked.wait()
        heard = await worker.report("heartbeat", at=1)
        stopped = await worker.final(at=1, outcome="stopped", result=None)
        assert (answer.status_code, answer.json()["status"]) == (200, "cancelled")
        assert heard.json()["cancel"] is True
        assert stopped.status_code == 200
        assert not performing.done()
        held.let_go.set()
        await performing
        house.add_up()


WORDS: dict[str, dict[str, Any]] = {
    "heartbeat": {},
    "progress": {"stage": "render", "progress": 0.5},
    "checkpoint": {"data": {}},
    "warning": {"warning": {"code": "odd", "message": "x"}},
    "final": {"outcome": "stopped", "result": None},
}


@pytest.mark.parametrize("fails", [True, False], ids=["said", "silent"])
async def test_i08_when_the_stop_is_lost_the_workers_next_word_is_answered_with_it(
    tmp_path, fails
):
    async with a_house(tmp_path, compute=lambda port: Lost(port, fails=fails)) as house:
        worker = await house.dispatched()
        order = (await worker.claim()).json()
        await cancelled(house, worker)
        await house.pass_time(HEARTBEAT_S, step_s=1)
        answers = {
            word: (await worker.report(word, at=1, **more)).json()["cancel"]
            for word, more in WORDS.items()
        }
        assert answers == dict.fromkeys(WORDS, True)
        assert order["heartbeat_s"] == HEARTBEAT_S
        assert (await house.types(worker.job_id))[-1] == "cancelled"


def test_i08_a_heartbeat_a_child_that_unwinds_and_its_groups_end_fit_in_8_s():
    assert HEARTBEAT_S + Grace().unwind_s + Grace().gone_s < STOPS_WITHIN_S


async def test_i08_d25_a_job_whose_cancel_was_answered_never_succeeds(house):
    workers = [await house.dispatched() for _ in range(4)]
    for worker in workers:
        await worker.claim()
    outputs = [[await worker.put()] for worker in workers]
    said = await asyncio.gather(
        *(
            asyncio.gather(
                worker.final(n % 2, outputs=put), cancelled(house, worker, (n + 1) % 2)
            )
            for n, (worker, put) in enumerate(zip(workers, outputs, strict=True))
        )
    )
    for worker, (final, cancel) in zip(workers, said, strict=True):
        status = (await house.job(worker.job_id))["status"]
        agreed = {
            ("cancelled", True, 200),
            ("succeeded", False, 409),
        }
        assert (status, final.json()["cancel"], cancel.status_code) in agreed
    assert {(await cancelled(house, worker)).status_code for worker in workers} <= {200, 409}


async def test_i08_a_cancelled_attempts_files_are_published_never_and_gone_in_the_end(house):
    worker = await house.dispatched()
    await worker.claim()
    await worker.leave_manifest([await worker.put()])
    await cancelled(house, worker)
    job = await house.job(worker.job_id)
    await house.pass_time(400, step_s=50)
    assert (job["status"], job["outputs"]) == ("cancelled", [])
    assert await house.objects.list_keys("", None, 10) == []
    assert (await house.job(worker.job_id))["status"] == "cancelled"


async def test_i08_a_worker_that_claims_after_the_cancel_is_told_to_stop(house):
    worker = await house.dispatched()
    await cancelled(house, worker)
    assert (await worker.claim(at=1)).json() == {"stop": True}
    await house.doors[1].gateway.perform()
    assert [runpod_id for _, runpod_id in house.compute.cancel_calls] == [worker.runpod_id]


@pytest.fixture
def children() -> Iterator[Children]:
    made = Children(
        command=(
            sys.executable,
            "-m",
            "gpu_worker.sandbox.zygote",
            "tests.support.worker_kinds",
        ),
        environment=clean_environment(os.environ, numba_cache_dir=""),
        at_once=1,
        oom_kills=lambda: None,
        grace=Grace(unwind_s=0.2, gone_s=30),
    )
    made.start()
    yield made
    made.close()


async def until(path: Path) -> int:
    """Return the number that somebody leaves in a file."""
    async with asyncio.timeout(60):
        while not path.exists() or not path.read_text():  # noqa: ASYNC110, ASYNC240 - another process
            await asyncio.sleep(0.01)
    return int(path.read_text())  # noqa: ASYNC240


@pytest.mark.processes
async def test_i08_a_real_workers_child_ends_by_the_answer_to_a_report_alone(
    tmp_path, children
):
    """The whole way: a served gateway, a worker's own code, a child; RunPod says nothing."""
    house_of = a_house(
        tmp_path,
        gateways=1,
        compute=lambda port: Lost(port, fails=False),
        now=datetime.now(UTC),
        offered={KIND.name: KIND},
    )
    with hold_scratch(tmp_path / "scratch", "worker-1") as scratch:
        async with (
            house_of as house,
            serving(house.doors[0].gateway.app, lifespan="off") as url,
        ):
            job_input = {"conduct": "hangs", "mark": str(tmp_path)}
            worker = await house.dispatched(kind=KIND.name, input=job_input)
            claim_url = f"{url}/v1/work/{worker.job_id}/claim"
            event = {
                "id": worker.runpod_id,
                "input": {**worker.request.input, "claim_url": claim_url},
            }
            pace, patience = Pace(first_s=0.01, longest_s=0.02), Patience(stopped_s=30)
            deliver = Deliver(
                kinds={KIND.name: KIND},
                claim=ClaimWork(FACTS, lambda: "nonce-1", pace, 60),
                children=children,
                scratch=scratch,
                allowance=replace(ALLOWANCE, caches=(str(tmp_path),)),
                patience=patience,
                pace=pace,
                new_client=lambda: httpx.AsyncClient(trust_env=False),
            )
            delivery = asyncio.create_task(deliver(event))
            child = await until(tmp_path / "child")
            answer = await cancelled(house, worker)
            with suppress(asyncio.CancelledError):
                await delivery
            words = rows_of(house.reader, "SELECT last_word FROM attempts")
            house.add_up()
    assert answer.json()["status"] == "cancelled"
    assert is_gone(child)
    assert '"stopped"' in words[0][0]


async def test_i08_a_store_that_lets_a_success_follow_a_cancel_is_found_out(tmp_path):
    async with a_house(tmp_path, gateways=1, broken=with_jobs(Stale)) as house:
        await house.submit()
        worker = await house.dispatched()
        await worker.claim()
        outputs = [await worker.put()]
        await cancelled(house, worker)
        await worker.final(outputs=outputs)
        with pytest.raises(AssertionError, match="one last event"):
            house.add_up()
