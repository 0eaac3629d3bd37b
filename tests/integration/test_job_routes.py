"""The routes of jobs, kinds and events over real HTTP, as programs and browsers call them."""

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

JOB = {"kind": "test.copy", "input": {"n": 1}}


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


async def submitted(http, **fields):
    answer = await http.post("/v1/jobs", json={**JOB, **fields})
    assert answer.status_code == 202
    return answer.json()


# -- submit, read, cancel --------------------------------------------------------------


async def test_an_accepted_job_is_shown_whole(http):
    answer = await http.post("/v1/jobs", json={**JOB, "labels": {"clip": "7"}})
    job = answer.json()
    assert answer.headers["location"] == f"/v1/jobs/{job['id']}"
    assert {**job, "id": "x", "cost": "y", "links": "z"} == {
        "id": "x",
        "kind": "test.copy",
        "kind_version": 1,
        "status": "queued",
        "stage": None,
        "progress": 0.0,
        "waiting_for": "slot",
        "position": 0,
        "attempt": 0,
        "seq": 0,
        "input": {"n": 1, "source": None},
        "result": None,
        "outputs": [],
        "warnings": [],
        "error": None,
        "cost": "y",
        "labels": {"clip": "7"},
        "parent_id": None,
        "retry_of": None,
        "created_at": "2026-11-21T12:00:00.000000Z",
        "started_at": None,
        "finished_at": None,
        "deadline_at": "2026-11-21T13:00:00.000000Z",
        "links": "z",
    }


async def test_a_replay_is_200_and_the_same_job(http):
    headers = {"Idempotency-Key": "k1"}
    first = await http.post("/v1/jobs", json=JOB, headers=headers)
    again = await http.post("/v1/jobs", json=JOB, headers=headers)
    other = await http.post("/v1/jobs", json={**JOB, "input": {"n": 2}}, headers=headers)
    assert (first.status_code, again.status_code, other.status_code) == (202, 200, 409)
    assert first.json()["id"] == again.json()["id"]
    assert other.json()["code"] == "idempotency_conflict"


async def test_twenty_parallel_posts_under_one_key_make_one_job(http):
    headers = {"Idempotency-Key": "k1"}
    posts = (http.post("/v1/jobs", json=JOB, headers=headers) for _ in range(20))
    answers = await asyncio.gather(*posts)
    assert sorted(a.status_code for a in answers) == [200] * 19 + [202]
    assert len({a.json()["id"] for a in answers}) == 1


async def test_a_dry_run_estimates_and_writes_nothing(world, http):
    headers = {"Idempotency-Key": "k1"}
    answer = await http.post("/v1/jobs", json={**JOB, "dry_run": True}, headers=headers)
    assert answer.status_code == 200
    assert answer.json() == {
        "estimate": {"cost_usd": "0.0093", "seconds": 10.0, "basis": "flat"},
        "outputs": ["video"],
        "warnings": [],
        "would_reuse": False,
    }
    assert await world.stores.jobs.in_line("gpu", world.clock.now()) is None
    assert await world.stores.jobs.bound_to("default", "POST /v1/jobs", "k1") is None


@pytest.mark.parametrize(
    ("body", "code", "fields"),
    [
        ({}, "validation_failed", ["kind", "input"]),
        ({**JOB, "kind": "no.such"}, "unknown_kind", ["kind"]),
        ({**JOB, "kind": 7}, "validation_failed", ["kind"]),
        ({**JOB, "input": []}, "validation_failed", ["input"]),
        ({**JOB, "input": {"n": "one"}}, "validation_failed", ["input.n"]),
        ({**JOB, "input": {"n": 1, "m": 2}}, "validation_failed", ["input.m"]),
        ({**JOB, "colour": "red"}, "validation_failed", ["colour"]),
        ({**JOB, "labels": {"a": ""}}, "validation_failed", ["labels.a"]),
        ({**JOB, "labels": {str(n): "x" for n in range(17)}}, "validation_failed", ["labels"]),
        ({**JOB, "deadline_s": 0}, "validation_failed", ["deadline_s"]),
        ({**JOB, "max_cost_usd": "1"}, "validation_failed", ["max_cost_usd"]),
        ({**JOB, "input": {"source": {"asset_id": 5}}}, "validation_failed", None),
        ({**JOB, "input": {"source": {}}}, "validation_failed", ["input.source"]),
        (
            {**JOB, "input": {"source": {"asset_id": "a", "job_id": "j", "output": "o"}}},
            "validation_failed",
            ["input.source"],
        ),
    ],
)
async def test_bad_input_is_a_problem_that_names_the_field(world, http, body, code, fields):
    answer = await http.post("/v1/jobs", json=body)
    problem = answer.json()
    assert (answer.status_code, problem["code"]) == (422, code)
    assert answer.headers["content-type"] == "application/problem+json"
    assert problem["request_id"] == answer.headers["x-request-id"]
    assert fields in (None, [error["field"] for error in problem["errors"]])
    assert await world.stores.jobs.in_line("gpu", world.clock.now()) is None


async def test_an_asset_that_is_not_there_is_404_by_its_own_code(http):
    body = {**JOB, "input": {"n": 1, "source": {"asset_id": "nobody"}}}
    answer = await http.post("/v1/jobs", json=body)
    assert (answer.status_code, answer.json()["code"]) == (404, "asset_not_found")


async def test_cancelling_is_200_again_and_409_after_another_end(world, http):
    job = await submitted(http)
    for _ in range(2):
        answer = await http.post(f"/v1/jobs/{job['id']}/cancel")
        assert (answer.status_code, answer.json()["status"]) == (200, "cancelled")
    done_id, worker = await world.dispatched()
    await worker.claim()
    await worker.finish()
    late = await http.post(f"/v1/jobs/{done_id}/cancel")
    assert (late.status_code, late.json()["code"]) == (409, "already_finished")


async def test_d20_a_failed_job_shows_words_for_the_person_and_nothing_of_ours(world, http):
    job_id, worker = await world.dispatched()
    await worker.claim()
    await worker.fail("input_unreadable", "The file is cut short. Upload it again.")
    job = (await http.get(f"/v1/jobs/{job_id}")).json()
    assert job["error"] == {
        "code": "input_unreadable",
        "message": "The file is cut short. Upload it again.",
        "stage": "render",
        "retryable": False,
        "who": "caller",
    }


async def test_reading_has_no_side_effect(world, http):
    job = await submitted(http)
    before = await world.job(job["id"])
    for path in ("", "/events", "/events?after=5"):
        await http.get(f"/v1/jobs/{job['id']}{path}")
    assert await world.job(job["id"]) == before


# -- who may -------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/v1/jobs/{id}"),
        ("POST", "/v1/jobs/{id}/cancel"),
        ("GET", "/v1/jobs/{id}/events"),
    ],
)
async def test_another_tenants_job_answers_as_if_it_were_not_there(world, http, method, path):
    job = await submitted(http)
    other = await world.a_key("other")
    theirs = await http.request(method, path.format(id=job["id"]), headers=other)
    nobodys = await http.request(method, path.format(id="nobody"), headers=other)
    same = ("type", "title", "status", "detail", "code", "errors")
    assert theirs.status_code == nobodys.status_code == 404
    assert [theirs.json()[k] for k in same] == [nobodys.json()[k] for k in same]


@pytest.mark.parametrize(
    ("method", "path", "scope"),
    [
        ("POST", "/v1/jobs", "read"),
        ("GET", "/v1/jobs/x", "jobs"),
        ("GET", "/v1/kinds", "uploads"),
        ("POST", "/v1/jobs/x/cancel", "read"),
    ],
)
async def test_a_key_without_the_scope_is_403_and_no_key_401(world, http, method, path, scope):
    poor = await world.a_key("default", scope)
    forbidden = await http.request(method, path, headers=poor, json=JOB)
    no_key = {"Authorization": "Bearer ck_aaaaaaaa_bbbb"}
    unknown = await http.request(method, path, headers=no_key, json=JOB)
    assert (forbidden.status_code, unknown.status_code) == (403, 401)


async def test_kinds_are_listed_with_their_schemas(http):
    [kind] = (await http.get("/v1/kinds")).json()["kinds"]
    assert kind["name"] == "test.copy"
    assert kind["input_schema"]["properties"]["n"]["default"] == 1
    assert kind["compute"] == "gpu"


# -- the work routes -------------------------------------------------------------------


async def test_a_worker_speaks_http_and_is_told_to_stop_by_409(world, http):
    job_id, worker = await world.dispatched()
    claim = {
        "nonce": "n1",
        "runpod_job_id": "r1",
        "worker": {"id": "w", "gpu": None, "cores": 1, "memory_mb": 1, "version": "1"},
    }
    url = f"/v1/work/{job_id}/claim"
    bearer = {"Authorization": f"Bearer {worker.request.input['token']}"}
    order = (await http.post(url, json=claim, headers=bearer)).json()
    second = await http.post(url, json={**claim, "nonce": "n2"}, headers=bearer)
    forged = await http.post(url, json=claim, headers={"Authorization": "Bearer ws_1.x"})
    mine = {"Authorization": f"Bearer {order['token']}"}
    beat = {"type": "heartbeat", "fence": 1, "report_no": 1}
    heard = await http.post(f"/v1/work/{job_id}/reports", json=beat, headers=mine)
    crossed = await http.post(f"/v1/work/{job_id}/reports", json=beat, headers=bearer)
    assert (second.status_code, second.json()) == (409, {"stop": True})
    assert (forged.status_code, crossed.status_code) == (401, 401)
    assert heard.json()["cancel"] is False
    assert heard.json()["deadline_at"] == order["deadline_at"]


@pytest.mark.parametrize(
    "report",
    [
        {"type": "dance"},
        {"type": "progress", "stage": "render", "progress": 1.5},
        {"type": "progress", "stage": "../x", "progress": 0.5},
        {"type": "heartbeat", "extra": 1},
        {"type": "final", "outcome": "cancelled"},
        {"type": "probe", "asset": "source", "sha256": "zz", "probe": {}},
    ],
)
async def test_a_report_that_is_no_report_is_refused_and_changes_nothing(world, http, report):
    job_id, worker = await world.dispatched()
    order = await worker.claim()
    before = await world.job(job_id)
    answer = await http.post(
        f"/v1/work/{job_id}/reports",
        json={"fence": 1, "report_no": 1, **report},
        headers={"Authorization": f"Bearer {order.token}"},
    )
    assert answer.status_code == 422
    assert await world.job(job_id) == before


# -- live ---------------------------------------------------------------------------------


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
            first = await anext(source.aiter_sse())
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
