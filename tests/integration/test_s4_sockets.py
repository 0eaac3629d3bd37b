"""S4-4 and S4-7: exports over sockets, each message the job object a poll would show."""

import asyncio
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace

import pytest
from typing_extensions import override

from gateway.ports.event_log import Event, EventLog
from tests.support.jobs import STORES
from tests.support.s4 import an_s4
from tests.support.world import COPY

MADE_FOR_ONE_READER = {"output_url", "websocket_url"}
BOTH = ["/ws/export/{}", "/api/jobs/{}/ws"]


@dataclass(slots=True)
class CountedLog(EventLog):
    """Counts how often it is read."""

    log: EventLog
    reads: int = 0

    @override
    async def read(self, job_id: str, after: int, limit: int) -> list[Event]:
        self.reads += 1
        return await self.log.read(job_id, after, limit)


@pytest.fixture
async def s4(tmp_path):
    async with an_s4("memory", tmp_path) as s4:
        yield s4


def key_of(s4):
    return {"Authorization": s4.http.headers["Authorization"]}


async def live_url(s4, job_id):
    return (await s4.shown(job_id))["websocket_url"]


@pytest.mark.parametrize("store", STORES)
@pytest.mark.parametrize("path", BOTH, ids=["S4-4", "S4-7"])
async def test_s4_4_s4_7_a_finished_job_is_one_message_and_1000(tmp_path, store, path):
    async with an_s4(store, tmp_path) as s4:
        job_id = await s4.started()
        await s4.finished(job_id)
        messages, code, _ = await s4.watched(path.format(job_id), **key_of(s4))
        polled = await s4.shown(job_id)
    expected = {name: polled[name] for name in polled.keys() - MADE_FOR_ONE_READER}
    assert (messages, code) == ([expected], 1000)


async def test_d112_the_returned_url_leads_to_this_service_and_needs_no_key(s4):
    await s4.project()
    await s4.clip()
    started = [await s4.overlay(), await s4.framing(), await s4.job()]
    for answer in started:
        await s4.finished(answer.json()["job_id"])
    seen = [await s4.watched(answer.json()["websocket_url"]) for answer in started]
    assert [(m[-1]["job_id"], code) for m, code, _ in seen] == [
        (answer.json()["job_id"], 1000) for answer in started
    ]


async def test_d116_every_answer_has_a_fresh_ticket_that_lasts_a_minute(s4):
    job_id = await s4.started()
    old = await live_url(s4, job_id)
    s4.world.clock.move(61)
    fresh = await live_url(s4, job_id)
    await s4.finished(job_id)
    assert await s4.watched(old) == ([], 4401, None)
    assert (await s4.watched(fresh))[1] == 1000


async def test_d113_a_cancelled_job_ends_its_socket_while_the_worker_is_held(s4):
    job_id = await s4.started()
    await s4.worker(job_id)
    watching = asyncio.create_task(s4.watched(await live_url(s4, job_id)))
    await s4.all_watching(job_id, 1)
    await s4.http.post(f"/api/jobs/{job_id}/cancel")
    messages, code, _ = await watching
    ended = [each for each in messages if each["status"] == "error"]
    assert ([each["error_code"] for each in ended], code) == (["cancelled"], 1000)
    assert messages[-1] == ended[-1]


async def test_d113_an_expired_job_ends_its_socket_with_one_last_message(s4):
    job_id = await s4.started()
    url = await live_url(s4, job_id)
    watching = asyncio.create_task(s4.watched(url))
    await s4.all_watching(job_id, 1)
    s4.world.clock.move(3601)
    await s4.world.gateway.tick()
    messages, code, _ = await watching
    assert (messages[-1]["status"], messages[-1]["error_code"]) == ("error", "expired")
    assert code == 1000


@pytest.mark.parametrize("path", BOTH, ids=["S4-4", "S4-7"])
async def test_d113_d116_what_may_not_be_watched_is_accepted_and_closed_in_silence(s4, path):
    job_id = await s4.started()
    good = key_of(s4)
    bad = {"Authorization": "Bearer ck_aaaaaaaa_bbbb"}
    stranger = await s4.world.a_key("other")
    blind = await s4.world.a_key("default", "jobs")
    ticket = (await live_url(s4, job_id)).partition("?")[2]
    elsewhere = await s4.started()
    watch = path.format(job_id)
    assert await s4.watched(watch) == ([], 4401, None)
    assert await s4.watched(watch, **bad) == ([], 4401, None)
    assert await s4.watched(watch, **blind) == ([], 4401, None)
    assert await s4.watched(f"{watch}?ticket=tj_forged") == ([], 4401, None)
    assert await s4.watched(f"{path.format(elsewhere)}?{ticket}") == ([], 4401, None)
    assert await s4.watched(watch, **stranger) == ([], 4404, None)
    assert await s4.watched(path.format("nobody"), **good) == ([], 4404, None)


async def test_d116_a_ticket_in_the_subprotocol_selects_cutroom_v1(s4):
    job_id = await s4.started()
    await s4.finished(job_id)
    ticket = (await live_url(s4, job_id)).partition("?ticket=")[2]
    offered = ["cutroom.v1", f"cutroom.ticket.{ticket}"]
    messages, code, chosen = await s4.watched(f"/ws/export/{job_id}", offered)
    forged = await s4.watched(f"/ws/export/{job_id}", ["cutroom.v1", "cutroom.ticket.tj_x"])
    assert (len(messages), code, chosen) == (1, 1000, "cutroom.v1")
    assert forged == ([], 4401, "cutroom.v1")


async def test_d115_a_stream_delivers_job_objects_only_and_never_goes_back(s4):
    job_id = await s4.started()
    watching = asyncio.create_task(s4.watched(await live_url(s4, job_id)))
    await s4.all_watching(job_id, 1)
    worker = await s4.worker(job_id)
    for n in range(1, 6):
        s4.world.clock.move(3)
        await worker.report("progress", stage="render", progress=n / 10)
    await worker.fail("input_unreadable")
    messages, code, _ = await watching
    polled = (await s4.shown(job_id)).keys() - MADE_FOR_ONE_READER
    progress = [each["progress"] for each in messages]
    assert {frozenset(each) for each in messages} == {frozenset(polled)}
    assert progress == sorted(progress)
    assert (messages[-1]["status"], messages[-1]["error_code"]) == ("error", "input_unreadable")
    assert code == 1000


async def test_d114_a_hundred_sockets_hear_the_last_word_of_few_reads(tmp_path):
    logs = []

    @asynccontextmanager
    async def counted(folder):
        async with STORES["memory"](folder) as stores:
            logs.append(CountedLog(stores.events))
            yield replace(stores, events=logs[0])

    async with an_s4(counted, tmp_path) as s4:
        job_id = await s4.started()
        worker = await s4.worker(job_id)
        url = await live_url(s4, job_id)
        before = logs[0].reads
        watching = [asyncio.create_task(s4.watched(url)) for _ in range(100)]
        await s4.all_watching(job_id, 100)
        surplus = await s4.watched(url)
        await worker.fail("input_unreadable")
        heard = await asyncio.gather(*watching)
    assert surplus == ([], 4429, None)
    assert {(messages[-1]["error_code"], code) for messages, code, _ in heard} == {
        ("input_unreadable", 1000)
    }
    assert logs[0].reads - before < 20


@pytest.mark.parametrize("path", BOTH, ids=["S4-4", "S4-7"])
async def test_a_job_of_another_kind_is_none_here(tmp_path, path):
    async with an_s4("memory", tmp_path, offered={COPY.name: COPY}) as s4:
        job_id = await s4.world.submit()
        watched = await s4.watched(path.format(job_id), **key_of(s4))
        answers = [
            await s4.http.get(f"/api/jobs/{job_id}"),
            await s4.http.post(f"/api/jobs/{job_id}/cancel"),
        ]
        job = await s4.world.job(job_id)
    assert watched == ([], 4404, None)
    assert [answer.status_code for answer in answers] == [404, 404]
    assert job.status == "queued"
