"""Uploads and assets over HTTP, with a browser that PUTs into a bucket in memory."""

import asyncio
import hashlib
import json
import os
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import count
from pathlib import Path
from typing import Any
from urllib.parse import quote

import httpx
import pytest
from fastapi import FastAPI
from hypothesis import given
from hypothesis import strategies as st

from gateway.adapters.memory.keys import MemoryKeyStore
from gateway.adapters.memory.objects import MemoryObjectStore
from gateway.adapters.memory.url_signer import MemoryUrlSigner
from gateway.api import assets, front_desk, uploads
from gateway.core.tickets import Tickets
from gateway.services.api_keys import ApiKeys
from gateway.services.assets import Assets
from gateway.services.look_at_upload import LookAtUpload
from gateway.services.multipart_uploads import MultipartUploads
from gateway.services.sweep_uploads import SweepUploads
from gateway.services.uploads import Uploads
from tests.support.jobs import HandClock
from tests.support.uploads import UPLOAD_STORES, UploadStores

MP4 = b"\0\0\0\x18ftypisom\0\0\2\0isommp42" + bytes(976)
PNG = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR" + bytes(20)
HTML = b"<!doctype html><script>alert(1)</script>"
LARGEST = 5 * 2**30


@dataclass(frozen=True, slots=True)
class Desk:
    """A gateway that takes uploads, and what a test moves around it."""

    api: httpx.AsyncClient
    keys: dict[str, str]
    stores: UploadStores
    objects: MemoryObjectStore
    signer: MemoryUrlSigner
    clock: HandClock
    sweep: SweepUploads

    async def ask(self, method: str, path: str, key: str = "default", **more: Any):
        headers = {"Authorization": f"Bearer {self.keys.get(key, key)}"}
        return await self.api.request(method, f"/v1{path}", headers=headers, **more)

    async def promise(self, body: bytes = MP4, content_type: str = "video/mp4", **more: Any):
        asked = {"filename": "a.mp4", "content_type": content_type, "size_bytes": len(body)}
        answer = await self.ask("POST", "/uploads", json={**asked, **more})
        assert answer.status_code == 201, answer.text
        return answer.json()

    def put(self, upload: dict[str, Any], body: bytes = MP4, **headers: str) -> int:
        sent = {**upload["headers"], **headers}
        return self.objects.put(upload["url"], body, sent).status

    async def complete(self, upload: dict[str, Any], **more: Any):
        return await self.ask("POST", f"/uploads/{upload['upload_id']}/complete", **more)

    async def an_asset(self) -> dict[str, Any]:
        upload = await self.promise()
        assert self.put(upload) == 200
        return (await self.complete(upload)).json()

    async def stored(self) -> list[str]:
        return await self.objects.list_keys("", None, 100)


@asynccontextmanager
async def a_desk(kind: str, folder: Path) -> AsyncIterator[Desk]:
    clock, ids = HandClock(), count(1)
    signer = MemoryUrlSigner(secret=b"bucket" * 6, clock=clock)
    objects = MemoryObjectStore(signer)
    keys = ApiKeys(MemoryKeyStore(), clock, os.urandom)
    made = {
        "default": (await keys.create("default"))[0],
        "other": (await keys.create("other"))[0],
        "reader": (await keys.create("default", ["read"]))[0],
        "uploader": (await keys.create("default", ["uploads"]))[0],
    }
    async with UPLOAD_STORES[kind](folder) as stores:
        app = FastAPI()
        app.state.api_keys = keys

        def new_id() -> str:
            return f"id-{next(ids)}"

        app.state.uploads = Uploads(
            store=stores.uploads,
            objects=objects,
            signer=signer,
            look=LookAtUpload(stores.uploads, objects, clock, new_id),
            in_parts=MultipartUploads(stores.uploads, objects, signer, clock),
            tickets=Tickets(b"ticket" * 6, "tu_"),
            clock=clock,
            new_id=new_id,
            largest_bytes=LARGEST,
            url_life_s=3600,
        )
        app.state.assets = Assets(stores.uploads, objects, signer, clock, url_life_s=600)
        front_desk.install(
            app, new_id=lambda: "request-1", json_body_bytes=100_000, json_depth=8
        )
        app.include_router(uploads.router)
        app.include_router(assets.router)
        transport = httpx.ASGITransport(app)
        async with httpx.AsyncClient(transport=transport, base_url="http://cutroom") as api:
            sweep = SweepUploads(stores.uploads, objects, objects, clock)
            yield Desk(api, made, stores, objects, signer, clock, sweep)


@pytest.fixture(params=UPLOAD_STORES)
async def desk(request, tmp_path) -> AsyncIterator[Desk]:
    async with a_desk(request.param, tmp_path) as desk:
        yield desk


def code_of(answer):
    return answer.status_code, answer.json()["code"]


def fields_of(answer):
    return [error["field"] for error in answer.json()["errors"]]


async def test_a_browser_puts_a_file_and_it_becomes_an_asset(desk):
    upload = await desk.promise(filename="Ann's match.mp4", duration_s=12.5)
    assert desk.put(upload) == 200
    answer = await desk.complete(upload, json={})
    assert answer.status_code == 200
    etag = hashlib.md5(MP4, usedforsecurity=False).hexdigest()
    assert answer.json() == {
        "asset_id": answer.json()["asset_id"],
        "key": upload["key"],
        "filename": "Ann's match.mp4",
        "content_type": "video/mp4",
        "size_bytes": 1000,
        "etag": etag,
        "sha256": None,
        "probe": None,
        "created_at": "2026-11-21T12:00:00.000000Z",
    }
    again = await desk.ask("GET", f"/assets/{answer.json()['asset_id']}")
    assert again.json() == answer.json()


async def test_an_upload_says_all_a_browser_needs(desk):
    upload = await desk.promise()
    url, ticket = upload.pop("url"), upload.pop("ticket")
    assert url.startswith("memory://objects/default/uploads/")
    assert ticket.startswith("tu_default.")
    upload_id = upload["upload_id"]
    assert upload == {
        "upload_id": upload_id,
        "status": "pending",
        "key": f"default/uploads/{upload_id}.mp4",
        "filename": "a.mp4",
        "content_type": "video/mp4",
        "size_bytes": 1000,
        "method": "PUT",
        "headers": {
            "content-type": "video/mp4",
            "content-length": "1000",
            "if-none-match": "*",
        },
        "expires_at": "2026-11-21T13:00:00.000000Z",
        "multipart": None,
        "parts": None,
        "asset_id": None,
    }


async def test_d62_all_instants_are_aware_and_end_in_z(desk):
    upload, asset = await desk.promise(), await desk.an_asset()
    for text in (upload["expires_at"], asset["created_at"]):
        assert text.endswith("Z")
        assert datetime.fromisoformat(text).utcoffset() == timedelta(0)


async def test_a_completed_upload_names_its_asset_and_has_no_url(desk):
    asset = await desk.an_asset()
    upload_id = asset["key"].removeprefix("default/uploads/").removesuffix(".mp4")
    upload = (await desk.ask("GET", f"/uploads/{upload_id}")).json()
    assert (upload["status"], upload["asset_id"]) == ("complete", asset["asset_id"])
    assert (upload["url"], upload["headers"], upload["ticket"]) == (None, {}, None)


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"filename": None}, "filename"),
        ({"filename": ""}, "filename"),
        ({"filename": "   "}, "filename"),
        ({"filename": "x" * 256}, "filename"),
        ({"filename": 5}, "filename"),
        ({"content_type": None}, "content_type"),
        ({"size_bytes": 0}, "size_bytes"),
        ({"size_bytes": -1}, "size_bytes"),
        ({"size_bytes": "1000"}, "size_bytes"),
        ({"size_bytes": 2**63}, "size_bytes"),
        ({"sha256": "ab"}, "sha256"),
        ({"sha256": "AB" * 32}, "sha256"),
        ({"duration_s": 0}, "duration_s"),
        ({"tenant": "other"}, "tenant"),
        ({"key": "other/uploads/x.mp4"}, "key"),
    ],
    ids=repr,
)
async def test_a_promise_that_cannot_be_is_refused_by_field(desk, change, field):
    asked = {"filename": "a.mp4", "content_type": "video/mp4", "size_bytes": 1000, **change}
    body = {name: value for name, value in asked.items() if value is not None}
    answer = await desk.ask("POST", "/uploads", json=body)
    assert code_of(answer) == (422, "validation_failed")
    assert fields_of(answer) == [field]


@pytest.mark.parametrize(
    "content_type", ["text/html", "image/svg+xml", "nonsense", "image/gif"]
)
async def test_d10_a_type_that_is_not_taken_is_refused_beforehand(desk, content_type):
    asked = {"filename": "x.png", "content_type": content_type, "size_bytes": 10}
    answer = await desk.ask("POST", "/uploads", json=asked)
    assert code_of(answer) == (415, "unsupported_media_type")


async def test_a_file_over_the_limit_is_refused_beforehand(desk):
    asked = {"filename": "a.mp4", "content_type": "video/mp4", "size_bytes": LARGEST + 1}
    answer = await desk.ask("POST", "/uploads", json=asked)
    assert code_of(answer) == (413, "upload_too_large")


@pytest.mark.parametrize(
    "filename", ["../../etc/passwd", "a/b\\c.mp4", "%2e%2e%2f", "\r\nX: y", "<svg>.mp4"]
)
async def test_d52_a_file_name_comes_into_no_key(desk, filename):
    upload = await desk.promise(filename=filename)
    assert upload["key"] == f"default/uploads/{upload['upload_id']}.mp4"


async def test_a_url_writes_one_object_of_the_declared_type_and_length_once(desk):
    upload = await desk.promise()
    assert desk.put(upload, **{"content-type": "text/html"}) == 403
    assert desk.put(upload, MP4 + b"x", **{"content-length": "1001"}) == 403
    assert desk.put(upload) == 200
    assert desk.put(upload) == 412


async def test_a_hash_given_beforehand_is_signed_and_stands_on_the_asset(desk):
    sha256 = hashlib.sha256(MP4).hexdigest()
    upload = await desk.promise(sha256=sha256)
    assert desk.put(upload, MP4[:-1] + b"x") == 400
    assert desk.put(upload) == 200
    assert (await desk.complete(upload)).json()["sha256"] == sha256


async def test_a_url_is_dead_at_the_uploads_expiry_however_late_it_was_asked_for(desk):
    upload = await desk.promise()
    desk.clock.move(3599.5)
    assert (await desk.ask("GET", f"/uploads/{upload['upload_id']}")).json()["url"] is None
    desk.clock.move(-1000)
    late = (await desk.ask("GET", f"/uploads/{upload['upload_id']}")).json()
    desk.clock.move(1000.5)
    assert desk.put(late) == 403
    assert desk.put(upload) == 403


async def test_completing_before_the_put_is_told_and_can_be_done_again_after(desk):
    upload = await desk.promise()
    assert code_of(await desk.complete(upload)) == (409, "object_missing")
    assert desk.put(upload) == 200
    assert (await desk.complete(upload)).status_code == 200


async def test_completing_again_and_at_once_gives_the_same_asset(desk):
    upload = await desk.promise()
    desk.put(upload)
    answers = await asyncio.gather(*(desk.complete(upload) for _ in range(8)))
    later = await desk.complete(upload)
    assert {answer.status_code for answer in answers} == {200}
    assert {answer.text for answer in answers} == {later.text}


@pytest.mark.parametrize(
    ("body", "content_type", "filename"),
    [
        (HTML, "image/png", "x.png"),
        (b"<svg onload='alert(1)'>", "image/png", "x.png"),
        (PNG, "video/mp4", "x.mp4"),
        (MP4, "video/webm", "x.webm"),
    ],
)
async def test_d10_bytes_that_are_not_what_was_declared_are_refused_and_removed(
    desk, body, content_type, filename
):
    upload = await desk.promise(body, content_type, filename=filename)
    assert desk.put(upload, body) == 200
    assert code_of(await desk.complete(upload)) == (415, "type_mismatch")
    assert await desk.stored() == []
    assert code_of(await desk.complete(upload)) == (409, "upload_aborted")


async def test_an_object_of_another_size_is_refused_and_removed(desk):
    upload = await desk.promise()
    other = desk.signer.sign_put(upload["key"], expires_s=60, content_type="video/mp4")
    assert desk.objects.put(other.url, MP4[:-1], other.headers).status == 200
    answer = await desk.complete(upload)
    assert (code_of(answer), fields_of(answer)) == ((422, "size_mismatch"), ["size_bytes"])
    assert await desk.stored() == []


async def test_a_store_that_is_down_changes_nothing_and_is_503(desk):
    upload = await desk.promise()
    desk.put(upload)
    desk.objects.available = False
    answer = await desk.complete(upload)
    assert (code_of(answer), answer.headers["retry-after"]) == ((503, "unavailable"), "1")
    desk.objects.available = True
    assert (await desk.complete(upload)).status_code == 200


async def test_an_aborted_upload_is_gone_for_good(desk):
    upload = await desk.promise()
    desk.put(upload)
    path = f"/uploads/{upload['upload_id']}"
    assert (await desk.ask("DELETE", path)).status_code == 204
    assert (await desk.ask("DELETE", path)).status_code == 204
    assert await desk.stored() == []
    assert (await desk.ask("GET", path)).json()["status"] == "aborted"
    assert code_of(await desk.complete(upload)) == (409, "upload_aborted")


async def test_a_complete_upload_is_not_aborted(desk):
    upload = await desk.promise()
    desk.put(upload)
    await desk.complete(upload)
    answer = await desk.ask("DELETE", f"/uploads/{upload['upload_id']}")
    assert code_of(answer) == (409, "already_complete")
    assert await desk.stored() == [upload["key"]]


async def test_what_is_put_after_an_abort_is_swept_once_the_url_is_dead(desk):
    upload = await desk.promise()
    await desk.ask("DELETE", f"/uploads/{upload['upload_id']}")
    assert desk.put(upload) == 200
    await desk.sweep()
    assert await desk.stored() == [upload["key"]]
    desk.clock.move(3600)
    await desk.sweep()
    assert await desk.stored() == []


async def test_an_abandoned_upload_is_aborted_and_swept_a_day_after_it_expired(desk):
    upload = await desk.promise()
    desk.put(upload)
    desk.clock.move(3600 + 24 * 3600 - 1)
    await desk.sweep()
    assert await desk.stored() == [upload["key"]]
    desk.clock.move(1)
    await desk.sweep()
    assert await desk.stored() == []
    assert code_of(await desk.complete(upload)) == (409, "upload_aborted")


async def test_a_sweep_that_was_interrupted_goes_on_and_then_rests(desk):
    upload = await desk.promise()
    await desk.ask("DELETE", f"/uploads/{upload['upload_id']}")
    desk.put(upload)
    desk.clock.move(3600)
    desk.objects.available = False
    with pytest.raises(Exception, match="down"):
        await desk.sweep()
    desk.objects.available = True
    await desk.sweep()
    assert await desk.stored() == []
    assert await desk.stores.uploads.to_sweep(desk.clock.now(), 10) == []


async def test_a_download_goes_on_to_a_url_that_keeps_the_name(desk):
    asset = await desk.an_asset()
    answer = await desk.ask("GET", f"/assets/{asset['asset_id']}/content")
    assert (answer.status_code, answer.headers["cache-control"]) == (307, "no-store")
    download = desk.objects.get(answer.headers["location"])
    assert (download.status, download.body) == (200, MP4)
    assert download.headers["content-disposition"] == 'attachment; filename="a.mp4"'


async def test_a_deleted_asset_is_gone_with_its_object(desk):
    asset = await desk.an_asset()
    path = f"/assets/{asset['asset_id']}"
    assert (await desk.ask("DELETE", path)).status_code == 204
    assert await desk.stored() == []
    for method, tail in (("GET", ""), ("GET", "/content"), ("DELETE", "")):
        assert code_of(await desk.ask(method, path + tail)) == (404, "asset_not_found")


async def test_completing_an_upload_whose_asset_was_deleted_is_404(desk):
    upload = await desk.promise()
    desk.put(upload)
    asset = (await desk.complete(upload)).json()
    await desk.ask("DELETE", f"/assets/{asset['asset_id']}")
    assert code_of(await desk.complete(upload)) == (404, "asset_not_found")


async def test_an_asset_an_unfinished_job_reads_is_409_and_stays(desk):
    asset = await desk.an_asset()
    await desk.stores.job_reads(
        await desk.stores.uploads.get_asset("default", asset["asset_id"])
    )
    answer = await desk.ask("DELETE", f"/assets/{asset['asset_id']}")
    assert code_of(answer) == (409, "asset_in_use")
    assert await desk.stored() == [asset["key"]]


async def test_an_asset_deleted_while_the_store_is_down_is_swept_later(desk):
    asset = await desk.an_asset()
    desk.objects.available = False
    assert (await desk.ask("DELETE", f"/assets/{asset['asset_id']}")).status_code == 204
    desk.objects.available = True
    assert await desk.stored() == [asset["key"]]
    desk.clock.move(3600)
    await desk.sweep()
    assert await desk.stored() == []


ROUTES = [
    ("GET", "/uploads/{upload}"),
    ("POST", "/uploads/{upload}/complete"),
    ("DELETE", "/uploads/{upload}"),
    ("GET", "/assets/{asset}"),
    ("GET", "/assets/{asset}/content"),
    ("DELETE", "/assets/{asset}"),
]


@pytest.mark.parametrize(("method", "path"), ROUTES)
async def test_what_is_another_tenants_answers_like_what_is_not_there(desk, method, path):
    upload, asset = await desk.promise(), await desk.an_asset()
    desk.put(upload)
    theirs = path.format(upload=upload["upload_id"], asset=asset["asset_id"])
    nobodys = path.format(upload="id-99", asset="id-99")
    answers = [await desk.ask(method, each, "other") for each in (theirs, nobodys)]
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
    body = {"filename": "a.mp4", "content_type": "video/mp4", "size_bytes": 1}
    sent = {"json": body} if (method, path) == ("POST", "/uploads") else {}
    answer = await desk.ask(method, path.format(upload="id-1", asset="id-1"), key, **sent)
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
    desk.put(mine)
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
async def test_a_completion_takes_an_empty_body_and_no_other(desk, body):
    upload = await desk.promise()
    desk.put(upload)
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
