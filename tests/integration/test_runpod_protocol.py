"""The emulator's routes: RunPod's API, the protocol of its workers, and its faults."""

import asyncio
import itertools
import json
from collections.abc import AsyncIterator, MutableMapping
from pathlib import Path
from typing import Any

import httpx
import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from infra.local.runpod.emulator import (
    Emulator,
    EmulatorConfig,
    EndpointConfig,
    Fault,
    FaultKind,
    build_emulator,
)
from infra.local.runpod.records import Status
from tests.support.serving import serving

HOLD_S = 0.1


class World:
    """An emulator with a client, and a pod that the test plays."""

    def __init__(self, run_folder: Path, hold_s: float = HOLD_S) -> None:
        self.now_s = 0.0
        ids = itertools.count(1)
        account = EmulatorConfig(
            run_folder, "key", (EndpointConfig("gpu"),), poll_hold_s=hold_s, control=True
        )
        self.emulator: Emulator = build_emulator(
            account, lambda: self.now_s, lambda: f"id{next(ids)}"
        )
        self.queue = self.emulator.endpoints["gpu"].queue
        self.pod = self.emulator.adopt_pod("gpu", "p1")
        transport = httpx.ASGITransport(app=self.emulator.app)
        self.client = httpx.AsyncClient(
            transport=transport,
            base_url="http://runpod/v2/gpu/",
            headers={"Authorization": "Bearer key"},
        )
        self.worker = httpx.AsyncClient(
            transport=transport,
            base_url="http://runpod/v2/gpu/",
            headers={"Authorization": self.emulator.worker_key},
        )

    async def run(self, **body: Any) -> str:
        answer = await self.client.post("run", json={"input": {}} | body)
        runpod_id = answer.json()["id"]
        assert isinstance(runpod_id, str)
        return runpod_id

    async def taken(self, pod_id: str = "p1") -> str:
        """Submit a job and take it; return its id."""
        await self.run()
        answer = await self.worker.get(f"job-take/{pod_id}?gpu=x&job_in_progress=0")
        return str(answer.json()["id"])

    async def done(self, runpod_id: str, content: Any) -> httpx.Response:
        return await self.worker.post(
            f"job-done/p1/{runpod_id}?gpu=x&isStream=false",
            content=content if isinstance(content, bytes) else json.dumps(content),
            headers={"Content-Type": "application/x-www-form-urlencoded"},
        )


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[World]:
    world = World(tmp_path)
    async with world.client, world.worker:
        yield world


async def test_a_job_goes_round(world: World) -> None:
    runpod_id = await world.run(input={"a": 1})
    taken = await world.worker.get("job-take/p1?gpu=x&job_in_progress=0")
    running = await world.client.get(f"status/{runpod_id}")
    posted = await world.done(runpod_id, {"output": {"b": 2}})
    ended = await world.client.get(f"status/{runpod_id}")

    assert runpod_id.endswith("-e1")
    assert taken.json() == {"id": runpod_id, "input": {"a": 1}}
    assert running.json()["status"] == "IN_PROGRESS"
    assert posted.status_code == 200
    assert (ended.json()["status"], ended.json()["output"]) == ("COMPLETED", {"b": 2})


@pytest.mark.parametrize("key", ["", "Bearer other", "key", "Bearer  key"])
async def test_a_client_without_the_key_is_401(world: World, key: str) -> None:
    answer = await world.client.post("run", json={"input": {}}, headers={"Authorization": key})

    assert answer.status_code == 401


async def test_a_worker_shows_its_bare_key(world: World) -> None:
    bearer = {"Authorization": f"Bearer {world.emulator.worker_key}"}

    answer = await world.worker.get("job-take/p1?x=1&job_in_progress=0", headers=bearer)

    assert answer.status_code == 401


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("POST", "http://runpod/v2/other/run"),
        ("GET", "http://runpod/v2/other/health"),
        ("GET", "status/nobody"),
        ("POST", "cancel/nobody"),
        ("POST", "retry/nobody"),
        ("GET", "stream/nobody"),
    ],
)
async def test_what_is_not_there_is_404(world: World, method: str, path: str) -> None:
    answer = await world.client.request(method, path)

    assert answer.status_code == 404


async def test_bad_bodies_are_400_and_too_large_ones_413(world: World) -> None:
    bad = await world.client.post("run", content=b"{")
    large = await world.client.post("run", content=b" " * 10_000_001)

    assert (bad.status_code, large.status_code) == (400, 413)
    assert world.queue.jobs == {}


async def test_a_route_called_too_often_is_429_until_the_window_has_passed(
    world: World,
) -> None:
    answers = [(await world.client.post("purge-queue")).status_code for _ in range(3)]
    world.now_s = 10.0
    later = await world.client.post("purge-queue")

    assert answers == [200, 200, 429]
    assert later.json() == {"removed": 0, "status": "completed"}


async def test_runsync_waits_for_the_end_and_no_longer_than_told(world: World) -> None:
    asked = asyncio.create_task(world.client.post("runsync?wait=5000", json={"input": {}}))
    taken = await world.worker.get("job-take/p1?x=1&job_in_progress=0")
    await world.done(taken.json()["id"], {"output": 7})
    ended = (await asked).json()
    short = await world.client.post("runsync?wait=999", json={"input": {}})

    assert ended["id"].startswith("sync-")
    assert (ended["status"], ended["output"]) == ("COMPLETED", 7)
    assert short.status_code == 400


async def test_health_counts(world: World) -> None:
    ended = await world.taken()
    await world.done(ended, {"error": "internal: no"})
    await world.taken()
    await world.run()

    health = (await world.client.get("health")).json()

    assert health == {
        "jobs": {"completed": 0, "failed": 1, "inProgress": 1, "inQueue": 1, "retried": 0},
        "workers": {"idle": 0, "running": 1},
    }


async def test_a_failed_job_can_be_retried_under_its_id(world: World) -> None:
    runpod_id = await world.taken()
    early = await world.client.post(f"retry/{runpod_id}")
    await world.done(runpod_id, {"error": "internal: no"})

    again = await world.client.post(f"retry/{runpod_id}")

    assert early.status_code == 400
    assert again.json() == {"id": runpod_id, "status": "IN_QUEUE"}


async def test_a_stream_gives_each_chunk_once(world: World) -> None:
    runpod_id = await world.taken()
    await world.worker.post(f"job-stream/p1/{runpod_id}?x=1&isStream=false", json={"output": 1})

    first = await world.client.get(f"stream/{runpod_id}")
    second = await world.client.get(f"stream/{runpod_id}")

    assert first.json() == {"status": "IN_PROGRESS", "stream": [{"output": 1}]}
    assert second.json()["stream"] == []


async def test_a_take_is_held_and_then_204(world: World) -> None:
    answer = await world.worker.get("job-take/p1?x=1&job_in_progress=0")

    assert answer.status_code == 204


async def test_a_stray_pod_is_held_too_and_given_nothing(world: World) -> None:
    await world.run()

    answer = await world.worker.get("job-take/stray?x=1&job_in_progress=0")

    assert answer.status_code == 204


async def test_a_batch_take_gets_no_more_than_it_asks(world: World) -> None:
    ids = [await world.run() for _ in range(3)]

    answer = await world.worker.get("job-take-batch/p1?x=1&batch_size=2&job_in_progress=0")

    assert [job["id"] for job in answer.json()] == ids[:2]


async def test_a_newer_take_of_a_pod_replaces_its_older_one(tmp_path: Path) -> None:
    world = World(tmp_path, hold_s=600.0)
    take = "job-take/p1?x=1&job_in_progress=0"
    async with asyncio.timeout(30), world.client, world.worker:
        older = asyncio.create_task(world.worker.get(take))
        while world.pod.poll is None:  # noqa: ASYNC110  nothing tells that a poll is held
            await asyncio.sleep(0)
        newer = asyncio.create_task(world.worker.get(take))
        replaced = await older
        runpod_id = await world.run()
        delivered = await newer

    assert replaced.status_code == 204
    assert delivered.json()["id"] == runpod_id


async def test_a_job_that_could_not_be_written_is_queued_again(world: World) -> None:
    runpod_id = await world.run()

    async def break_off(message: MutableMapping[str, Any]) -> None:
        if message["type"] == "http.response.body":
            raise OSError("the connection is gone")

    await _take(world, connected=True, send=break_off)

    assert world.queue.jobs[runpod_id].status is Status.IN_QUEUE
    assert world.queue.counts["undelivered"] == 1
    assert (await world.worker.get("job-take/p1?x=1&job_in_progress=0")).status_code == 200


async def test_a_caller_that_has_hung_up_gets_no_job(world: World) -> None:
    runpod_id = await world.run()
    sent: list[Any] = []

    async def keep(message: MutableMapping[str, Any]) -> None:
        sent.append(message)

    await _take(world, connected=False, send=keep)

    assert sent == []
    assert world.queue.jobs[runpod_id].status is Status.IN_QUEUE


async def _take(world: World, *, connected: bool, send: Any) -> None:
    """Call the app as a server would, with a caller that stays or has hung up."""
    for_ever: asyncio.Future[Any] = asyncio.get_running_loop().create_future()

    async def receive() -> Any:
        if connected:
            await for_ever
        return {"type": "http.disconnect"}

    scope = {
        "type": "http",
        "asgi": {"version": "3.0"},
        "http_version": "1.1",
        "method": "GET",
        "scheme": "http",
        "path": "/v2/gpu/job-take/p1",
        "raw_path": b"/v2/gpu/job-take/p1",
        "root_path": "",
        "query_string": b"x=1&job_in_progress=0",
        "headers": [(b"authorization", world.emulator.worker_key.encode())],
        "client": ("127.0.0.1", 1),
        "server": ("runpod", 80),
    }
    await world.emulator.app(scope, receive, send)


async def test_a_stop_is_told_once_to_the_pod_that_runs_the_job(world: World) -> None:
    runpod_id = await world.taken()
    polling = asyncio.create_task(world.worker.get("job-stop/p1?x=1"))
    cancelled = await world.client.post(f"cancel/{runpod_id}")

    told = await polling
    again = await world.worker.get("job-stop/p1?x=1")

    assert cancelled.json() == {"id": runpod_id, "status": "CANCELLED"}
    assert told.json() == {"jobsToStop": [runpod_id]}
    assert again.status_code == 204


async def test_a_result_that_is_no_json_is_400_and_ends_nothing(world: World) -> None:
    runpod_id = await world.taken()

    answer = await world.done(runpod_id, b'{"output": NaN}')

    assert answer.status_code == 400
    assert world.queue.jobs[runpod_id].status is Status.IN_PROGRESS


async def test_a_late_result_is_200_and_dropped(world: World) -> None:
    runpod_id = await world.taken()
    await world.client.post(f"cancel/{runpod_id}")

    answer = await world.done(runpod_id, {"output": 1})

    assert answer.status_code == 200
    assert (await world.client.get(f"status/{runpod_id}")).json()["status"] == "CANCELLED"
    assert world.queue.counts["late"] == 1


async def test_a_status_can_be_wrong_stale_or_forgotten(world: World) -> None:
    runpod_id = await world.taken()
    for fault in (
        Fault(FaultKind.BAD_STATUS, effect="502"),
        Fault(FaultKind.BAD_STATUS, effect="stale"),
    ):
        world.emulator.faults.add(fault)

    wrong = await world.client.get(f"status/{runpod_id}")
    stale = await world.client.get(f"status/{runpod_id}")
    true = await world.client.get(f"status/{runpod_id}")
    world.emulator.faults.add(Fault(FaultKind.FORGET))
    forgotten = [await world.client.get(f"status/{runpod_id}") for _ in range(2)]

    assert wrong.status_code == 502
    assert stale.json()["status"] == "IN_QUEUE"
    assert true.json()["status"] == "IN_PROGRESS"
    assert [answer.status_code for answer in forgotten] == [404, 404]


async def test_a_cancel_can_go_unheard(world: World) -> None:
    world.emulator.faults.add(Fault(FaultKind.BAD_CANCEL, effect="500"))
    runpod_id = await world.run()

    answer = await world.client.post(f"cancel/{runpod_id}")

    assert answer.status_code == 500
    assert world.queue.jobs[runpod_id].status is Status.IN_QUEUE


async def test_a_broken_connection_accepts_or_not_as_told(world: World) -> None:
    async with serving(world.emulator.app) as base_url, httpx.AsyncClient() as client:
        for kind in (FaultKind.REFUSE_RUN, FaultKind.LOSE_RUN_ANSWER):
            world.emulator.faults.add(Fault(kind, effect="reset"))
            before = len(world.queue.jobs)
            with pytest.raises(httpx.RemoteProtocolError):
                await client.post(
                    f"{base_url}/v2/gpu/run",
                    json={"input": {}},
                    headers={"Authorization": "Bearer key"},
                )
            accepted = len(world.queue.jobs) - before
            assert accepted == (kind is FaultKind.LOSE_RUN_ANSWER)


async def test_a_webhook_tells_the_record_and_may_be_missing_or_doubled(world: World) -> None:
    heard: list[Any] = []
    all_heard = asyncio.Event()

    async def hear(request: Request) -> Response:
        heard.append(await request.json())
        if len(heard) == 3:
            all_heard.set()
        return Response()

    listener = Starlette(routes=[Route("/hook", hear, methods=["POST"])])
    async with serving(listener) as base_url:
        plain, missing, doubled = [
            await world.run(webhook=f"{base_url}/hook") for _ in range(3)
        ]
        world.emulator.faults.add(Fault(FaultKind.LOSE_WEBHOOK, job_id=missing))
        world.emulator.faults.add(Fault(FaultKind.DOUBLE_WEBHOOK, job_id=doubled))
        for runpod_id in (plain, missing, doubled):
            await world.client.post(f"cancel/{runpod_id}")
        world.emulator.sweep()
        async with asyncio.timeout(10):
            await all_heard.wait()
        await world.emulator.stop()

    assert sorted(record["id"] for record in heard) == sorted([plain, doubled, doubled])
    assert {record["status"] for record in heard} == {"CANCELLED"}


async def test_faults_can_be_planned_from_another_process(world: World) -> None:
    root = "http://runpod"
    added = await world.client.post(
        f"{root}/_faults", json={"kind": "refuse_run", "effect": "503", "count": 2}
    )
    refused = await world.client.post("run", json={"input": {}})
    read = await world.client.get(f"{root}/_faults")
    await world.client.delete(f"{root}/_faults")
    accepted = await world.client.post("run", json={"input": {}})
    odd = await world.client.post(f"{root}/_faults", json={"kind": "no such"})

    assert (added.status_code, refused.status_code, accepted.status_code) == (204, 503, 200)
    assert read.json()["fired"] == {"refuse_run": 1}
    assert odd.status_code == 400


async def test_control_is_for_loopback_and_only_where_it_was_asked_for(
    world: World, tmp_path: Path
) -> None:
    far = httpx.ASGITransport(app=world.emulator.app, client=("10.0.0.9", 1))
    closed = build_emulator(
        EmulatorConfig(tmp_path, "key", (EndpointConfig("gpu"),)), lambda: 0.0, lambda: "id"
    )
    near = httpx.ASGITransport(app=closed.app)

    async with httpx.AsyncClient(transport=far, base_url="http://runpod") as client:
        from_afar = await client.get("/_workers")
    async with httpx.AsyncClient(transport=near, base_url="http://runpod") as client:
        not_served = await client.get("/_workers")

    assert (from_afar.status_code, not_served.status_code) == (403, 404)
