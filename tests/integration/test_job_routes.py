"""The routes of jobs, kinds and workers over real HTTP."""

import asyncio

import httpx
import pytest

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
        "outputs_expire_at": None,
        "warnings": [],
        "error": None,
        "cost": "y",
        "labels": {"clip": "7"},
        "parent_id": None,
        "retry_of": None,
        "reused_from": None,
        "created_at": "2026-11-21T12:00:00.000000Z",
        "started_at": None,
        "finished_at": None,
        "deadline_at": "2026-11-21T13:00:00.000000Z",
        "links": "z",
    }


async def test_the_answer_to_a_new_job_asks_the_stores_nothing(world, http):
    async def asked(_):
        raise AssertionError("nothing has to be asked")

    world.stores.job_line.positions = asked
    world.stores.attempts.costs_of, costs_of = asked, world.stores.attempts.costs_of
    shown = await submitted(http)
    world.stores.attempts.costs_of = costs_of
    await http.post(f"/v1/jobs/{shown['id']}/cancel")
    read = (await http.get(f"/v1/jobs/{shown['id']}")).json()
    assert (shown["position"], shown["cost"]["reserved_usd"]) == (0, "0.03875")
    assert shown["cost"]["estimated_usd"] == read["cost"]["estimated_usd"]


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
        "estimate": {
            "cost_usd": "0.0093",
            "reserve_usd": "0.03875",
            "seconds": 10.0,
            "basis": "flat",
        },
        "outputs": ["video"],
        "warnings": [],
        "would_reuse": False,
    }
    assert await world.stores.job_line.in_line("gpu", world.clock.now()) is None
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
        ({**JOB, "max_cost_usd": "lots"}, "validation_failed", ["max_cost_usd"]),
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
    assert await world.stores.job_line.in_line("gpu", world.clock.now()) is None


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
