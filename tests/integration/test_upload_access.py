"""Who may use an upload's and an asset's routes, and what is never a 500."""

import asyncio
import json
from contextlib import AsyncExitStack
from typing import Any
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.support.upload_desk import a_desk, code_of
from tests.support.uploads import UPLOAD_STORES


@pytest.fixture(params=UPLOAD_STORES)
async def desk(request, tmp_path):
    async with a_desk(request.param, tmp_path) as desk:
        yield desk


ROUTES = [
    ("GET", "/uploads/{upload}"),
    ("POST", "/uploads/{upload}/parts"),
    ("POST", "/uploads/{upload}/complete"),
    ("DELETE", "/uploads/{upload}"),
    ("GET", "/assets/{asset}"),
    ("GET", "/assets/{asset}/content"),
    ("DELETE", "/assets/{asset}"),
]
BODIES = {
    "/uploads": {"filename": "a.mp4", "content_type": "video/mp4", "size_bytes": 1},
    "/uploads/{upload}/parts": {"part_numbers": [1]},
}


@pytest.mark.parametrize(("method", "path"), ROUTES)
async def test_what_is_another_tenants_answers_like_what_is_not_there(desk, method, path):
    upload, asset = await desk.promise(), await desk.an_asset()
    await desk.put(upload)
    theirs = path.format(upload=upload["upload_id"], asset=asset["asset_id"])
    nobodys = path.format(upload="id-99", asset="id-99")
    sent = {"json": BODIES.get(path)}
    answers = [await desk.ask(method, each, "other", **sent) for each in (theirs, nobodys)]
    assert [answer.status_code for answer in answers] == [404, 404]
    assert answers[0].json() == answers[1].json()
    assert len(await desk.stored()) == 2


@pytest.mark.parametrize(("method", "path"), [*ROUTES, ("POST", "/uploads")])
@pytest.mark.parametrize("key", ["", "ck_no_such", "tu_default.99999999999.x"])
async def test_without_a_good_key_nothing_is_answered(desk, method, path, key):
    path = path.format(upload="id-1", asset="id-1")
    answer = await desk.ask(method, path, key)
    assert code_of(answer) == (401, "unauthenticated")
    assert answer.headers["www-authenticate"] == "Bearer"


@pytest.mark.parametrize(
    ("method", "path", "key"),
    [
        *((method, path, "reader") for method, path in ROUTES if "upload" in path),
        ("POST", "/uploads", "reader"),
        ("DELETE", "/assets/{asset}", "reader"),
        ("GET", "/assets/{asset}", "uploader"),
        ("GET", "/assets/{asset}/content", "uploader"),
    ],
)
async def test_a_key_without_the_scope_is_403(desk, method, path, key):
    named = path.format(upload="id-1", asset="id-1")
    answer = await desk.ask(method, named, key, json=BODIES.get(path))
    assert code_of(answer) == (403, "forbidden")


async def test_a_key_is_taken_from_either_header(desk):
    asset = await desk.an_asset()
    path, key = f"/v1/assets/{asset['asset_id']}", desk.keys["reader"]
    for headers in ({"X-API-Key": key}, {"Authorization": f"bearer {key}"}):
        assert (await desk.api.get(path, headers=headers)).status_code == 200
    for headers in ({}, {"Authorization": f"Basic {key}"}, {"Authorization": key}):
        assert (await desk.api.get(path, headers=headers)).status_code == 401


async def test_a_ticket_opens_the_routes_of_its_upload_alone(desk):
    mine, next_one = await desk.promise(), await desk.promise()
    await desk.put(mine)
    ticket = mine["ticket"]
    path = f"/uploads/{mine['upload_id']}"
    assert (await desk.ask("GET", path, ticket)).json()["upload_id"] == mine["upload_id"]
    asset = (await desk.ask("POST", f"{path}/complete", ticket)).json()
    for method, other in (
        ("GET", f"/uploads/{next_one['upload_id']}"),
        ("GET", f"/assets/{asset['asset_id']}"),
        ("POST", "/uploads"),
    ):
        answer = await desk.ask(method, other, ticket)
        assert code_of(answer) == (401, "unauthenticated")


async def test_a_ticket_dies_with_its_upload(desk):
    upload = await desk.promise()
    desk.clock.move(3600)
    answer = await desk.ask("GET", f"/uploads/{upload['upload_id']}", upload["ticket"])
    assert code_of(answer) == (401, "unauthenticated")


@pytest.mark.parametrize("body", [{"parts": []}, [], "x", {"a": 1}], ids=repr)
async def test_a_completion_of_one_put_takes_an_empty_body_and_no_other(desk, body):
    upload = await desk.promise()
    await desk.put(upload)
    assert code_of(await desk.complete(upload, json=body)) == (422, "validation_failed")


@pytest.mark.parametrize("text", ["..", "%2e%2e%2f", "%00", "%ff", "x" * 5000])
async def test_d52_an_id_of_any_form_is_404_and_never_500(desk, text):
    for path in (f"/uploads/{text}", f"/assets/{text}"):
        assert (await desk.ask("GET", path)).status_code == 404


ANY_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=5,
)
ALMOST_PROMISES = st.fixed_dictionaries(
    {
        "filename": ANY_JSON | st.just("a.mp4"),
        "content_type": ANY_JSON | st.sampled_from(["video/mp4", "VIDEO/MP4;x=\0"]),
        "size_bytes": ANY_JSON | st.just(1),
    },
    optional={"sha256": ANY_JSON, "duration_s": ANY_JSON, "multipart": ANY_JSON},
)


def test_whatever_is_asked_the_answer_is_never_500(tmp_path):
    with asyncio.Runner() as runner:
        stack = AsyncExitStack()
        desk = runner.run(stack.enter_async_context(a_desk("memory", tmp_path)))
        headers = {"Content-Type": "application/json", "X-API-Key": desk.keys["default"]}

        @given(asked=ALMOST_PROMISES | ANY_JSON, upload_id=st.text(min_size=1, max_size=10))
        def ask(asked: Any, upload_id: str) -> None:
            body, path = json.dumps(asked), f"/v1/uploads/{quote(upload_id, safe='')}x"
            promised = runner.run(desk.api.post("/v1/uploads", content=body, headers=headers))
            read = runner.run(desk.api.get(path, headers=headers))
            assert promised.status_code in {201, 413, 415, 422}
            assert read.status_code == 404

        ask()
        runner.run(stack.aclose())
