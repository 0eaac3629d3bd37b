"""Inputs of exports: promised under the key of a job to be, put by a browser, taken up."""

import asyncio
from datetime import timedelta

import pytest
from typing_extensions import override

from gateway.adapters.memory.objects import MemoryObjectStore
from gateway.core.media_types import HEAD_BYTES
from shared.errors import (
    Conflict,
    NotFound,
    TooLarge,
    UnsupportedMediaType,
    ValidationFailed,
)
from tests.support.export_inputs import an_input, promise, put, refused, take
from tests.support.jobs import NOON
from tests.support.upload_desk import (
    EXPORT_LARGEST,
    HTML,
    MP4,
    MemorySide,
    a_desk,
    code_of,
)
from tests.support.uploads import UPLOAD_STORES, an_upload

DAY_S = 24 * 3600


@pytest.fixture(params=UPLOAD_STORES)
async def desk(request, tmp_path):
    async with a_desk(request.param, tmp_path) as desk:
        yield desk


async def test_s4_8_an_input_has_the_key_of_the_job_to_be_and_fifteen_minutes(desk):
    upload, signed = await promise(desk, filename="Ann's match.mp4")
    assert upload.key == f"input/{upload.upload_id}/video.mp4"
    assert signed.expires_at == upload.expires_at == NOON + timedelta(minutes=15)
    assert signed.headers == {
        "content-type": "video/mp4",
        "content-length": "1000",
        "if-none-match": "*",
    }


@pytest.mark.parametrize(
    ("content_type", "taken_as"),
    [
        ("video/webm", "video/webm"),
        ("video/quicktime", "video/quicktime"),
        ("VIDEO/MP4; codecs=avc1", "video/mp4"),
    ],
)
async def test_s4_8_the_key_is_the_same_for_every_type_of_video(desk, content_type, taken_as):
    upload, signed = await promise(desk, content_type=content_type)
    assert upload.key.endswith("/video.mp4")
    assert signed.headers["content-type"] == taken_as


@pytest.mark.parametrize(
    "content_type", ["video/x-matroska", "video/x-msvideo", "image/png", "audio/mp4", "x", ""]
)
async def test_s4_8_what_is_no_video_of_this_surface_is_415(desk, content_type):
    asked = promise(desk, content_type=content_type)
    assert await refused(UnsupportedMediaType, asked) == "unsupported_media_type"


async def test_s4_8_a_size_over_the_limit_is_413_beforehand(desk):
    asked = promise(desk, size_bytes=EXPORT_LARGEST + 1)
    assert await refused(TooLarge, asked) == "upload_too_large"
    assert (await promise(desk, size_bytes=EXPORT_LARGEST))[0].size_is_limit is False


async def test_s4_8_a_size_that_was_not_said_is_not_signed_and_has_a_limit(desk):
    upload, signed = await promise(desk, size_bytes=None)
    assert "content-length" not in signed.headers
    assert (upload.size_bytes, upload.size_is_limit) == (EXPORT_LARGEST, True)
    assert await put(desk, signed) == 200
    assert (await take(desk, upload)).size_bytes == len(MP4)


@pytest.mark.parametrize("tenant", ["default", "other"])
async def test_d135_an_id_that_was_never_promised_to_the_tenant_is_404(desk, tenant):
    theirs, _ = await promise(desk, "other" if tenant == "default" else "default")
    ours = await desk.promise()  # an upload of /v1 is no promise of a job's id
    for job_id in (theirs.upload_id, ours["upload_id"], "nobody", "../x", "x" * 5000):
        assert await refused(NotFound, promise(desk, tenant, job_id=job_id)) == "not_found"


async def test_d135_no_second_url_once_a_video_is_there_or_taken(desk):
    upload = await an_input(desk)
    again = {"job_id": upload.upload_id}
    assert await refused(Conflict, promise(desk, **again)) == "upload_exists"
    await take(desk, upload)
    assert await refused(Conflict, promise(desk, **again)) == "upload_exists"


async def test_s4_8_an_aborted_upload_gets_no_second_url(desk):
    upload, _ = await promise(desk)
    await desk.stores.uploads.abort("default", upload.upload_id)
    again = promise(desk, job_id=upload.upload_id)
    assert await refused(Conflict, again) == "upload_aborted"


async def test_s4_8_a_fresh_url_takes_over_type_and_size_and_lives_its_own_time(desk):
    first, _ = await promise(desk, size_bytes=7)
    desk.clock.move(3600)
    asked = {"content_type": "video/quicktime", "filename": "b.mov", "size_bytes": None}
    second, signed = await promise(desk, job_id=first.upload_id, **asked)
    assert (second.upload_id, second.key) == (first.upload_id, first.key)
    assert signed.expires_at == NOON + timedelta(minutes=75)
    assert signed.headers == {"content-type": "video/quicktime", "if-none-match": "*"}
    assert await desk.stores.uploads.get("default", first.upload_id) == second


async def test_s4_8_a_fresh_url_may_be_asked_for_just_before_the_sweep(desk):
    upload, _ = await promise(desk)
    desk.clock.move(DAY_S - 1)
    _, signed = await promise(desk, job_id=upload.upload_id)
    desk.clock.move(10)
    await desk.sweep()
    assert await put(desk, signed) == 200
    assert (await take(desk, upload)).upload_id == upload.upload_id


async def test_what_was_put_by_an_earlier_url_of_another_size_is_removed(desk):
    upload, early = await promise(desk)
    await promise(desk, job_id=upload.upload_id, size_bytes=999)
    assert await put(desk, early) == 200
    assert await refused(ValidationFailed, take(desk, upload)) == "size_mismatch"
    assert await desk.stored() == []


async def test_s4_5_taking_completes_a_pending_upload_and_again_gives_the_same_asset(desk):
    upload = await an_input(desk)
    asset = await take(desk, upload)
    assert (asset.key, asset.size_bytes) == (upload.key, len(MP4))
    assert await take(desk, upload) == asset
    there = await desk.ask("GET", f"/assets/{asset.asset_id}")
    assert there.json()["key"] == upload.key


async def test_s4_5_takes_that_race_give_the_same_asset(desk):
    upload = await an_input(desk)
    assets = await asyncio.gather(*(take(desk, upload) for _ in range(8)))
    assert len({asset.asset_id for asset in assets}) == 1


async def test_s4_5_nothing_put_yet_is_told_and_can_be_taken_after(desk):
    upload, signed = await promise(desk)
    assert await refused(Conflict, take(desk, upload)) == "upload_incomplete"
    await put(desk, signed)
    assert (await take(desk, upload)).key == upload.key


async def test_s4_5_another_tenants_input_and_one_nobody_has_are_404_alike(desk):
    upload = await an_input(desk)
    for key in (upload.key, "input/nobody/video.mp4"):
        call = desk.exports.take("other", key)
        assert await refused(NotFound, call) == "input_video_not_found"
    assert (await take(desk, upload)).tenant == "default"


@pytest.mark.parametrize(
    "key",
    [
        "",
        "/etc/passwd",
        "/input/x/video.mp4",
        "C:\\videos\\a.mp4",
        "input",
        "input/",
        "input//video.mp4",
        "input/../default/uploads/id-1.mp4",
        "input/./x",
        "input/x/..",
        "input/x\0/video.mp4",
        "input/x\n/video.mp4",
        "input/\udcff/video.mp4",
        "input/" + "é" * 510,
        "output/j/1/overlay.mp4",
        "default/uploads/id-1.mp4",
        "http://bucket/input/x/video.mp4",
    ],
)
async def test_d109_what_is_no_key_of_an_input_is_422_and_names_the_field(desk, key):
    with pytest.raises(ValidationFailed) as caught:
        await desk.exports.take("default", key, field="source_video_key")
    assert caught.value.what == "input_key_not_allowed"
    assert [error.field for error in caught.value.errors] == ["source_video_key"]


@pytest.mark.parametrize("name", ["working_video.mp4", "source.mp4"])
async def test_inputs_under_their_older_names_stay_readable(desk, name):
    row = an_upload("u1", key=f"input/u1/{name}")
    await desk.stores.uploads.create(row, row.expires_at)
    signed = desk.bucket.signer.sign_put(row.key, expires_s=60, content_type="video/mp4")
    await put(desk, signed)
    asset = await take(desk, row)
    assert asset.key == row.key
    assert desk.exports.reserved_id(asset) is None


async def test_s4_5_bytes_that_are_no_video_are_415_and_removed(desk):
    upload, signed = await promise(desk, size_bytes=len(HTML))
    assert await put(desk, signed, HTML) == 200
    assert await refused(UnsupportedMediaType, take(desk, upload)) == "type_mismatch"
    assert await desk.stored() == []
    assert await refused(NotFound, take(desk, upload)) == "input_video_not_found"


@pytest.mark.parametrize(
    ("body", "error", "code"),
    [
        (b"", ValidationFailed, "size_mismatch"),
        (MP4 + bytes(EXPORT_LARGEST), TooLarge, "upload_too_large"),
    ],
    ids=["none", "too many"],
)
async def test_d135_bytes_past_the_limit_or_none_are_removed_when_taken(
    desk, body, error, code
):
    upload, signed = await promise(desk, size_bytes=None)
    assert await put(desk, signed, body) == 200
    assert await refused(error, take(desk, upload)) == code
    assert await desk.stored() == []


async def test_a_deleted_input_is_404(desk):
    upload = await an_input(desk)
    asset = await take(desk, upload)
    assert (await desk.ask("DELETE", f"/assets/{asset.asset_id}")).status_code == 204
    assert await refused(NotFound, take(desk, upload)) == "input_video_not_found"


async def test_d104_the_id_of_an_input_is_kept_for_its_job_and_no_other_asset_has_one(desk):
    upload = await an_input(desk)
    assert desk.exports.reserved_id(await take(desk, upload)) == upload.upload_id
    of_v1 = await desk.stores.assets.get("default", (await desk.an_asset())["asset_id"])
    assert desk.exports.reserved_id(of_v1) is None


async def test_v1_shows_an_input_as_any_upload_and_signs_no_limit_as_its_size(desk):
    upload, _ = await promise(desk, size_bytes=None)
    shown = (await desk.ask("GET", f"/uploads/{upload.upload_id}")).json()
    assert shown["headers"] == {"content-type": "video/mp4", "if-none-match": "*"}
    assert await desk.put(shown) == 200
    assert (await desk.complete(shown)).json()["size_bytes"] == len(MP4)
    assert code_of(await desk.sign(shown, 1)) == (409, "not_multipart")


class Counted(MemoryObjectStore):
    """A bucket that remembers how much of its objects was read."""

    def __init__(self, signer):
        super().__init__(signer)
        self.read_bytes = 0

    @override
    async def read_range(self, key, start, length):
        body = await super().read_range(key, start, length)
        self.read_bytes += len(body)
        return body


async def test_d107_taking_a_large_input_reads_64_kib_of_it(tmp_path):
    async with a_desk("memory", tmp_path, MemorySide(Counted)) as desk:
        body = MP4 + bytes(10 * HEAD_BYTES)
        row = an_upload("u1", key="input/u1/video.mp4", size_bytes=len(body))
        await desk.stores.uploads.create(row, row.expires_at)
        signed = desk.bucket.signer.sign_put(row.key, expires_s=60, content_type="video/mp4")
        await put(desk, signed, body)
        await take(desk, row)
        assert desk.objects.read_bytes == HEAD_BYTES
