"""Tickets of jobs: what a browser holds, for one job, to read it, for a minute."""

import json
from datetime import timedelta

import httpx
import pytest
from httpx_sse import aconnect_sse

from gateway.core.snapshot import timestamp
from tests.support.live import a_finished_job, heard, live, until

ORIGIN = {"Origin": "https://app.example.com"}


@pytest.fixture
async def served(tmp_path):
    async with live(tmp_path, cors_origins=("https://app.example.com",)) as served:
        yield served


@pytest.fixture
async def browser(served):
    """Somebody without a key."""
    async with httpx.AsyncClient(base_url=served.http.base_url, timeout=60) as browser:
        yield browser


async def test_d112_the_addresses_that_come_with_a_ticket_work_on_this_service(served, browser):
    job_id = await a_finished_job(served.world)
    answer = await served.http.post(f"/v1/jobs/{job_id}/ticket")
    given = answer.json()
    page = (await browser.get(given["events_url"])).json()
    async with aconnect_sse(browser, "GET", given["events_url"]) as source:
        streamed = [json.loads(event.data) async for event in source.aiter_sse()]
    by_socket, code = await heard(served.socket(given["live_url"], additional_headers={}))
    assert answer.status_code == 201
    assert answer.headers["cache-control"] == "no-store"
    assert given["expires_at"] == timestamp(served.world.clock.now() + timedelta(seconds=60))
    assert page["events"] == streamed == by_socket
    assert (page["events"][-1]["type"], code) == ("succeeded", 1000)


@pytest.mark.parametrize("path", ["/v1/jobs/{}/live", "/sampled/{}"])
async def test_d116_a_ticket_beside_the_subprotocol_opens_the_socket(served, path):
    job_id = await a_finished_job(served.world)
    ticket = await served.ticket(job_id)
    connecting = served.socket(
        path.format(job_id),
        additional_headers={},
        subprotocols=["cutroom.v1", f"cutroom.ticket.{ticket}"],
    )
    async with connecting as socket:
        assert socket.subprotocol == "cutroom.v1"
        assert json.loads(await socket.recv())["job"]["id"] == job_id


async def test_a_ticket_in_a_header_reads_its_job(served, browser):
    job_id = await a_finished_job(served.world)
    ticket = await served.ticket(job_id)
    read = await browser.get(
        f"/v1/jobs/{job_id}", headers={"Authorization": f"Bearer {ticket}"}
    )
    by_query = await browser.get(f"/v1/jobs/{job_id}", params={"ticket": ticket})
    assert (read.status_code, by_query.status_code) == (200, 200)
    assert read.json()["outputs"][0]["url"]


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("POST", "/v1/jobs/{}/cancel"),
        ("POST", "/v1/jobs/{}/retry"),
        ("DELETE", "/v1/jobs/{}"),
        ("POST", "/v1/jobs/{}/ticket"),
        ("GET", "/v1/jobs"),
    ],
)
async def test_a_ticket_opens_nothing_that_writes_or_tells_of_other_jobs(
    served, browser, method, path
):
    job_id, _ = await served.world.dispatched()
    ticket = await served.ticket(job_id)
    where = path.format(job_id)
    in_header = await browser.request(
        method, where, headers={"Authorization": f"Bearer {ticket}"}
    )
    in_query = await browser.request(method, where, params={"ticket": ticket})
    assert (in_header.status_code, in_query.status_code) == (401, 401)
    assert (await served.world.job(job_id)).status == "queued"


async def test_d116_a_ticket_that_is_not_good_is_401(served, browser):
    job_id, _ = await served.world.dispatched()
    other_id, _ = await served.world.dispatched()
    good = await served.ticket(job_id)
    bad = {
        "for another job": await served.ticket(other_id),
        "forged": good[:-1] + ("a" if good[-1] != "a" else "b"),
        "for another tenant": good.replace("tj_default", "tj_other"),
        "malformed": "tj_",
        "empty": "",
        "a key": served.key["Authorization"].removeprefix("Bearer "),
    }
    url = f"/v1/jobs/{job_id}/events"
    statuses = {
        name: (await browser.get(url, params={"ticket": ticket})).status_code
        for name, ticket in bad.items()
    }
    assert statuses == dict.fromkeys(bad, 401)
    assert (await browser.get(url, params={"ticket": good})).status_code == 200


async def test_d116_an_expired_ticket_opens_nothing_but_what_it_opened_goes_on(served, browser):
    job_id, worker = await served.world.dispatched()
    await worker.claim()
    ticket = await served.ticket(job_id)
    path = f"/v1/jobs/{job_id}/live?ticket={ticket}"
    async with served.socket(path, additional_headers={}) as socket:
        await until(lambda: served.watching(job_id) == 1)
        served.world.clock.move(61)
        late = await heard(served.socket(path, additional_headers={}))
        late_poll = await browser.get(f"/v1/jobs/{job_id}/events", params={"ticket": ticket})
        await worker.finish()
        last = [json.loads(each)["type"] async for each in socket][-1]
    assert late == ([], 4401)
    assert late_poll.status_code == 401
    assert late_poll.headers["www-authenticate"] == "Bearer"
    assert last == "succeeded"


async def test_a_ticket_is_given_for_a_job_of_ones_own_with_the_scope_to_read(served):
    job_id, _ = await served.world.dispatched()
    stranger = await served.world.a_key("other")
    writer = await served.world.a_key("default", "jobs")
    statuses = [
        (await served.http.post(f"/v1/jobs/{job_id}/ticket", headers=headers)).status_code
        for headers in (stranger, writer)
    ]
    assert statuses == [404, 403]
    assert (await served.http.post("/v1/jobs/nobody/ticket")).status_code == 404


async def test_a_page_of_an_allowed_origin_reads_streams_and_problems_by_ticket(
    served, browser
):
    job_id = await a_finished_job(served.world)
    url = f"/v1/jobs/{job_id}/events"
    asked = {"ticket": await served.ticket(job_id)}
    accept = {"Accept": "text/event-stream", **ORIGIN}
    stream = await browser.get(url, params=asked, headers=accept)
    over = await browser.get(url, params={**asked, "after": 1000}, headers=accept)
    refused = await browser.get(url, params={"ticket": "tj_forged"}, headers=accept)
    assert (stream.status_code, over.status_code, refused.status_code) == (200, 204, 401)
    assert stream.headers["content-type"].startswith("text/event-stream")
    for answer in (stream, over, refused):
        assert answer.headers["access-control-allow-origin"] == ORIGIN["Origin"]
        assert "Origin" in answer.headers["vary"]
        assert "retry-after" in answer.headers["access-control-expose-headers"].lower()


async def test_a_page_of_another_origin_reads_nothing(served, browser):
    job_id = await a_finished_job(served.world)
    asked = {"ticket": await served.ticket(job_id)}
    elsewhere = {"Accept": "text/event-stream", "Origin": "https://evil.example.com"}
    stream = await browser.get(f"/v1/jobs/{job_id}/events", params=asked, headers=elsewhere)
    assert "access-control-allow-origin" not in stream.headers
