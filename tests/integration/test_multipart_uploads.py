"""Large files in parts, as a browser sends them, against a store reached over HTTP."""

import hashlib
from datetime import timedelta

import pytest

from gateway.services.sweep_uploads import SweepUploads
from infra.local.object_store import Wrong
from shared.errors import NotFound
from tests.support.jobs import HandClock
from tests.support.upload_desk import MP4, PART_BYTES, PARTS_LIFE_S, a_served_desk, code_of

TWO_PARTS = MP4 + bytes(PART_BYTES)  # 5 MiB and the thousand bytes that are left


@pytest.fixture
async def desk(tmp_path):
    async with a_served_desk(tmp_path) as desk:
        yield desk


@pytest.fixture
async def upload(desk):
    """A short upload in one part: what is asked of it is asked of any."""
    return await desk.promise(multipart=True)


async def fail(desk, wrong, times=3):
    """Let one call go wrong as often as boto3 tries it."""
    desk.bucket.faults.add(wrong, times=times, method="POST")


async def sweep_a_day_after_its_end(desk):
    """Sweep with a clock that is ahead; boto3 signs by the machine's, and the store checks."""
    stores, objects = desk.stores, desk.objects
    ahead = HandClock(desk.clock.now() + timedelta(seconds=PARTS_LIFE_S + 24 * 3600))
    await SweepUploads(stores.upload_sweep, stores.uploads, objects, objects, ahead)()


async def state_of(desk, upload):
    return (await desk.ask("GET", f"/uploads/{upload['upload_id']}")).json()


async def known_parts(desk, upload):
    row = await desk.stores.uploads.get("default", upload["upload_id"])
    return await desk.objects.parts(row.key, row.multipart_id)


async def test_a_file_in_two_parts_becomes_one_asset(desk):
    claimed = hashlib.sha256(TWO_PARTS).hexdigest()
    upload = await desk.promise(TWO_PARTS, multipart=True, sha256=claimed)
    assert upload["multipart"] == {"part_size_bytes": PART_BYTES, "part_count": 2}
    assert (upload["url"], upload["headers"], upload["parts"]) == (None, {}, [])

    asset = await desk.complete(upload, json={"parts": await desk.put_parts(upload, TWO_PARTS)})

    assert asset.status_code == 200, asset.text
    seen = asset.json()
    assert (seen["key"], seen["size_bytes"]) == (upload["key"], len(TWO_PARTS))
    assert seen["etag"].endswith("-2")
    assert seen["sha256"] is None  # nobody has verified it
    stored = await desk.objects.read_range(upload["key"], PART_BYTES - 4, 2000)
    assert stored == TWO_PARTS[PART_BYTES - 4 :]
    done = await state_of(desk, upload)
    assert (done["status"], done["parts"], done["ticket"]) == ("complete", None, None)


async def test_a_browser_that_was_cut_off_goes_on_where_it_was(desk):
    upload = await desk.promise(TWO_PARTS, multipart=True)
    first, second = (await desk.sign(upload, 1, 2)).json()["parts"]
    await desk.bucket.put(first["url"], TWO_PARTS[:PART_BYTES], first["headers"])

    arrived = (await state_of(desk, upload))["parts"]
    assert [(part["part_number"], part["size_bytes"]) for part in arrived] == [(1, PART_BYTES)]
    again = (await desk.sign(upload, 2)).json()["parts"][0]
    assert again["size_bytes"] == second["size_bytes"] == 1000
    await desk.bucket.put(again["url"], TWO_PARTS[PART_BYTES:], again["headers"])

    parts = (await state_of(desk, upload))["parts"]
    named = [{"part_number": part["part_number"], "etag": part["etag"]} for part in parts]
    assert (await desk.complete(upload, json={"parts": named})).status_code == 200


async def test_a_part_url_takes_one_length_and_dies_with_the_upload(desk, upload):
    part = (await desk.sign(upload, 1)).json()["parts"][0]
    assert part["headers"] == {"content-length": "1000"}
    longer = await desk.bucket.put(part["url"], MP4 + b"x", {"content-length": "1001"})
    assert longer.status == 403
    desk.clock.move(PARTS_LIFE_S)
    assert (await desk.bucket.put(part["url"], MP4, part["headers"])).status == 403
    assert code_of(await desk.sign(upload, 1)) == (409, "upload_expired")


async def test_a_store_that_cannot_begin_is_503_and_only_a_row_is_left(desk):
    await fail(desk, Wrong.UNAVAILABLE)
    asked = {"filename": "a.mp4", "content_type": "video/mp4", "size_bytes": 1000}
    answer = await desk.ask("POST", "/uploads", json={**asked, "multipart": True})
    assert code_of(answer) == (503, "unavailable")

    assert (await desk.promise(multipart=True))["status"] == "pending"

    left = await desk.stores.uploads.get("default", "id-1")
    assert (left.status, left.multipart_id) == ("pending", None)
    await sweep_a_day_after_its_end(desk)
    assert (await desk.stores.uploads.get("default", "id-1")).status == "aborted"


async def test_a_store_that_cannot_join_is_503_and_the_next_time_it_does(desk, upload):
    parts = {"parts": await desk.put_parts(upload, MP4)}
    await fail(desk, Wrong.UNAVAILABLE)
    assert code_of(await desk.complete(upload, json=parts)) == (503, "unavailable")
    assert (await state_of(desk, upload))["status"] == "pending"
    assert (await desk.complete(upload, json=parts)).status_code == 200


async def test_a_join_whose_answer_is_lost_is_found_done(desk, upload):
    parts = {"parts": await desk.put_parts(upload, MP4)}
    await fail(desk, Wrong.DROPPED, times=1)
    answer = await desk.complete(upload, json=parts)
    assert (answer.status_code, answer.json()["size_bytes"]) == (200, 1000)


async def test_a_join_whose_every_answer_is_lost_is_503_and_a_repeat_finds_it_done(
    desk, upload
):
    parts = {"parts": await desk.put_parts(upload, MP4)}
    await fail(desk, Wrong.DROPPED)
    assert code_of(await desk.complete(upload, json=parts)) == (503, "unavailable")
    first = await desk.complete(upload, json=parts)
    assert (first.status_code, first.text) == (200, (await desk.complete(upload)).text)


async def test_an_aborted_upload_leaves_no_parts_and_takes_none(desk, upload):
    part = (await desk.sign(upload, 1)).json()["parts"][0]
    await desk.bucket.put(part["url"], MP4, part["headers"])
    answer = await desk.ask("DELETE", f"/uploads/{upload['upload_id']}")
    assert answer.status_code == 204
    assert (await desk.bucket.put(part["url"], MP4, part["headers"])).status == 404
    with pytest.raises(NotFound):
        await known_parts(desk, upload)


async def test_the_parts_of_an_abandoned_upload_are_swept(desk, upload):
    await desk.put_parts(upload, MP4)
    await sweep_a_day_after_its_end(desk)
    with pytest.raises(NotFound):
        await known_parts(desk, upload)
    assert code_of(await desk.complete(upload)) == (409, "upload_aborted")


async def test_a_ticket_is_enough_for_all_a_browser_does(desk, upload):
    ticket = upload["ticket"]
    signed = await desk.sign(upload, 1, key=ticket)
    part = signed.json()["parts"][0]
    put = await desk.bucket.put(part["url"], MP4, part["headers"])
    named = [{"part_number": 1, "etag": put.headers["etag"]}]
    path = f"/uploads/{upload['upload_id']}"
    answer = await desk.ask("POST", f"{path}/complete", ticket, json={"parts": named})
    assert answer.status_code == 200
    other = await desk.promise(multipart=True)
    assert code_of(await desk.sign(other, 1, key=ticket)) == (401, "unauthenticated")
