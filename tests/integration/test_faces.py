"""Each surface words its errors its own way, also where no route of it was found."""

import httpx
import pytest
from fastapi import FastAPI

from gateway.api import framework_problems, front_desk
from gateway.api.faces import Face, Faces
from gateway.core.surfaces import Surface
from shared.errors import Conflict, FieldError, TryAgainLater, ValidationFailed
from shared.job_kind import Wire

SECRET = "/srv/secret host-7"
PLAIN = Face(
    Surface.EXPORTS,
    ("/api/plain", "/api/deep/plain"),
    statuses={"no_such_video": 400, "internal": 418},
    body_bytes=2000,
)
# Another product's words, to see that they are data.
SHOUTING = Face(
    Surface.EXPORTS,
    ("/api/shout",),
    lambda fault: {"error": {"code": fault.code.upper()}, "requestId": fault.request_id},
)


class Thing(Wire):
    """What the small app takes."""

    name: str


ERRORS = {
    "own": Conflict(SECRET, public="No video.", code="no_such_video"),
    "fields": ValidationFailed([FieldError.at(("params", "x"), "is odd")], code="odd"),
    "later": TryAgainLater(SECRET, public="Busy.", retry_after_s=7),
    "bug": KeyError(SECRET),
}


@pytest.fixture
async def http():
    app = FastAPI()
    for prefix in ("/api/plain", "/api/shout", "/v1"):

        @app.get(f"{prefix}/raise/{{name}}")
        async def fail(name: str) -> None:
            raise ERRORS[name]

        @app.post(f"{prefix}/things")
        async def take(thing: Thing) -> str:
            return thing.name

    front_desk.install(
        app,
        new_id=lambda: "request-1",
        json_body_bytes=1000,
        json_depth=8,
        products=(PLAIN, SHOUTING),
    )
    framework_problems.install(app)
    transport = httpx.ASGITransport(app)
    async with httpx.AsyncClient(transport=transport, base_url="http://cutroom") as client:
        yield client


def members_of(answer):
    assert answer.headers["content-type"] == "application/json"
    body = answer.json()
    assert body.pop("request_id") == "request-1"
    assert isinstance(body.pop("detail"), str)
    return answer.status_code, body


async def test_d146_a_products_error_has_detail_code_and_request_id_and_no_more(http):
    answer = await http.get("/api/plain/raise/own")
    assert answer.json() == {
        "detail": "No video.",
        "code": "no_such_video",
        "request_id": "request-1",
    }


async def test_a_code_of_the_surfaces_own_has_the_surfaces_status(http):
    assert (await http.get("/api/plain/raise/own")).status_code == 400
    assert (await http.get("/api/shout/raise/own")).status_code == 409


async def test_d146_refused_fields_are_listed_where_there_are_some(http):
    status, body = members_of(await http.get("/api/plain/raise/fields"))
    errors = [{"field": "params.x", "message": "is odd"}]
    assert (status, body) == (422, {"code": "odd", "errors": errors})


@pytest.mark.parametrize(
    ("method", "path", "sent", "status", "code"),
    [
        ("GET", "/api/plain/nowhere", {}, 404, "not_found"),
        ("GET", "/api/plain", {}, 404, "not_found"),
        ("GET", "/api/plain/things", {}, 405, "method_not_allowed"),
        ("GET", "/api/deep/plain/a/b/c", {}, 404, "not_found"),
        ("POST", "/api/plain/things", {"content": b"x" * 2001}, 413, "payload_too_large"),
        ("POST", "/api/plain/things", {"content": b"x"}, 415, "unsupported_media_type"),
        ("POST", "/api/plain/nowhere", {"content": b"x"}, 415, "unsupported_media_type"),
        ("GET", "/api/plain/raise/later", {}, 503, "unavailable"),
        ("GET", "/api/plain/raise/bug", {}, 500, "internal"),
    ],
)
async def test_d146_what_the_framework_or_a_rule_refuses_wears_the_surfaces_face(
    http, method, path, sent, status, code
):
    answer = await http.request(method, path, **sent)
    assert members_of(answer) == (status, {"code": code})
    assert SECRET not in answer.text


async def test_d146_a_body_that_is_no_json_is_refused_with_its_field(http):
    json = {"Content-Type": "application/json"}
    answer = await http.post("/api/plain/things", content=b'{"name": NaN}', headers=json)
    status, body = members_of(answer)
    assert (status, body["code"]) == (422, "validation_failed")
    assert [error["field"] for error in body["errors"]] == ["name"]


@pytest.mark.parametrize("path", ["/v1/nowhere", "/nowhere", "/", "/api/plainer", "/api"])
async def test_a_path_of_no_product_answers_in_problem_documents(http, path):
    answer = await http.get(path)
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json()["title"] == "Not Found"


async def test_a_surface_of_another_shape_is_only_data(http):
    answer = await http.get("/api/shout/nowhere")
    assert answer.json() == {"error": {"code": "NOT_FOUND"}, "requestId": "request-1"}


@pytest.mark.parametrize(
    ("path", "status"), [("/api/plain/things", 200), ("/api/shout/things", 413)]
)
async def test_a_surface_has_its_own_limit_for_bodies_or_that_of_all(http, path, status):
    answer = await http.post(path, json={"name": "x" * 1500})
    assert answer.status_code == status


def test_the_longest_prefix_wins():
    deep = Face(Surface.EXPORTS, ("/api/plain/deep",))
    faces = Faces((PLAIN, deep))
    assert faces.of("/api/plain/deep/er") is deep
    assert faces.of("/api/plain/deeper") is PLAIN
