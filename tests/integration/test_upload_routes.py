"""Uploads over HTTP, with a browser that PUTs into a bucket in memory."""

import asyncio
import hashlib
from datetime import datetime, timedelta

import pytest

from tests.support.upload_desk import (
    GIB,
    HTML,
    LARGEST,
    MP4,
    PNG,
    a_desk,
    code_of,
    fields_of,
)
from tests.support.uploads import UPLOAD_STORES


@pytest.fixture(params=UPLOAD_STORES)
async def desk(request, tmp_path):
    async with a_desk(request.param, tmp_path) as desk:
        yield desk


async def test_a_browser_puts_a_file_and_it_becomes_an_asset(desk):
    upload = await desk.promise(filename="Ann's match.mp4", duration_s=12.5)
    assert await desk.put(upload) == 200
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


async def test_more_than_one_put_can_hold_is_told_to_come_in_parts(desk):
    asked = {"filename": "a.mp4", "content_type": "video/mp4", "size_bytes": 5 * GIB + 1}
    answer = await desk.ask("POST", "/uploads", json=asked)
    assert code_of(answer) == (413, "upload_too_large")
    assert "multipart" in answer.json()["detail"]
    largest = await desk.ask("POST", "/uploads", json={**asked, "size_bytes": 5 * GIB})
    in_parts = await desk.ask("POST", "/uploads", json={**asked, "multipart": True})
    assert (largest.status_code, in_parts.status_code) == (201, 201)


@pytest.mark.parametrize(
    "filename", ["../../etc/passwd", "a/b\\c.mp4", "%2e%2e%2f", "\r\nX: y", "<svg>.mp4"]
)
async def test_d52_a_file_name_comes_into_no_key(desk, filename):
    upload = await desk.promise(filename=filename)
    assert upload["key"] == f"default/uploads/{upload['upload_id']}.mp4"


async def test_a_url_writes_one_object_of_the_declared_type_and_length_once(desk):
    upload = await desk.promise()
    assert await desk.put(upload, **{"content-type": "text/html"}) == 403
    assert await desk.put(upload, MP4 + b"x", **{"content-length": "1001"}) == 403
    assert await desk.put(upload) == 200
    assert await desk.put(upload) == 412


async def test_a_hash_given_beforehand_is_signed_and_stands_on_the_asset(desk):
    sha256 = hashlib.sha256(MP4).hexdigest()
    upload = await desk.promise(sha256=sha256)
    assert await desk.put(upload, MP4[:-1] + b"x") == 400
    assert await desk.put(upload) == 200
    assert (await desk.complete(upload)).json()["sha256"] == sha256


async def test_a_url_is_dead_at_the_uploads_expiry_however_late_it_was_asked_for(desk):
    upload = await desk.promise()
    desk.clock.move(3599.5)
    assert (await desk.ask("GET", f"/uploads/{upload['upload_id']}")).json()["url"] is None
    desk.clock.move(-1000)
    late = (await desk.ask("GET", f"/uploads/{upload['upload_id']}")).json()
    desk.clock.move(1000.5)
    assert await desk.put(late) == 403
    assert await desk.put(upload) == 403


async def test_completing_before_the_put_is_told_and_can_be_done_again_after(desk):
    upload = await desk.promise()
    assert code_of(await desk.complete(upload)) == (409, "object_missing")
    assert await desk.put(upload) == 200
    assert (await desk.complete(upload)).status_code == 200


async def test_completing_again_and_at_once_gives_the_same_asset(desk):
    upload = await desk.promise()
    await desk.put(upload)
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
    assert await desk.put(upload, body) == 200
    assert code_of(await desk.complete(upload)) == (415, "type_mismatch")
    assert await desk.stored() == []
    assert code_of(await desk.complete(upload)) == (409, "upload_aborted")


async def test_an_object_of_another_size_is_refused_and_removed(desk):
    upload = await desk.promise()
    other = desk.bucket.signer.sign_put(upload["key"], expires_s=60, content_type="video/mp4")
    assert desk.objects.put(other.url, MP4[:-1], other.headers).status == 200
    answer = await desk.complete(upload)
    assert (code_of(answer), fields_of(answer)) == ((422, "size_mismatch"), ["size_bytes"])
    assert await desk.stored() == []


async def test_a_store_that_is_down_changes_nothing_and_is_503(desk):
    upload = await desk.promise()
    await desk.put(upload)
    desk.objects.available = False
    answer = await desk.complete(upload)
    assert (code_of(answer), answer.headers["retry-after"]) == ((503, "unavailable"), "1")
    desk.objects.available = True
    assert (await desk.complete(upload)).status_code == 200
