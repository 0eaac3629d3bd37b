"""What holds for every route, over HTTP: problems, ids, body rules, browser origins."""

import asyncio
import logging
from collections.abc import AsyncIterator
from itertools import count
from typing import Annotated, Any, Literal

import httpx
import pytest
from fastapi import APIRouter, FastAPI, Query
from pydantic import Field, field_validator

from gateway.api import framework_problems, front_desk
from gateway.api.bodies import JsonBodies
from gateway.api.faces import Faces
from shared.errors import (
    Conflict,
    FieldError,
    Forbidden,
    JobFailed,
    NotFound,
    OperatorMustAct,
    TooLarge,
    TryAgainLater,
    Unauthenticated,
    UnsupportedMediaType,
    ValidationFailed,
)
from shared.job_kind import UNTAGGED, Rule, Wire
from tests.support.serving import serving

SECRET = "bucket-7 row 12"
ERRORS = {
    "unauthenticated": Unauthenticated(SECRET, public="Who are you?"),
    "forbidden": Forbidden(SECRET, public="Not with this key."),
    "missing": NotFound(SECRET, public="No such asset.", code="asset_not_found"),
    "conflict": Conflict(SECRET, public="Not now.", code="already_complete"),
    "large": TooLarge(SECRET, public="Too large."),
    "type": UnsupportedMediaType(SECRET, public="Not that type."),
    "fields": ValidationFailed([FieldError.at(("input", "a", 0), "is odd")], code="odd_field"),
    "later": TryAgainLater(SECRET, public="Busy.", retry_after_s=7),
    "limit": TryAgainLater(SECRET, public="Spent.", code="budget_exceeded", retry_after_s=60),
    "operator": OperatorMustAct(SECRET, public="We are told."),
    "job": JobFailed("timeout", detail=SECRET),
    "bug": KeyError(SECRET),
    "group": ExceptionGroup(SECRET, [ValueError(SECRET)]),
}


class Dot(Wire):
    """One of two marks."""

    mark: Literal["dot"]
    at: int


class Line(Wire):
    """The other."""

    mark: Literal["line"]
    start: int


class Thing(Wire):
    """What the small app takes."""

    name: str
    sizes: list[int] = []
    marks: list[Annotated[Dot | Line, Field(discriminator="mark"), UNTAGGED]] = []

    @field_validator("sizes")
    @classmethod
    def _no_zero(cls, sizes: list[int]) -> list[int]:
        if 0 in sizes:
            raise Rule("zero_size", "must not be zero", at=(sizes.index(0),))
        return sizes


def small_app(**rules: Any) -> FastAPI:
    app = FastAPI()

    @app.get("/raise/{name}")
    async def fail(name: str) -> None:
        raise ERRORS[name]

    @app.post("/things")
    async def take(thing: Thing, page: Annotated[int, Query(ge=1)] = 1) -> dict[str, Any]:
        return {"thing": thing.model_dump(), "page": page}

    again = APIRouter(prefix="/things")

    @again.put("")
    async def put() -> None:
        return

    app.include_router(again)

    @app.post("/empty", status_code=204)
    async def nothing() -> None:
        return

    ids = count(1)
    front_desk.install(
        app,
        new_id=lambda: f"request-{next(ids)}",
        json_body_bytes=rules.get("json_body_bytes", 1000),
        json_depth=8,
        cors_origins=rules.get("cors_origins", ()),
    )
    framework_problems.install(app)
    return app


def client_of(app: FastAPI) -> httpx.AsyncClient:
    return httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://cutroom")


@pytest.fixture
async def client() -> AsyncIterator[httpx.AsyncClient]:
    async with client_of(small_app()) as client:
        yield client


JSON = {"Content-Type": "application/json"}


def code_of(answer):
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json()["status"] == answer.status_code
    return answer.status_code, answer.json()["code"]


@pytest.mark.parametrize(
    ("name", "status", "code"),
    [
        ("unauthenticated", 401, "unauthenticated"),
        ("forbidden", 403, "forbidden"),
        ("missing", 404, "asset_not_found"),
        ("conflict", 409, "already_complete"),
        ("large", 413, "payload_too_large"),
        ("type", 415, "unsupported_media_type"),
        ("fields", 422, "odd_field"),
        ("later", 503, "unavailable"),
        ("limit", 429, "budget_exceeded"),
        ("operator", 500, "internal"),
        ("job", 500, "internal"),
        ("bug", 500, "internal"),
        ("group", 500, "internal"),
    ],
)
async def test_every_error_is_a_problem_with_its_status_and_nothing_of_its_inside(
    client, name, status, code
):
    answer = await client.get(f"/raise/{name}")
    assert code_of(answer) == (status, code)
    assert SECRET not in answer.text


async def test_d146_a_problem_has_all_its_members(client):
    answer = await client.get("/raise/fields")
    assert answer.json() == {
        "type": "urn:cutroom:problem:odd_field",
        "title": "Unprocessable Entity",
        "status": 422,
        "detail": "Not accepted: input.a.0.",
        "code": "odd_field",
        "request_id": "request-1",
        "errors": [{"field": "input.a.0", "message": "is odd"}],
    }


@pytest.mark.parametrize(("name", "seconds"), [("later", "7"), ("limit", "60")])
async def test_what_may_be_tried_later_says_when(client, name, seconds):
    assert (await client.get(f"/raise/{name}")).headers["retry-after"] == seconds


async def test_what_is_ours_to_mend_is_logged_once_with_its_cause(client, caplog):
    with caplog.at_level(logging.INFO, logger="gateway.api.problems"):
        answer = await client.get("/raise/bug?ticket=hunter2")
    (record,) = caplog.records
    assert (record.message, record.levelname) == ("request.failed", "ERROR")
    assert record.request_id == answer.json()["request_id"]
    assert SECRET in caplog.text
    assert "hunter2" not in caplog.text


async def test_what_is_the_callers_to_mend_is_not_logged(client, caplog):
    with caplog.at_level(logging.INFO, logger="gateway.api.problems"):
        await client.get("/raise/missing")
    assert caplog.records == []


@pytest.mark.parametrize(
    ("method", "path", "status", "code"),
    [
        ("GET", "/nowhere", 404, "not_found"),
        ("GET", "/things", 405, "method_not_allowed"),
    ],
)
async def test_the_frameworks_own_answers_are_problems_too(client, method, path, status, code):
    answer = await client.request(method, path)
    assert code_of(answer) == (status, code)


@pytest.mark.parametrize(
    ("path", "allowed"),
    [("/empty", "POST"), ("/things", "POST, PUT"), ("/raise/x", "GET, HEAD")],
)
async def test_a_wrong_method_still_says_which_are_right(client, path, allowed):
    answer = await client.request("PATCH", path)
    assert (answer.status_code, answer.headers["allow"]) == (405, allowed)


@pytest.mark.parametrize(
    ("query", "body", "code", "fields"),
    [
        ("", {}, "validation_failed", ["name"]),
        ("", {"name": 5, "sizes": ["x"]}, "validation_failed", ["name", "sizes.0"]),
        ("", {"name": "a", "colour": "red"}, "validation_failed", ["colour"]),
        ("", [], "validation_failed", ["body"]),
        ("?page=0", {"name": "a"}, "validation_failed", ["page"]),
        ("", {"name": "a", "sizes": [1, 0]}, "zero_size", ["sizes.1"]),
        ("", {"sizes": [0]}, "validation_failed", ["name", "sizes.0"]),
        (
            "",
            {"name": "a", "marks": [{"mark": "line", "start": "x"}, {"mark": "dot"}]},
            "validation_failed",
            ["marks.0.start", "marks.1.at"],
        ),
        (
            "",
            {"name": "a", "marks": [{}, {"mark": 7}, {"mark": "x"}, "dot"]},
            "validation_failed",
            ["marks.0.mark", "marks.1.mark", "marks.2.mark", "marks.3"],
        ),
    ],
)
async def test_refused_fields_are_named_as_the_caller_writes_them(
    client, query, body, code, fields
):
    answer = await client.post(f"/things{query}", json=body)
    assert code_of(answer) == (422, code)
    assert [error["field"] for error in answer.json()["errors"]] == fields


async def test_what_a_caller_wrote_is_repeated_so_far_and_no_further(client):
    asked = [{"name": "a", "x" * 900: 1}, {"name": "a", "marks": [{"mark": "y" * 900}]}]
    for each in asked:
        answer = await client.post("/things", json=each)
        assert code_of(answer) == (422, "validation_failed")
        assert len(answer.content) < 1500


async def test_every_answer_carries_a_request_id_good_or_bad(client):
    good = await client.post("/things", json={"name": "a"})
    bad = await client.get("/nowhere")
    assert (good.status_code, good.headers["x-request-id"]) == (200, "request-1")
    assert bad.headers["x-request-id"] == bad.json()["request_id"] == "request-2"


async def test_a_callers_own_request_id_comes_back(client):
    answer = await client.get("/nowhere", headers={"X-Request-ID": "trace-0042"})
    assert answer.headers["x-request-id"] == answer.json()["request_id"] == "trace-0042"


@pytest.mark.parametrize("asked", ["short", "x" * 65, "with space 1", 'quo"te-12345'])
async def test_a_callers_request_id_of_another_form_is_replaced(client, asked):
    answer = await client.get("/nowhere", headers={"X-Request-ID": asked})
    assert answer.headers["x-request-id"] == "request-1"


@pytest.mark.parametrize(
    "content",
    [
        b"{",
        b"\xff",
        b'{"name": NaN}',
        b'{"name": "a", "sizes": [1e999]}',
        b'{"name": "\\ud800"}',
        b'{"name": "\\u0000"}',
        b'{"name": ' + b"[" * 400 + b"]" * 400 + b"}",
    ],
)
async def test_d121_hostile_json_is_a_problem_that_names_a_field(client, content):
    answer = await client.post("/things", content=content, headers=JSON)
    assert code_of(answer) == (422, "validation_failed")
    assert answer.json()["errors"]


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"Content-Type": "text/plain"},
        {"Content-Type": "application/x-www-form-urlencoded"},
        {"Content-Type": "application/json; charset=utf-16"},
        {"Content-Type": "application/jsonp"},
        [("Content-Type", "application/json"), ("Content-Type", "text/plain")],
        [("Content-Type", "application/json"), ("Content-Type", "application/json")],
    ],
    ids=repr,
)
async def test_a_body_that_does_not_say_it_is_json_is_415(client, headers):
    answer = await client.post("/things", content=b'{"name": "a"}', headers=headers)
    assert code_of(answer) == (415, "unsupported_media_type")


@pytest.mark.parametrize(
    "said", ["application/json", 'application/json; charset="UTF-8"', "application/a+json"]
)
async def test_json_is_taken_however_it_is_said(client, said):
    headers = {"Content-Type": said}
    answer = await client.post("/things", content=b'{"name": "a"}', headers=headers)
    assert answer.json() == {"thing": {"name": "a", "sizes": [], "marks": []}, "page": 1}


async def test_a_post_without_a_body_needs_no_type(client):
    assert (await client.post("/empty")).status_code == 204


@pytest.mark.parametrize(("spaces", "status"), [(987, 200), (988, 413)])
async def test_d09_a_body_is_taken_to_its_limit_and_not_a_byte_past_it(client, spaces, status):
    content = b'{"name": "a"}' + b" " * spaces
    answer = await client.post("/things", content=content, headers=JSON)
    assert answer.status_code == status


class Caller:
    """The server's side of ASGI for one request, its body in parts of 100 bytes."""

    def __init__(
        self,
        parts: int,
        *,
        headers: dict[str, str],
        hangs_up: bool = False,
        stalls: bool = False,
    ) -> None:
        self.given = 0
        self.given_when_answered = -1
        self.sent: list[dict[str, Any]] = []
        self._parts, self._more = parts, hangs_up or stalls
        self._gone = asyncio.Event()
        if not stalls:
            self._gone.set()
        self.scope = {
            "type": "http",
            "asgi": {"version": "3.0"},
            "http_version": "1.1",
            "method": "POST",
            "path": "/things",
            "raw_path": b"/things",
            "root_path": "",
            "scheme": "http",
            "query_string": b"",
            "headers": [(k.encode(), v.encode()) for k, v in headers.items()],
        }

    async def receive(self) -> dict[str, Any]:
        if self.given == self._parts:
            await self._gone.wait()
            return {"type": "http.disconnect"}
        self.given += 1
        more = self._more or self.given < self._parts
        return {"type": "http.request", "body": b" " * 100, "more_body": more}

    async def send(self, message: dict[str, Any]) -> None:
        if not self.sent:
            self.given_when_answered = self.given
        self.sent.append(message)


def status_of(caller):
    return caller.sent[0]["status"], (b"connection", b"close") in caller.sent[0]["headers"]


async def test_d09_a_body_of_unknown_length_is_refused_while_it_is_read():
    caller = Caller(50, headers={"content-type": "application/json"})
    await small_app()(caller.scope, caller.receive, caller.send)
    assert status_of(caller) == (413, True)
    assert caller.given_when_answered == 11


async def test_d09_a_body_that_announces_too_much_is_refused_unread():
    caller = Caller(50, headers={"content-length": "9" * 30})
    await small_app()(caller.scope, caller.receive, caller.send)
    assert status_of(caller) == (413, True)
    assert caller.given_when_answered == 0


async def test_what_is_too_large_is_let_run_out_but_not_for_ever():
    caller = Caller(1_000_000, headers={"content-length": "9" * 30})
    desk = JsonBodies(
        small_app(), faces=Faces(), limit_bytes=1000, depth_max=8, drained_bytes_max=5000
    )
    await desk(caller.scope, caller.receive, caller.send)
    assert status_of(caller) == (413, True)
    assert caller.given == 50
    assert [message.get("more_body") for message in caller.sent] == [None, True, False]


async def test_a_caller_that_waits_to_be_asked_for_its_body_is_not_asked():
    headers = {"content-length": "5000", "expect": "100-continue"}
    caller = Caller(50, headers=headers)
    await small_app()(caller.scope, caller.receive, caller.send)
    assert status_of(caller) == (413, True)
    assert caller.given == 0


@pytest.mark.parametrize("announced", [{}, {"Content-Length": str(8 * 2**20)}], ids=repr)
async def test_d09_a_real_client_hears_413_though_it_says_all_first(announced):
    async def body() -> AsyncIterator[bytes]:
        for _ in range(8):
            yield bytes(2**20)

    async with serving(small_app()) as url, httpx.AsyncClient(base_url=url) as client:
        answer = await client.post("/things", content=body(), headers={**JSON, **announced})
        after = await client.post("/things", json={"name": "a"})
    assert code_of(answer) == (413, "payload_too_large")
    assert after.status_code == 200


@pytest.mark.parametrize("announced", [{}, {"content-length": "900"}], ids=repr)
async def test_a_body_that_does_not_come_is_not_waited_for_for_ever(announced):
    caller = Caller(2, headers={"content-type": "application/json", **announced}, stalls=True)
    desk = JsonBodies(
        small_app(), faces=Faces(), limit_bytes=1000, depth_max=8, read_s_max=0.01
    )
    await desk(caller.scope, caller.receive, caller.send)
    assert status_of(caller) == (408, True)
    assert b'"request_timeout"' in caller.sent[1]["body"]


async def test_a_caller_that_hangs_up_in_mid_body_is_not_answered():
    caller = Caller(2, headers={"content-type": "application/json"}, hangs_up=True)
    await small_app()(caller.scope, caller.receive, caller.send)
    assert caller.sent == []


ORIGIN = "https://app.test"


@pytest.mark.parametrize(
    ("allowed", "origin", "answered"),
    [
        ((), ORIGIN, None),
        ((ORIGIN,), "https://evil.test", None),
        ((ORIGIN,), ORIGIN, ORIGIN),
    ],
)
async def test_d87_an_unknown_origin_gets_no_cors_headers(allowed, origin, answered):
    async with client_of(small_app(cors_origins=allowed)) as client:
        good = await client.post("/things", json={"name": "a"}, headers={"Origin": origin})
        bad = await client.post("/things", json=[], headers={"Origin": origin})
    assert good.headers.get("access-control-allow-origin") == answered
    assert bad.headers.get("access-control-allow-origin") == answered
    assert "access-control-allow-credentials" not in good.headers


async def test_d87_a_browser_may_ask_beforehand_with_the_headers_it_needs():
    asked = {
        "Origin": ORIGIN,
        "Access-Control-Request-Method": "POST",
        "Access-Control-Request-Headers": "authorization, content-type, idempotency-key",
    }
    async with client_of(small_app(cors_origins=(ORIGIN,))) as client:
        answer = await client.options("/things", headers=asked)
    assert (answer.status_code, answer.headers["x-request-id"]) == (200, "request-1")
    assert answer.headers["access-control-allow-origin"] == ORIGIN
