"""Requests that wait: long polls, `Prefer: wait`, streams that are refused or cut off."""

import asyncio
import socket
from urllib.parse import urlsplit

import pytest
from httpx_sse import aconnect_sse

from tests.support.live import a_finished_job, live, until

LARGER_THAN_BUFFERS = 16 * 2**20  # what the kernel takes on both sides, and more


@pytest.fixture
async def served(tmp_path):
    async with live(tmp_path) as served:
        yield served


@pytest.fixture
async def strict(tmp_path):
    """One seat for a job, half a second to read what was sent, a second to wait at most."""
    limits = {"watchers_per_job": 1, "wait_s_max": 1}
    async with live(tmp_path, limits=limits, timings={"slow_watcher_s": 0.5}) as strict:
        yield strict


async def test_a_waiting_poll_is_answered_by_the_next_event(served):
    job_id, worker = await served.world.dispatched()
    url = f"/v1/jobs/{job_id}/events"
    waiting = asyncio.create_task(served.http.get(url, params={"after": 0, "wait_s": 25}))
    await until(lambda: served.watching(job_id) == 1)
    await worker.claim()
    answer = await waiting
    assert [event["type"] for event in answer.json()["events"]] == ["started"]
    assert answer.headers["cache-control"] == "no-store"
    assert "preference-applied" not in answer.headers


async def test_a_poll_may_say_its_wait_as_a_preference(served):
    job_id, worker = await served.world.dispatched()
    asked = {"params": {"after": 0}, "headers": {"Prefer": "respond-async, wait=20"}}
    waiting = asyncio.create_task(served.http.get(f"/v1/jobs/{job_id}/events", **asked))
    await until(lambda: served.watching(job_id) == 1)
    await worker.claim()
    answer = await waiting
    assert [event["type"] for event in answer.json()["events"]] == ["started"]
    assert answer.headers["preference-applied"] == "wait=20"


async def test_a_job_is_read_at_its_end_where_that_is_preferred(served):
    job_id, worker = await served.world.dispatched()
    await worker.claim()
    prefer = {"Prefer": "wait=25"}
    waiting = asyncio.create_task(served.http.get(f"/v1/jobs/{job_id}", headers=prefer))
    await until(lambda: served.watching(job_id) == 1)
    await worker.finish()
    answer = await waiting
    assert answer.json()["status"] == "succeeded"
    assert answer.headers["preference-applied"] == "wait=25"
    assert served.watching(job_id) == 0


async def test_a_wait_is_no_longer_than_the_limit_and_says_so(strict):
    job_id, _ = await strict.world.dispatched()
    prefer = {"Prefer": "wait=20"}
    job = await strict.http.get(f"/v1/jobs/{job_id}", headers=prefer)
    page = await strict.http.get(f"/v1/jobs/{job_id}/events?after=0", headers=prefer)
    assert job.json()["status"] == "queued"
    assert page.json() == {"events": [], "next_after": 0}
    assert job.headers["preference-applied"] == page.headers["preference-applied"] == "wait=1"


async def test_an_ended_job_keeps_nobody_waiting(served):
    job_id = await a_finished_job(served.world)
    answer = await served.http.get(f"/v1/jobs/{job_id}", headers={"Prefer": "wait=25"})
    assert answer.json()["status"] == "succeeded"


async def test_without_a_preference_nothing_is_said_to_be_applied(served):
    job_id, _ = await served.world.dispatched()
    answer = await served.http.get(f"/v1/jobs/{job_id}", headers={"Prefer": "wait=soon"})
    assert answer.json()["status"] == "queued"
    assert "preference-applied" not in answer.headers


async def test_a_caller_who_stops_waiting_gives_the_seat_back(served):
    job_id, _ = await served.world.dispatched()
    url = f"/v1/jobs/{job_id}"
    before = len(asyncio.all_tasks())
    waiting = [
        asyncio.create_task(served.http.get(url, headers={"Prefer": "wait=25"})),
        asyncio.create_task(served.http.get(f"{url}/events?after=0&wait_s=25")),
    ]
    await until(lambda: served.watching(job_id) == 2)
    for each in waiting:
        each.cancel()
    await asyncio.gather(*waiting, return_exceptions=True)
    await until(lambda: served.watching(job_id) == 0)
    await until(lambda: len(asyncio.all_tasks()) <= before)


@pytest.mark.parametrize(
    "asked",
    [{"headers": {"Accept": "text/event-stream"}}, {"params": {"after": 1, "wait_s": 25}}],
)
async def test_a_surplus_stream_or_waiting_poll_is_a_problem_before_it_begins(strict, asked):
    job_id, worker = await strict.world.dispatched()
    await worker.claim()
    url = f"/v1/jobs/{job_id}/events"
    async with aconnect_sse(strict.http, "GET", url) as source:
        watching = source.aiter_sse()  # held: dropped, it would stop watching
        first = await anext(watching)
        refused = await strict.http.get(url, **asked)
        at_once = await strict.http.get(url)
        preferred = await strict.http.get(f"/v1/jobs/{job_id}", headers={"Prefer": "wait=1"})
        surplus = await strict.socketed(job_id)
    assert first.event == "queued"
    assert refused.status_code == 429
    assert refused.headers["content-type"] == "application/problem+json"
    assert refused.json()["code"] == "rate_limited"
    assert int(refused.headers["retry-after"]) > 0
    assert len(at_once.json()["events"]) == 2  # asks for no seat
    assert preferred.status_code == 200  # a preference, so it is just not granted
    assert "preference-applied" not in preferred.headers
    assert surplus == ([], 4429)


async def test_a_stream_gives_its_seat_back_when_its_reader_goes(strict):
    job_id, _ = await strict.world.dispatched()
    url = f"/v1/jobs/{job_id}/events"
    before = len(asyncio.all_tasks())
    for _ in range(3):
        async with aconnect_sse(strict.http, "GET", url) as source:
            watching = source.aiter_sse()
            assert (await anext(watching)).event == "queued"
        await until(lambda: strict.watching(job_id) == 0)
    await until(lambda: len(asyncio.all_tasks()) <= before)


async def test_a_stream_that_is_left_unread_breaks_off_and_is_taken_up_again(strict):
    job_id, worker = await strict.world.dispatched()
    await worker.claim()
    strict.log.padding = " " * LARGER_THAN_BUFFERS
    at = urlsplit(str(strict.http.base_url))
    head = f"GET /v1/jobs/{job_id}/events HTTP/1.1\r\nHost: {at.netloc}\r\n"
    accept = (
        f"Accept: text/event-stream\r\nAuthorization: {strict.key['Authorization']}\r\n\r\n"
    )
    with socket.create_connection((at.hostname, at.port)) as reader:
        reader.sendall((head + accept).encode())
        await until(lambda: strict.watching(job_id) == 1)
        strict.world.clock.move(3)
        await worker.report("progress", stage="render", progress=0.5)
        await until(lambda: strict.watching(job_id) == 0)
        got = await asyncio.to_thread(all_of, reader)
    strict.log.padding = ""
    await worker.finish()
    heard = [int(line[4:]) for line in got.splitlines() if line.startswith(b"id: ")]
    resumed = await strict.streamed(job_id, **{"Last-Event-ID": str(heard[-1])})
    whole = [event["seq"] for event in await strict.polled(job_id)]
    assert not got.endswith(b"0\r\n\r\n")  # the end that says there is no more
    assert heard + [seq for seq, _, _ in resumed] == whole


def all_of(reader):
    """Read until the other side is through."""
    return b"".join(iter(lambda: reader.recv(2**20), b""))
