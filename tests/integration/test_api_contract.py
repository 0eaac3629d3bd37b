"""What the API answers is what `docs/openapi.json` says of it, whether it goes well or not."""

import json
import re
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest

from gateway.core.api_keys import SCOPES
from shared.kinds import load_kinds
from tests.support.contract import Contract, operations_of
from tests.support.jobs import STORES
from tests.support.s4 import KEYFRAME, REGION, S4
from tests.support.upload_desk import MP4
from tests.support.world import COPY, World, a_world, calling

DOCUMENT = json.loads(Path("docs/openapi.json").read_text())
COPY_JOB = {"kind": "test.copy", "input": {"n": 1}}


@dataclass(frozen=True, slots=True)
class Api:
    """A gateway, a client whose every answer is held against the document, and findings."""

    world: World
    http: httpx.AsyncClient
    contract: Contract

    async def submitted(self, **fields: Any) -> str:
        answer = await self.http.post("/v1/jobs", json={**COPY_JOB, **fields})
        assert answer.status_code == 202
        return str(answer.json()["id"])

    async def finished(self) -> str:
        job_id, worker = await self.world.dispatched()
        await worker.claim()
        await worker.finish()
        return job_id

    async def promised(self, **fields: Any) -> dict[str, Any]:
        asked = {"filename": "a.mp4", "content_type": "video/mp4", "size_bytes": len(MP4)}
        answer = await self.http.post("/v1/uploads", json={**asked, **fields})
        return dict(answer.json())

    async def an_asset(self) -> str:
        upload = await self.promised()
        self.world.objects.put(upload["url"], MP4, upload["headers"])
        path = f"/v1/uploads/{upload['upload_id']}/complete"
        return str((await self.http.post(path)).json()["asset_id"])


@pytest.fixture
async def api(tmp_path):
    offered = {**load_kinds(), COPY.name: COPY}
    contract = Contract(DOCUMENT)
    async with (
        a_world(STORES["memory"], tmp_path, offered=offered) as world,
        calling(world, await world.a_key()) as http,
    ):
        http.event_hooks["response"].append(contract.check)
        yield Api(world, http, contract)


# -- what goes well ------------------------------------------------------------------------


async def kinds(api: Api) -> None:
    await api.http.get("/v1/kinds")


async def previews(api: Api) -> None:
    asked = {"kind": "export.overlay", "input": {"highlight_regions": [REGION]}}
    footage = {"width_px": 1920, "height_px": 1080, "rate": "25/1", "frames": 9}
    await api.http.post("/v1/preview/plan", json={**asked, "footage": footage})


async def health(api: Api) -> None:
    for path in ("/healthz", "/readyz", "/metrics"):
        await api.http.get(path)
    api.world.objects.available = False
    api.world.clock.move(60)
    assert (await api.http.get("/readyz")).status_code == 503


async def uploads(api: Api) -> None:
    upload = await api.promised()
    path = f"/v1/uploads/{upload['upload_id']}"
    assert (await api.http.post(f"{path}/complete")).status_code == 409
    await api.http.get(path)
    api.world.objects.put(upload["url"], MP4, upload["headers"])
    await api.http.post(f"{path}/complete", json={})
    await api.http.get(path)
    assert (await api.http.delete(path)).status_code == 409
    await in_parts(api)
    other = await api.promised()
    await api.http.delete(f"/v1/uploads/{other['upload_id']}")


async def in_parts(api: Api) -> None:
    upload = await api.promised(size_bytes=len(MP4), multipart=True)
    path = f"/v1/uploads/{upload['upload_id']}"
    signed = await api.http.post(f"{path}/parts", json={"part_numbers": [1]})
    [part] = signed.json()["parts"]
    put = api.world.objects.put(part["url"], MP4, part["headers"])
    assert (await api.http.get(path)).json()["parts"][0]["part_number"] == 1
    parts = [{"part_number": 1, "etag": put.headers["etag"]}]
    assert (await api.http.post(f"{path}/complete", json={"parts": parts})).status_code == 200


async def assets(api: Api) -> None:
    asset_id = await api.an_asset()
    path = f"/v1/assets/{asset_id}"
    await api.http.get(path)
    await api.http.get(f"{path}/content")
    job_id = await api.submitted(input={"source": {"asset_id": asset_id}})
    assert (await api.http.delete(path)).status_code == 409
    await api.http.post(f"/v1/jobs/{job_id}/cancel")
    await api.http.delete(path)


async def jobs(api: Api) -> None:
    done_id = await api.finished()
    key = {"Idempotency-Key": "k1"}
    for _ in range(2):
        await api.http.post("/v1/jobs", json=COPY_JOB, headers=key)
    other = await api.http.post(
        "/v1/jobs", json={**COPY_JOB, "labels": {"a": "b"}}, headers=key
    )
    assert other.json()["code"] == "idempotency_conflict"
    await api.http.post("/v1/jobs", json={**COPY_JOB, "dry_run": True})
    await api.http.post("/v1/jobs", json=COPY_JOB, headers={"Prefer": "wait=0"})
    await api.http.get("/v1/jobs?label.a=b&status=queued&limit=1")
    assert (await api.http.get("/v1/jobs?cursor=x")).json()["code"] == "bad_cursor"
    for path in ("/v1/jobs", f"/v1/jobs/{done_id}"):
        assert "succeeded" in (await api.http.get(path)).text
    for path in ("cancel", "retry"):
        assert (await api.http.post(f"/v1/jobs/{done_id}/{path}")).status_code == 409
    await over_again(api)


async def usage(api: Api) -> None:
    await api.finished()
    await api.world.gateway.perform()
    for by in ("day", "kind", "status"):
        answer = await api.http.get(f"/v1/usage?from=2026-11-01&to=2026-11-30&by={by}")
        assert answer.json()["total"]["jobs"] == 1
    await api.http.get("/v1/usage")


async def over_again(api: Api) -> None:
    job_id = await api.submitted()
    assert (await api.http.delete(f"/v1/jobs/{job_id}")).status_code == 409
    await api.http.post(f"/v1/jobs/{job_id}/cancel")
    for _ in range(2):
        await api.http.post(f"/v1/jobs/{job_id}/retry", headers={"Idempotency-Key": "again"})
    await api.http.delete(f"/v1/jobs/{job_id}")


async def events(api: Api) -> None:
    path = f"/v1/jobs/{await api.finished()}/events"
    stream = {"Accept": "text/event-stream"}
    await api.http.get(path)
    await api.http.get(f"{path}?after=2&wait_s=0")
    await api.http.get(path, headers={"Prefer": "wait=1"})
    assert "event: succeeded" in (await api.http.get(path, headers=stream)).text
    await api.http.get(path, headers={**stream, "Last-Event-ID": "99"})
    await api.http.post(path.replace("events", "ticket"))


async def exports(api: Api) -> None:
    s4 = S4(api.world, api.http)
    await s4.project()
    assert (await s4.project(working_video_key=await s4.uploaded(), colour=1)).json()[
        "warnings"
    ]
    await s4.clip(start_time=1.0)
    stored = await s4.uploaded()
    for key in ("one", "one"):
        await s4.overlay(key, highlight_regions=[REGION])
        await s4.framing(key, crop_keyframes=[KEYFRAME], colour="red")
        await s4.job(key, input_video_key=stored)
    for job_id in [each["id"] for each in (await api.http.get("/v1/jobs")).json()["items"]]:
        await s4.finished(job_id)
        kind = (await s4.shown(job_id))["type"]
        await api.http.get(f"/api/export/{kind}/{job_id}")
        await api.http.post(f"/api/jobs/{job_id}/cancel")
    cancelled = await s4.started()
    await api.http.post(f"/api/jobs/{cancelled}/cancel")
    assert (await s4.shown(cancelled))["error_code"] == "cancelled"


async def webhooks(api: Api) -> None:
    path = "/v1/webhook-endpoints"
    made = (await api.http.post(path, json={"url": "https://hooks.example.com/in"})).json()
    one = f"{path}/{made['id']}"
    await api.http.get(path)
    await api.http.get(one)
    await api.http.patch(one, json={"events": ["job.failed"], "enabled": True})
    await api.http.post(f"{one}/rotate")
    delivery = (await api.http.post(f"{one}/test")).json()
    await api.world.gateway.deliver()
    page = (await api.http.get(f"{one}/deliveries", params={"limit": 1})).json()
    assert [each["number"] for each in page["items"][0]["attempts"]] == [1]
    await api.http.post(f"{path}/deliveries/{delivery['id']}/replay")
    await api.http.delete(one)


async def work(api: Api) -> None:
    job_id, worker = await api.world.dispatched()
    claimed = {
        "nonce": "n1",
        "runpod_job_id": "r1",
        "worker": {"id": "w", "gpu": None, "cores": 1, "memory_mb": 1, "version": "1"},
    }
    path = f"/v1/work/{job_id}"
    bearer = {"Authorization": f"Bearer {worker.request.input['token']}"}
    order = (await api.http.post(f"{path}/claim", json=claimed, headers=bearer)).json()
    other = {**claimed, "nonce": "n2"}
    await api.http.post(f"{path}/claim", json=other, headers=bearer)
    mine = {"Authorization": f"Bearer {order['token']}"}
    item = {"name": "video", "content_type": "video/mp4", "size_bytes": 4, "sha256": "0" * 64}
    asked = {"fence": 1, "items": [item]}
    await api.http.post(f"{path}/outputs", json=asked, headers=mine)
    beat = {"type": "heartbeat", "fence": 1, "report_no": 1}
    await api.http.post(f"{path}/reports", json=beat, headers=mine)
    await api.world.pass_time(300)
    for tail, body in (("outputs", asked), ("reports", {**beat, "report_no": 2})):
        late = await api.http.post(f"{path}/{tail}", json=body, headers=mine)
        assert late.json() == {"stop": True}


TOURS: dict[str, Callable[[Api], Awaitable[None]]] = {
    each.__name__: each
    for each in (
        kinds,
        uploads,
        assets,
        jobs,
        usage,
        previews,
        events,
        exports,
        webhooks,
        work,
        health,
    )
}


def test_there_is_a_tour_for_each_tag():
    assert set(TOURS) == {tag["name"] for tag in DOCUMENT["tags"]}


@pytest.mark.parametrize("tag", TOURS)
async def test_every_good_answer_is_as_described_and_every_described_one_is_given(api, tag):
    await TOURS[tag](api)
    described = {
        (operation["operationId"], int(status))
        for _, _, operation in operations_of(DOCUMENT)
        for status, answer in operation["responses"].items()
        if operation["tags"] == [tag] and "x-codes" not in answer
    }
    seen = {(name, status) for name, found in api.contract.seen.items() for status in found}
    assert described <= seen


# -- what does not -------------------------------------------------------------------------

OPERATIONS = list(operations_of(DOCUMENT))
PROTECTED = [each for each in OPERATIONS if each[2]["security"]]
SCOPED = [each for each in PROTECTED if "403" in each[2]["responses"]]
POSTED = [each for each in SCOPED if each[0] in {"post", "put"}]
FOUND_BY_PATH = [each for each in SCOPED if "{" in each[1] and each[0] in {"get", "delete"}]
VALUES = {"project_id": "7", "clip_index": "0"}


def address(path: str) -> str:
    return re.sub(r"\{(\w+)\}", lambda found: VALUES.get(found[1], "nobody"), path)


def examples_of(operation: dict[str, Any]) -> list[Any]:
    content = operation.get("requestBody", {}).get("content", {})
    examples = content.get("application/json", {}).get("examples", {})
    return [each["value"] for each in examples.values()] or [None]


async def test_a_stranger_is_answered_as_described(api):
    headers = {"Authorization": "Bearer ck_aaaaaaaa_bbbb"}
    statuses = {}
    for method, path, operation in PROTECTED:
        body = examples_of(operation)[0]
        answer = await api.http.request(method, address(path), headers=headers, json=body)
        statuses[operation["operationId"]] = answer.status_code
    assert statuses == dict.fromkeys(statuses, 401)


async def test_the_scope_that_is_named_is_the_scope_that_is_needed(api):
    poor, enough = {}, {}
    for scope in SCOPES:
        poor[scope] = await api.world.a_key("default", *sorted(set(SCOPES) - {scope}))
        enough[scope] = await api.world.a_key("default", scope)
    wrong = []
    for method, path, operation in SCOPED:
        scope, body = operation["security"][0]["bearer"][0], examples_of(operation)[0]
        asked = {"method": method, "url": address(path), "json": body}
        answers = [
            (await api.http.request(**asked, headers=keys[scope])).status_code == 403
            for keys in (poor, enough)
        ]
        wrong += [operation["operationId"]] if answers != [True, False] else []
    assert wrong == []


async def test_what_is_not_there_is_answered_as_described(api):
    answers = [await api.http.request(method, address(p)) for method, p, _ in FOUND_BY_PATH]
    assert {answer.status_code for answer in answers} == {404}


async def test_a_body_that_cannot_be_is_answered_as_described(api):
    as_json, as_text = {"Content-Type": "application/json"}, {"Content-Type": "text/plain"}
    for method, path, operation in POSTED:
        answers = [
            await api.http.request(method, address(path), content=body, headers=headers)
            for body, headers in (
                (b"{", as_json),
                (b" " * (2 * 2**20), as_json),
                (b"{}", as_text),
            )
        ]
        found = [answer.status_code for answer in answers]
        assert found == [422, 413, 415], operation["operationId"]


async def test_each_example_of_a_request_is_understood(api):
    for method, path, operation in POSTED:
        for example in examples_of(operation):
            answer = await api.http.request(method, address(path), json=example)
            assert answer.status_code != 422, answer.text


async def test_an_answer_that_is_not_as_described_is_noticed(api):
    alive = (await api.http.get("/healthz")).request
    for answer in (
        httpx.Response(200, json={"status": "ok"}, request=alive),
        httpx.Response(418, json={"status": "ok"}, request=alive),
        httpx.Response(
            200, json={"status": "no"}, headers={"X-Request-ID": "1"}, request=alive
        ),
        httpx.Response(
            200, json={"status": "ok", "a": 1}, headers={"X-Request-ID": "1"}, request=alive
        ),
    ):
        with pytest.raises(AssertionError):
            await api.contract.check(answer)


async def test_in_development_the_gateway_serves_the_document_of_the_repository(tmp_path):
    async with (
        a_world(STORES["memory"], tmp_path, offered=load_kinds()) as world,
        calling(world, {}) as http,
    ):
        assert (await http.get("/openapi.json")).json() == DOCUMENT


async def test_in_production_the_document_is_in_the_repository_alone(tmp_path):
    async with (
        a_world(STORES["memory"], tmp_path, environment="production") as world,
        calling(world, await world.a_key()) as http,
    ):
        answers = [await http.get(path) for path in ("/openapi.json", "/docs", "/redoc")]
    assert [answer.status_code for answer in answers] == [404, 404, 404]
