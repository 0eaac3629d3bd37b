"""Events over real HTTP: by poll, SSE and WebSocket, the same lines in the same order."""

import asyncio
import json

import httpx
import pytest
from httpx_sse import aconnect_sse
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed

from tests.support.jobs import STORES
from tests.support.serving import serving
from tests.support.world import a_world


@pytest.fixture
async def world(tmp_path):
    async with a_world(STORES["memory"], tmp_path) as world:
        yield world


@pytest.fixture
async def http(world):
    async with serving(world.gateway.app) as base_url:
        headers = await world.a_key()
        async with httpx.AsyncClient(base_url=base_url, headers=headers) as client:
            yield client


async def polled(http, job_id, after=-1):
    events = []
    while True:
        page = (await http.get(f"/v1/jobs/{job_id}/events", params={"after": after})).json()
        if not page["events"]:
            return events
        events += page["events"]
        after = page["next_after"]


async def streamed(http, job_id, after=-1, **headers):
    url = f"/v1/jobs/{job_id}/events?after={after}"
    async with aconnect_sse(http, "GET", url, headers=headers) as source:
        return [
            (int(event.id), event.event, json.loads(event.data))
            async for event in source.aiter_sse()
        ]


async def socketed(http, job_id, after=-1, **headers):
    url = f"{http.base_url}".replace("http://", "ws://").rstrip("/")
    given = headers or {"Authorization": http.headers["Authorization"]}
    events = []
    async with connect(
        f"{url}/v1/jobs/{job_id}/live?after={after}", additional_headers=given
    ) as socket:
        try:
            while True:
                events.append(json.loads(await socket.recv()))
        except ConnectionClosed as closed:
            return events, closed.rcvd.code


async def a_finished_job(world):
    job_id, worker = await world.dispatched()
    await worker.claim()
    for n in range(1, 6):
        world.clock.move(3)
        await worker.report("progress", stage="render", progress=n / 10)
    await worker.finish()
    return job_id


async def test_poll_sse_and_websocket_give_the_same_lines_in_the_same_order(world, http):
    job_id = await a_finished_job(world)
    by_poll = await polled(http, job_id)
    by_sse = await streamed(http, job_id)
    by_socket, code = await socketed(http, job_id)
    assert [event["seq"] for event in by_poll] == list(range(len(by_poll)))
    assert [data for _, _, data in by_sse] == by_poll == by_socket
    assert all((seq, kind) == (data["seq"], data["type"]) for seq, kind, data in by_sse)
    assert code == 1000
    assert by_poll[-1]["type"] == "succeeded"


async def test_an_event_carries_the_whole_job_but_what_is_secret_or_joined(world, http):
    job_id = await a_finished_job(world)
    last = (await polled(http, job_id))[-1]["job"]
    assert last["status"] == "succeeded"
    assert last["outputs"][0]["key"].startswith("output/")
    assert not {"input", "cost", "links"} & last.keys()
    assert "url" not in last["outputs"][0]


async def test_d139_watchers_of_a_running_job_see_each_event_once_through_reconnects(
    world, http
):
    job_id, worker = await world.dispatched()
    await worker.claim()
    watching = [
        asyncio.create_task(streamed(http, job_id)),
        asyncio.create_task(socketed(http, job_id)),
    ]
    half = await polled(http, job_id)
    for n in range(1, 6):
        world.clock.move(3)
        await worker.report("progress", stage="render", progress=n / 10)
    await worker.finish()
    by_sse, (by_socket, _) = await asyncio.gather(*watching)
    rest = await polled(http, job_id, after=half[-1]["seq"])
    resumed = await streamed(http, job_id, **{"Last-Event-ID": str(half[-1]["seq"])})
    assert [data for _, _, data in by_sse] == by_socket == half + rest
    assert [data for _, _, data in resumed] == rest


async def test_last_event_id_wins_over_after(world, http):
    job_id = await a_finished_job(world)
    resumed = await streamed(http, job_id, after=-1, **{"Last-Event-ID": "3"})
    assert resumed[0][0] == 4


async def test_after_the_last_event_sse_is_204_a_poll_empty_and_a_socket_closes(world, http):
    job_id = await a_finished_job(world)
    last = (await polled(http, job_id))[-1]["seq"]
    url = f"/v1/jobs/{job_id}/events"
    accept = {"Accept": "text/event-stream"}
    sse = await http.get(url, params={"after": last}, headers=accept)
    poll = await http.get(url, params={"after": last, "wait_s": 20})
    events, code = await socketed(http, job_id, after=last)
    assert sse.status_code == 204
    assert poll.json() == {"events": [], "next_after": last}
    assert (events, code) == ([], 1000)


async def test_a_waiting_poll_is_answered_by_the_next_event(world, http):
    job_id, worker = await world.dispatched()
    url = f"/v1/jobs/{job_id}/events"
    waiting = asyncio.create_task(http.get(url, params={"after": 0, "wait_s": 25}))
    other = await http.get("/healthz")
    assert not waiting.done()
    await worker.claim()
    answer = (await waiting).json()
    assert other.status_code == 200
    assert [event["type"] for event in answer["events"]] == ["started"]


async def test_d113_a_cancelled_job_ends_its_sockets_while_the_worker_still_runs(world, http):
    job_id, worker = await world.dispatched()
    await worker.claim()
    watching = asyncio.create_task(socketed(http, job_id))
    await http.post(f"/v1/jobs/{job_id}/cancel")
    events, code = await watching
    assert (events[-1]["type"], code) == ("cancelled", 1000)


async def test_refused_sockets_are_accepted_and_closed_with_a_code(world, http):
    job_id, _ = await world.dispatched()
    stranger = await world.a_key("other")
    bad = {"Authorization": "Bearer ck_aaaaaaaa_bbbb"}
    assert await socketed(http, job_id, **bad) == ([], 4401)
    assert await socketed(http, job_id, **stranger) == ([], 4404)
    assert await socketed(http, "nobody") == ([], 4404)


async def test_a_surplus_watcher_is_refused_with_4429(tmp_path):
    limits = {"watchers_per_job": 1}
    async with (
        a_world(STORES["memory"], tmp_path, limits=limits) as world,
        serving(world.gateway.app) as base_url,
        httpx.AsyncClient(base_url=base_url, headers=await world.a_key()) as http,
    ):
        job_id, worker = await world.dispatched()
        await worker.claim()
        url = f"/v1/jobs/{job_id}/events"
        async with aconnect_sse(http, "GET", url) as source:
            watching = source.aiter_sse()  # held: dropped, it would stop watching
            first = await anext(watching)
            surplus = await socketed(http, job_id)
    assert first.event == "queued"
    assert surplus == ([], 4429)


async def test_a_frame_that_is_too_large_closes_the_socket_with_1009(world, http):
    job_id, _ = await world.dispatched()
    url = f"{http.base_url}".replace("http://", "ws://").rstrip("/")
    given = {"Authorization": http.headers["Authorization"]}
    async with connect(f"{url}/v1/jobs/{job_id}/live", additional_headers=given) as socket:
        await socket.send("x" * 100)
        await socket.send("x" * 2000)
        await socket.wait_closed()
    assert socket.close_code == 1009
