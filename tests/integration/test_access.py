"""Who may what, over HTTP: rates, quotas, suspended tenants, and what answers tell browsers."""

import json
import re
from contextlib import asynccontextmanager

import httpx
import pytest

from gateway.services.tenants import Tenants
from tests.attack.walk import PAGES
from tests.support.jobs import STORES, memory_stores
from tests.support.s4 import an_s4
from tests.support.serving import serving
from tests.support.upload_desk import MP4
from tests.support.world import a_world, calling

SLOW = {"requests_per_s": 0.001, "requests_burst": 3}
SUBMISSION = {"kind": "test.copy", "input": {"n": 1}}
UPLOAD = {"filename": "a.mp4", "content_type": "video/mp4", "size_bytes": 600}


@asynccontextmanager
async def called(folder, *scopes, store=memory_stores, **fields):
    """A world, and a client with a key of the tenant `default`."""
    async with (
        a_world(store, folder, **fields) as world,
        calling(world, await world.a_key("default", *scopes)) as http,
    ):
        yield world, http


def code_of(answer):
    return answer.status_code, answer.json()["code"]


async def test_d26_over_its_rate_a_tenant_is_told_when_to_come_back(tmp_path):
    async with called(tmp_path, limits=SLOW) as (world, http):
        answers = [await http.get("/v1/jobs") for _ in range(4)]
        other = await world.a_key("other")
        others = await http.get("/v1/jobs", headers=other)
    assert [each.status_code for each in answers] == [200, 200, 200, 429]
    assert code_of(answers[3]) == (429, "rate_limited")
    assert int(answers[3].headers["retry-after"]) > 900
    assert {each.headers["ratelimit-policy"] for each in answers} == {'"requests";q=3;w=3000'}
    left = [
        re.match(r'"requests";r=(\d+);t=\d+$', each.headers["ratelimit"])[1] for each in answers
    ]
    assert left == ["2", "1", "0", "0"]
    assert others.status_code == 200


async def test_a_repeated_submission_is_answered_also_over_the_rate(tmp_path):
    async with called(tmp_path, limits={**SLOW, "requests_burst": 1}) as (world, http):
        keyed = {"Idempotency-Key": "once"}
        first = await http.post("/v1/jobs", json=SUBMISSION, headers=keyed)
        again = await http.post("/v1/jobs", json=SUBMISSION, headers=keyed)
        refused = [
            await http.post("/v1/jobs", json=SUBMISSION, headers={"Idempotency-Key": "new"}),
            await http.post("/v1/jobs", json=SUBMISSION),
            await http.post("/v1/jobs", json={**SUBMISSION, "dry_run": True}, headers=keyed),
            await http.post(f"/v1/jobs/{first.json()['id']}/cancel", headers=keyed),
        ]
        queued = await world.job(first.json()["id"])
    assert (first.status_code, again.status_code) == (202, 200)
    assert again.json()["id"] == first.json()["id"]
    assert [code_of(each) for each in refused] == [(429, "rate_limited")] * 4
    assert queued.status == "queued"


async def test_an_exports_repeat_is_answered_also_over_the_rate(tmp_path):
    async with an_s4("memory", tmp_path, limits={**SLOW, "requests_burst": 3}) as s4:
        asked = {
            "project_id": 1,
            "type": "overlay",
            "input_video_key": await s4.uploaded(),
            "params": {},
        }
        keyed = {"Idempotency-Key": "once"}
        answers = [await s4.http.post("/api/jobs", json=asked, headers=keyed) for _ in range(3)]
        refused = await s4.http.post("/api/jobs", json=asked)
    assert [each.status_code for each in answers] == [202, 200, 200]
    assert code_of(refused) == (429, "rate_limited")


async def test_workers_and_those_who_watch_the_process_are_not_counted(tmp_path):
    async with called(tmp_path, limits={**SLOW, "requests_burst": 1}) as (world, http):
        _, worker = await world.dispatched()
        claim = {
            "nonce": "n" * 8,
            "runpod_job_id": worker.runpod_id,
            "worker": {"id": "w", "gpu": None, "cores": 1, "memory_mb": 1, "version": "1"},
        }
        token = {"Authorization": f"Bearer {worker.request.input['token']}"}
        path = f"/v1/work/{worker.job_id}/claim"
        claims = [await http.post(path, json=claim, headers=token) for _ in range(3)]
        alive = [await http.get("/healthz") for _ in range(3)]
    assert {each.status_code for each in (*claims, *alive)} == {200}
    assert not any("ratelimit" in each.headers for each in (*claims, *alive))


async def test_a_ticket_counts_as_its_tenant_does(tmp_path):
    async with called(tmp_path, limits=SLOW) as (_, http):
        job_id = (await http.post("/v1/jobs", json=SUBMISSION)).json()["id"]
        given = (await http.post(f"/v1/jobs/{job_id}/ticket")).json()
        answers = [await http.get(given["events_url"]) for _ in range(2)]
    assert [each.status_code for each in answers] == [200, 429]


async def test_whoever_guesses_at_keys_is_told_nothing_more(tmp_path):
    async with called(tmp_path, limits={"wrong_keys_per_minute": 5}) as (world, http):
        good = await world.a_key("other")
        headers = [{"Authorization": f"Bearer guess-{n}"} for n in range(6)]
        answers = [await http.get("/v1/jobs", headers=each) for each in headers]
        unseen = await http.get("/v1/jobs", headers=good)
        nothing = await http.get("/v1/jobs", headers={"Authorization": ""})
    assert [each.status_code for each in answers] == [401] * 5 + [429]
    assert code_of(unseen) == (429, "rate_limited")
    assert nothing.status_code == 401  # says nothing, and guesses at nothing


async def test_nothing_opens_to_a_suspended_tenant_and_all_does_again(tmp_path):
    async with called(tmp_path) as (world, http):
        tenants = Tenants(world.keys, world.clock)
        job_id = (await http.post("/v1/jobs", json=SUBMISSION)).json()["id"]
        watch = (await http.post(f"/v1/jobs/{job_id}/ticket")).json()["events_url"]
        upload = (await http.post("/v1/uploads", json=UPLOAD)).json()
        ticket = {"Authorization": f"Bearer {upload['ticket']}"}
        path = f"/v1/uploads/{upload['upload_id']}"

        async def statuses():
            asked = (
                http.get(f"/v1/jobs/{job_id}"),
                http.post("/v1/jobs", json=SUBMISSION),
                httpx.AsyncClient.get(http, watch, headers={"Authorization": ""}),
                http.get(path, headers=ticket),
            )
            return [(await each).status_code for each in asked]

        before = await statuses()
        await tenants.suspend("default")
        during = await statuses()
        others = await http.get("/v1/jobs", headers=await world.a_key("other"))
        await tenants.resume("default")
        after = await statuses()
    assert before == after == [200, 202, 200, 200]
    assert during == [403] * 4
    assert others.status_code == 200


@pytest.mark.parametrize("store", STORES.values(), ids=STORES.keys())
async def test_an_upload_that_would_be_too_much_is_refused_until_there_is_room(tmp_path, store):
    limits = {"stored_bytes_per_tenant": 1000}
    async with called(tmp_path, store=store, limits=limits) as (_, http):
        kept = (await http.post("/v1/uploads", json=UPLOAD)).json()
        refused = await http.post("/v1/uploads", json=UPLOAD)
        await http.delete(f"/v1/uploads/{kept['upload_id']}")
        taken = await http.post("/v1/uploads", json=UPLOAD)
    assert code_of(refused) == (429, "quota_exceeded")
    assert int(refused.headers["retry-after"]) >= 1
    assert taken.status_code == 201


async def test_an_input_of_an_export_counts_as_the_largest_until_it_has_come(tmp_path):
    limits = {"stored_bytes_per_tenant": len(MP4) + 2100, "upload_bytes": 2000}
    async with an_s4("memory", tmp_path, limits=limits) as s4:
        key = await s4.uploaded()
        refused = await s4.promised()
        named = await s4.promised(size_bytes=100)
        asked = {"project_id": 1, "type": "overlay", "input_video_key": key, "params": {}}
        made = await s4.http.post("/api/jobs", json=asked)
        stored = await s4.world.uploads.stored_bytes("default")
        again = await s4.promised()
    assert code_of(refused) == (429, "quota_exceeded")
    assert (named.status_code, made.status_code, again.status_code) == (200, 202, 200)
    assert stored == len(MP4) + 100


SAFE = {
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",
    "x-frame-options": "DENY",
    "content-security-policy": "default-src 'none'; frame-ancestors 'none'",
}


async def each_sort_of_answer(world, http):
    """Good ones, and one refused in each place that refuses."""
    job_id = await world.submit()
    huge = {"content-type": "application/json"}
    return {
        200: await http.get(f"/v1/jobs/{job_id}"),
        201: await http.post(f"/v1/jobs/{job_id}/ticket"),
        204: await http.delete(f"/v1/assets/{await world.an_asset()}"),
        307: await http.get(f"/v1/assets/{await world.an_asset()}/content"),
        401: await http.get("/v1/jobs", headers={"Authorization": "Bearer no"}),
        404: await http.get("/nowhere"),
        405: await http.put("/v1/jobs"),
        413: await http.post("/v1/jobs", content=b" " * 2_000_000, headers=huge),
        415: await http.post("/v1/jobs", content=b"x"),
        422: await http.post("/v1/jobs", json={}),
        431: await http.get("/v1/jobs", headers={f"x-{n}": "1" for n in range(200)}),
    }


async def test_every_answer_tells_browsers_to_be_careful_with_it(tmp_path):
    async with called(tmp_path) as (world, http):
        answers = await each_sort_of_answer(world, http)
        health = await http.get("/healthz")
    assert {status: each.status_code for status, each in answers.items()} == {
        status: status for status in answers
    }
    for answer in (*answers.values(), health):
        assert {name: answer.headers.get(name) for name in SAFE} == SAFE
        assert answer.headers["cache-control"] == "no-store"
        assert "strict-transport-security" not in answer.headers


async def test_a_mistake_of_ours_is_answered_with_the_same_care(tmp_path):
    async with called(tmp_path) as (world, http):
        world.gateway.app.state.job_reading = None
        broken = await http.get(f"/v1/jobs/{await world.submit()}")
    assert broken.status_code == 500
    assert {name: broken.headers.get(name) for name in SAFE} == SAFE


async def test_where_all_is_https_browsers_are_told_to_use_nothing_else(tmp_path):
    async with called(tmp_path, public_base_url="https://cutroom.test") as (_, http):
        answer = await http.get("/healthz")
    assert answer.headers["strict-transport-security"] == "max-age=31536000"


async def test_developments_own_pages_may_run_their_scripts_and_are_in_no_frame(tmp_path):
    async with called(tmp_path) as (_, http):
        page = await http.get("/docs")
    assert "/docs" in PAGES
    assert "content-security-policy" not in page.headers
    assert page.headers["x-frame-options"] == "DENY"


HEADS = {
    "as many as may be": ({f"x-{n}": "1" for n in range(80)}, "", 200),
    "too many": ({f"x-{n}": "1" for n in range(101)}, "", 431),
    "one too long": ({"x-long": "v" * 33_000}, "", 431),
    "long together": ({f"x-{n}": "v" * 1000 for n in range(40)}, "", 431),
    "an address too long": ({}, "?cursor=" + "c" * 33_000, 431),
}


@pytest.mark.parametrize("sort", HEADS)
async def test_a_head_has_so_many_headers_and_bytes_and_no_more(tmp_path, sort):
    headers, query, status = HEADS[sort]
    async with called(tmp_path, limits={"head_bytes": 32_768}) as (_, http):
        answer = await http.get(f"/v1/jobs{query}", headers=headers)
    assert answer.status_code == status
    assert status == 200 or answer.json()["code"] == "headers_too_large"


async def test_a_real_server_answers_a_head_that_is_too_large(tmp_path):
    async with (
        called(tmp_path) as (world, _),
        serving(world.gateway.app, lifespan="off") as url,
        httpx.AsyncClient(base_url=url) as http,
    ):
        large = {f"x-{n}": "1" for n in range(150)}
        body = json.dumps(SUBMISSION).encode()
        typed = {**large, "content-type": "application/json"}
        answer = await http.post("/v1/jobs", content=body, headers=typed)
    assert code_of(answer) == (431, "headers_too_large")


async def test_head_answers_as_get_does_without_a_body(tmp_path):
    async with called(tmp_path) as (world, http):
        paths = [f"/v1/jobs/{await world.submit()}", "/v1/jobs", "/healthz", "/v1/jobs/nobody"]
        read = [await http.get(path) for path in paths]
        asked = [await http.head(path) for path in paths]
        refused = await http.head("/v1/uploads")
    assert [each.status_code for each in asked] == [each.status_code for each in read]
    assert [each.content for each in asked] == [b""] * len(paths)
    assert [each.headers["content-length"] for each in asked[1:]] == [
        each.headers["content-length"] for each in read[1:]
    ]
    assert (refused.status_code, refused.headers["allow"]) == (405, "POST")


async def test_head_does_not_wait_for_the_end_of_a_stream(tmp_path):
    async with (
        called(tmp_path) as (world, _),
        serving(world.gateway.app, lifespan="off") as url,
        httpx.AsyncClient(base_url=url, headers=await world.a_key(), timeout=20) as http,
    ):
        path = f"/v1/jobs/{await world.submit()}/events"
        answer = await http.head(path, headers={"Accept": "text/event-stream"})
        again = await http.head("/healthz")
    assert (answer.status_code, answer.content) == (200, b"")
    assert answer.headers["content-type"].startswith("text/event-stream")
    assert again.status_code == 200
