"""Sockets on a job: who is let in, who is shown out, and that nothing stays behind."""

import asyncio
import logging

import pytest

from gateway.services.feeds import PAGE
from tests.support.live import a_finished_job, heard, live, rest_of, until

PATHS = ["/v1/jobs/{}/live", "/sampled/{}"]
LARGER_THAN_BUFFERS = 16 * 2**20  # what the kernel takes on both sides, and more


@pytest.fixture
async def served(tmp_path):
    async with live(tmp_path) as served:
        yield served


@pytest.fixture
async def strict(tmp_path):
    """One seat for a job, two for a tenant, half a second to read what was sent."""
    limits = {"watchers_per_job": 1, "watchers_per_tenant": 2}
    async with live(tmp_path, limits=limits, timings={"slow_watcher_s": 0.5}) as strict:
        yield strict


@pytest.mark.parametrize("path", PATHS)
async def test_d116_who_may_not_watch_is_let_in_and_shown_out_without_a_message(served, path):
    job_id, _ = await served.world.dispatched()
    other_id, _ = await served.world.dispatched()
    ticket = await served.ticket(other_id)
    stranger = await served.world.a_key("other")
    path, unknown = path.format(job_id), path.format("nobody")
    refused = {
        "nothing": await heard(served.socket(path, additional_headers={})),
        "a wrong key": await heard(
            served.socket(path, additional_headers={"Authorization": "Bearer ck_aaaaaaaa_bbbb"})
        ),
        "another job's ticket": await heard(
            served.socket(f"{path}?ticket={ticket}", additional_headers={})
        ),
        "another tenant": await heard(served.socket(path, additional_headers=stranger)),
        "an unknown job": await heard(served.socket(unknown)),
    }
    assert refused == {
        "nothing": ([], 4401),
        "a wrong key": ([], 4401),
        "another job's ticket": ([], 4401),
        "another tenant": ([], 4404),
        "an unknown job": ([], 4404),
    }


async def test_a_position_that_is_none_is_let_in_and_shown_out(served):
    job_id = await a_finished_job(served.world)
    assert await heard(served.socket(f"/v1/jobs/{job_id}/live?after=-2")) == ([], 1008)
    assert await heard(served.socket(f"/v1/jobs/{job_id}/live?after=last")) == ([], 1008)


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize("offered", [["cutroom.v1"], ["else", "cutroom.v1"]])
async def test_the_subprotocol_is_selected_where_it_was_offered(served, path, offered):
    job_id, _ = await served.world.dispatched()
    async with served.socket(path.format(job_id), subprotocols=offered) as socket:
        assert socket.subprotocol == "cutroom.v1"


async def test_the_subprotocol_is_selected_for_those_shown_out_too(served):
    connecting = served.socket(
        "/v1/jobs/nobody/live",
        additional_headers={},
        subprotocols=["cutroom.v1", "cutroom.ticket.tj_forged"],
    )
    async with connecting as socket:
        assert socket.subprotocol == "cutroom.v1"
        assert await rest_of(socket) == ([], 4401)


async def test_no_subprotocol_is_selected_where_ours_was_not_offered(served):
    job_id, _ = await served.world.dispatched()
    async with served.socket(f"/v1/jobs/{job_id}/live", subprotocols=["else"]) as socket:
        assert socket.subprotocol is None


@pytest.mark.parametrize("path", PATHS)
async def test_d113_a_cancelled_job_ends_its_sockets_while_its_worker_is_held(served, path):
    job_id, worker = await served.world.dispatched()
    await worker.claim()
    watching = asyncio.create_task(heard(served.socket(path.format(job_id))))
    await until(lambda: served.watching(job_id) == 1)
    await served.http.post(f"/v1/jobs/{job_id}/cancel")
    messages, code = await watching
    assert [each["type"] for each in messages].count("cancelled") == 1
    assert (messages[-1]["type"], code) == ("cancelled", 1000)


async def test_d115_with_keys_a_stream_delivers_nothing_but_events_of_the_job(served):
    job_id = await a_finished_job(served.world)
    by_stream = await served.streamed(job_id)
    by_socket, _ = await served.socketed(job_id)
    assert all(data["job"]["id"] == job_id for _, _, data in by_stream)
    assert all(data["job"]["id"] == job_id for data in by_socket)


async def test_a_sampled_socket_of_an_ended_job_says_how_it_ended(served):
    job_id = await a_finished_job(served.world)
    messages, code = await heard(served.socket(f"/sampled/{job_id}"))
    assert [each["type"] for each in messages] == ["succeeded"]
    assert code == 1000


async def test_a_sampled_socket_does_not_go_through_a_long_history(served):
    job_id, worker = await served.world.dispatched()
    await worker.claim()
    for n in range(PAGE + 10):
        await worker.report("warning", warning={"code": "slow", "message": f"Late by {n}."})
    await worker.finish()
    messages, _ = await heard(served.socket(f"/sampled/{job_id}"))
    assert messages == (await served.polled(job_id))[-1:]
    assert messages[0]["seq"] > PAGE


async def test_a_sampled_socket_begins_with_how_the_job_stands_now(served):
    job_id, worker = await served.world.dispatched()
    await worker.claim()
    served.world.clock.move(3)
    await worker.report("progress", stage="render", progress=0.5)
    async with served.socket(f"/sampled/{job_id}") as socket:
        watching = asyncio.create_task(rest_of(socket))
        await until(lambda: served.watching(job_id) == 1)
        await worker.finish()
        messages, _ = await watching
    assert messages[0]["job"]["progress"] == 0.5
    assert messages[-1]["type"] == "succeeded"


async def test_client_frames_are_ignored_but_for_large_ones(served):
    job_id, _ = await served.world.dispatched()
    async with served.socket(f"/v1/jobs/{job_id}/live?after=1000") as socket:
        await socket.send("é" * 512)
        await socket.send(b"x" * 1024)
        await socket.send("é" * 512 + "x")
        assert await rest_of(socket) == ([], 1009)


async def test_d114_a_hundred_sockets_hear_the_last_word_and_one_more_is_refused(served):
    job_id, worker = await served.world.dispatched()
    await worker.claim()
    watching = [
        asyncio.create_task(heard(served.socket(f"/sampled/{job_id}"))) for _ in range(100)
    ]
    await until(lambda: served.watching(job_id) == 100)
    surplus = await heard(served.socket(f"/sampled/{job_id}"))
    for n in range(1, 6):
        served.world.clock.move(3)
        await worker.report("progress", stage="render", progress=n / 10)
    await worker.finish()
    endings = [
        (messages[-1]["type"], code) for messages, code in await asyncio.gather(*watching)
    ]
    assert endings == [("succeeded", 1000)] * 100
    assert surplus == ([], 4429)
    assert served.log.reads < 50


async def test_a_tenant_has_so_many_seats_over_all_jobs(strict):
    jobs = [(await strict.world.dispatched())[0] for _ in range(3)]
    async with strict.socket(f"/sampled/{jobs[0]}"), strict.socket(f"/sampled/{jobs[1]}"):
        await until(lambda: strict.watching(jobs[0]) + strict.watching(jobs[1]) == 2)
        assert await heard(strict.socket(f"/sampled/{jobs[2]}")) == ([], 4429)


@pytest.mark.parametrize("path", PATHS)
async def test_d117_a_client_that_vanishes_leaves_nothing_behind(served, path, caplog):
    job_id, worker = await served.world.dispatched()
    await worker.claim()
    caplog.set_level(logging.WARNING)
    before = len(asyncio.all_tasks())
    sockets = [await served.socket(path.format(job_id)) for _ in range(5)]
    await until(lambda: served.watching(job_id) == 5)
    for n, socket in enumerate(sockets, start=1):
        served.world.clock.move(3)
        reporting = asyncio.create_task(
            worker.report("progress", stage="render", progress=n / 10)
        )
        socket.transport.abort()
        await reporting
    await until(lambda: served.watching(job_id) == 0)
    await until(lambda: len(asyncio.all_tasks()) <= before)
    assert caplog.records == []


@pytest.mark.parametrize("path", PATHS)
async def test_d117_clients_that_vanish_while_nothing_happens_leave_nothing_behind(
    served, path, caplog
):
    job_id, _ = await served.world.dispatched()
    caplog.set_level(logging.WARNING)
    before = len(asyncio.all_tasks())
    sockets = [await served.socket(path.format(job_id)) for _ in range(5)]
    await until(lambda: served.watching(job_id) == 5)
    for socket in sockets:
        socket.transport.abort()
    await until(lambda: served.watching(job_id) == 0)
    await until(lambda: len(asyncio.all_tasks()) <= before)
    assert caplog.records == []


@pytest.mark.parametrize("path", PATHS)
async def test_who_leaves_what_was_sent_unread_is_cut_off_with_4408(strict, path):
    job_id, worker = await strict.world.dispatched()
    await worker.claim()
    strict.log.padding = " " * LARGER_THAN_BUFFERS
    plain = {"max_queue": 1, "max_size": None, "compression": None}
    async with strict.socket(path.format(job_id), **plain) as socket:
        socket.transport.pause_reading()
        await until(lambda: strict.watching(job_id) == 1)
        strict.world.clock.move(3)
        await worker.report("progress", stage="render", progress=0.5)
        await until(lambda: strict.watching(job_id) == 0)
        socket.transport.resume_reading()
        _, code = await rest_of(socket)
    assert code == 4408
