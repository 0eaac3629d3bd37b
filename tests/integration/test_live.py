"""Events over real HTTP: by poll, SSE and WebSocket, the same lines in the same order."""

import asyncio

import pytest

from tests.support.live import a_finished_job, heard, live
from tests.support.watchers import Cut, by_live, by_poll, by_product, by_sse


@pytest.fixture
async def served(tmp_path):
    async with live(tmp_path) as served:
        yield served


async def test_poll_sse_and_websocket_give_the_same_lines_in_the_same_order(served):
    job_id = await a_finished_job(served.world)
    by_page = await served.polled(job_id)
    by_stream = await served.streamed(job_id)
    by_socket, code = await served.socketed(job_id)
    assert [event["seq"] for event in by_page] == list(range(len(by_page)))
    assert [data for _, _, data in by_stream] == by_page == by_socket
    assert all((seq, kind) == (data["seq"], data["type"]) for seq, kind, data in by_stream)
    assert code == 1000
    assert by_page[-1]["type"] == "succeeded"


async def test_an_event_carries_the_whole_job_but_what_is_secret_or_joined(served):
    job_id = await a_finished_job(served.world)
    last = (await served.polled(job_id))[-1]["job"]
    assert last["status"] == "succeeded"
    assert last["outputs"][0]["key"].startswith("output/")
    assert not {"input", "cost", "links"} & last.keys()
    assert "url" not in last["outputs"][0]


# How many messages each gets before it is cut off: SSE, socket, sampled socket.
@pytest.mark.parametrize("cuts", [(1, 1, 2), (2, 3, 2), (5, 7, 3), (7, 2, 4)])
async def test_d139_watchers_hear_each_event_once_through_reconnects(served, cuts):
    job_id, worker = await served.world.dispatched()
    await worker.claim()
    base_url = str(served.http.base_url).rstrip("/")
    streams, sockets, samples = map(Cut, cuts)
    watching = [
        asyncio.create_task(by_poll(served.http, job_id, Cut(1))),
        asyncio.create_task(by_sse(served.http, job_id, streams)),
        asyncio.create_task(by_live(base_url, served.key, job_id, sockets)),
    ]
    sampling = asyncio.create_task(
        by_product(served.socket(f"/sampled/{job_id}").uri, served.key, samples)
    )
    for n in range(1, 31):
        served.world.clock.move(3)
        await worker.report("progress", stage="render", progress=n / 40)
        await served.http.get("/healthz")  # let the watchers take it in
    await worker.finish()
    heard_by = await asyncio.gather(*watching)
    sampled = [event["seq"] for event in await sampling]
    whole = await served.polled(job_id)
    assert heard_by == [whole, whole, whole]
    assert [event["seq"] for event in whole] == list(range(len(whole)))
    assert sampled == sorted(sampled)
    assert sampled[-1] == whole[-1]["seq"]
    assert streams.times > 0
    assert sockets.times > 0


async def test_d139_whoever_hears_an_event_reads_a_job_that_is_as_far(served):
    job_id, worker = await served.world.dispatched()
    await worker.claim()
    read = []
    async with served.socket(f"/v1/jobs/{job_id}/live?after=1") as socket:
        finishing = asyncio.create_task(worker.finish())
        async for _ in socket:
            read.append((await served.http.get(f"/v1/jobs/{job_id}")).json()["status"])
        await finishing
    assert read == ["succeeded"]


async def test_last_event_id_wins_over_after(served):
    job_id = await a_finished_job(served.world)
    resumed = await served.streamed(job_id, after=-1, **{"Last-Event-ID": "3"})
    assert resumed[0][0] == 4


@pytest.mark.parametrize("beyond", [0, 1, 1000])
async def test_at_or_past_the_end_sse_is_204_a_poll_empty_and_a_socket_closes(served, beyond):
    job_id = await a_finished_job(served.world)
    last = (await served.polled(job_id))[-1]["seq"] + beyond
    url = f"/v1/jobs/{job_id}/events"
    accept = {"Accept": "text/event-stream"}
    sse = await served.http.get(url, params={"after": last}, headers=accept)
    poll = await served.http.get(url, params={"after": last, "wait_s": 20})
    events, code = await served.socketed(job_id, after=last)
    assert sse.status_code == 204
    assert poll.json() == {"events": [], "next_after": last}
    assert (events, code) == ([], 1000)


async def test_of_a_pruned_history_every_watcher_gets_the_last_event_alone(served):
    job_id = await a_finished_job(served.world)
    whole = await served.polled(job_id)
    served.world.clock.move(25 * 3600)
    await served.world.gateway.tick()
    page = (await served.http.get(f"/v1/jobs/{job_id}/events")).json()
    last = whole[-1]
    assert page == {"events": [last], "next_after": last["seq"], "pruned": True}
    assert await served.streamed(job_id) == [(last["seq"], last["type"], last)]
    assert await served.socketed(job_id) == ([last], 1000)
    assert await heard(served.socket(f"/sampled/{job_id}")) == ([last], 1000)


async def test_d117_a_database_that_is_away_for_a_while_ends_no_stream(served):
    job_id, worker = await served.world.dispatched()
    await worker.claim()
    before = served.log.reads
    watching = [
        asyncio.create_task(served.streamed(job_id)),
        asyncio.create_task(served.socketed(job_id)),
        asyncio.create_task(heard(served.socket(f"/sampled/{job_id}"))),
    ]
    while served.watching(job_id) < 3 or served.log.reads == before:
        await served.http.get("/healthz")
    served.log.is_away, before = True, served.log.reads
    served.world.clock.move(3)
    await worker.report("progress", stage="render", progress=0.5)
    while served.log.reads == before:
        await served.http.get("/healthz")
    served.log.is_away = False
    await worker.finish()
    by_stream, (by_socket, code), (sampled, _) = await asyncio.gather(*watching)
    whole = await served.polled(job_id)
    assert [data for _, _, data in by_stream] == whole == by_socket
    assert code == 1000
    assert sampled[-1] == whole[-1]
