"""What is refused of uploads in parts, and what is forgiven; with a bucket in memory."""

import asyncio
import json

import pytest
from typing_extensions import override

from gateway.adapters.memory.objects import MemoryObjectStore
from gateway.ports.multipart_store import PartToJoin
from tests.support.jobs import NOON
from tests.support.upload_desk import (
    GIB,
    HTML,
    MP4,
    PART_BYTES,
    PARTS_LIFE_S,
    MemorySide,
    a_desk,
    code_of,
    fields_of,
)
from tests.support.uploads import UPLOAD_STORES, an_upload

TWO_PARTS = MP4 + bytes(PART_BYTES)


@pytest.fixture(params=UPLOAD_STORES)
async def desk(request, tmp_path):
    async with a_desk(request.param, tmp_path) as desk:
        yield desk


class Meddled(MemoryObjectStore):
    """A bucket in which something happens just after a join, or several begin together."""

    def __init__(self, signer):
        super().__init__(signer)
        self.begun, self.let_go = [], []
        self.after_join = None
        self.together = asyncio.Barrier(1)

    @override
    async def begin(self, key, *, content_type):
        multipart_id = await super().begin(key, content_type=content_type)
        self.begun.append(multipart_id)
        await self.together.wait()
        return multipart_id

    @override
    async def abort(self, key, multipart_id):
        self.let_go.append(multipart_id)
        await super().abort(key, multipart_id)

    @override
    async def join(self, key, multipart_id, parts):
        joined = await super().join(key, multipart_id, parts)
        if self.after_join is not None:
            await self.after_join()
        return joined


@pytest.fixture
async def meddled(tmp_path):
    async with a_desk("sqlite", tmp_path, MemorySide(Meddled)) as desk:
        yield desk


@pytest.mark.parametrize(
    ("numbers", "field"),
    [
        ([], "part_numbers"),
        ([1, 1], "part_numbers"),
        (list(range(1, 102)), "part_numbers"),
        ([0], "part_numbers.0"),
        ([10_001], "part_numbers.0"),
        (["1"], "part_numbers.0"),
        ([True], "part_numbers.0"),
        ([1, 3], "part_numbers.1"),
        (None, "part_numbers"),
    ],
)
async def test_parts_that_are_none_of_the_upload_are_refused_by_field(desk, numbers, field):
    upload = await desk.promise(TWO_PARTS, multipart=True)
    path = f"/uploads/{upload['upload_id']}/parts"
    answer = await desk.ask("POST", path, json={"part_numbers": numbers})
    assert code_of(answer) == (422, "validation_failed")
    assert fields_of(answer) == [field]


async def test_only_a_pending_upload_in_parts_is_signed(desk):
    whole, dropped = await desk.promise(), await desk.promise(multipart=True)
    await desk.ask("DELETE", f"/uploads/{dropped['upload_id']}")
    done = await desk.promise(multipart=True)
    await desk.complete(done, json={"parts": await desk.put_parts(done, MP4)})
    assert code_of(await desk.sign(whole, 1)) == (409, "not_multipart")
    assert code_of(await desk.sign(dropped, 1)) == (409, "upload_aborted")
    assert code_of(await desk.sign(done, 1)) == (409, "already_complete")


async def test_all_parts_are_equal_but_the_last_and_add_up(desk):
    size_bytes = 20 * GIB - 1
    upload = await desk.promise(multipart=True, size_bytes=size_bytes)
    assert upload["multipart"] == {"part_size_bytes": PART_BYTES, "part_count": 4096}
    signed = (await desk.sign(upload, 4096, 1)).json()["parts"]
    assert [(part["part_number"], part["size_bytes"]) for part in signed] == [
        (4096, PART_BYTES - 1),
        (1, PART_BYTES),
    ]


async def test_a_large_file_may_take_a_day_and_is_abandoned_a_day_later(desk):
    upload, whole = await desk.promise(TWO_PARTS, multipart=True), await desk.promise()
    desk.clock.move(PARTS_LIFE_S - 60)
    parts = await desk.put_parts(upload, TWO_PARTS)
    seen = await desk.ask("GET", f"/uploads/{upload['upload_id']}", upload["ticket"])
    too_late = await desk.put(whole)
    desk.clock.move(24 * 3600 + 59)
    await desk.sweep()
    done = await desk.complete(upload, json={"parts": parts})
    assert (seen.status_code, seen.json()["expires_at"]) == (200, upload["expires_at"])
    assert (too_late, done.status_code) == (403, 200)


def named(number, etag="ab" * 16):
    return {"part_number": number, "etag": etag}


def _others(parts):
    first, second = parts
    return {
        "none": {},
        "too few": {"parts": [first]},
        "too many": {"parts": [*parts, named(3)]},
        "out of order": {"parts": [second, first]},
        "one twice": {"parts": [first, first]},
        "another tag": {"parts": [first, named(2)]},
    }


@pytest.mark.parametrize("how", list(_others([{}, {}])))
async def test_parts_that_cannot_be_joined_are_told_and_can_be_named_again(desk, how):
    upload = await desk.promise(TWO_PARTS, multipart=True)
    parts = await desk.put_parts(upload, TWO_PARTS)
    answer = await desk.complete(upload, json=_others(parts)[how])
    assert (code_of(answer), fields_of(answer)) == ((422, "validation_failed"), ["parts"])
    assert (await desk.complete(upload, json={"parts": parts})).status_code == 200


async def test_parts_that_have_not_arrived_are_told(desk):
    upload = await desk.promise(TWO_PARTS, multipart=True)
    answer = await desk.complete(upload, json={"parts": [named(1), named(2)]})
    assert (code_of(answer), fields_of(answer)) == ((422, "validation_failed"), ["parts"])


@pytest.mark.parametrize(
    ("parts", "field"),
    [
        ([], "parts"),
        ([named(0)], "parts.0.part_number"),
        ([named("1")], "parts.0.part_number"),
        ([named(1, "")], "parts.0.etag"),
        ([named(1, "<a/>")], "parts.0.etag"),
        ([named(1, "x" * 131)], "parts.0.etag"),
        ([{"part_number": 1}], "parts.0.etag"),
        ([{**named(1), "size_bytes": 1}], "parts.0.size_bytes"),
        ([named(1)] * 10_001, "parts"),
        (5, "parts"),
    ],
    ids=lambda value: repr(value)[:40],
)
async def test_a_completion_that_cannot_be_is_refused_by_field(desk, parts, field):
    upload = await desk.promise(multipart=True)
    answer = await desk.complete(upload, json={"parts": parts})
    assert (code_of(answer), fields_of(answer)) == ((422, "validation_failed"), [field])


async def test_ten_thousand_parts_fit_into_a_body(desk):
    upload = await desk.promise(size_bytes=20 * GIB, multipart=True)
    body = json.dumps({"parts": [named(n, f'"{"ab" * 16}"') for n in range(1, 10_001)]})
    headers = {"Content-Type": "application/json"}
    path = f"/v1/uploads/{upload['upload_id']}/complete"
    headers["X-API-Key"] = desk.keys["default"]
    answer = await desk.api.post(path, content=body, headers=headers)
    assert code_of(answer) == (422, "validation_failed")  # read and judged, not 413
    assert "each of the 4096 parts" in answer.json()["errors"][0]["message"]


async def test_one_put_has_no_parts_to_join(desk):
    upload = await desk.promise()
    await desk.put(upload)
    for _ in ("pending", "complete"):
        answer = await desk.complete(upload, json={"parts": [named(1)]})
        assert (code_of(answer), fields_of(answer)) == ((422, "validation_failed"), ["parts"])
        assert (await desk.complete(upload, json={})).status_code == 200


async def test_completing_parts_again_and_at_once_gives_the_same_asset(desk):
    upload = await desk.promise(multipart=True)
    parts = {"parts": await desk.put_parts(upload, MP4)}
    answers = await asyncio.gather(*(desk.complete(upload, json=parts) for _ in range(8)))
    later = await desk.complete(upload, json={})
    assert {answer.status_code for answer in answers} == {200}
    assert {answer.text for answer in answers} == {later.text}


@pytest.mark.parametrize("said", [{}, {"parts": [named(1)]}, {"parts": [named(7)]}], ids=repr)
async def test_what_was_joined_before_is_answered_by_the_object_whatever_is_named(desk, said):
    upload = await desk.promise(multipart=True)
    (part,) = await desk.put_parts(upload, MP4)
    row = await desk.stores.uploads.get("default", upload["upload_id"])
    to_join = [PartToJoin(1, part["etag"].strip('"'))]
    await desk.objects.join(row.key, row.multipart_id, to_join)
    assert (await desk.ask("GET", f"/uploads/{upload['upload_id']}")).json()["parts"] == []
    assert (await desk.complete(upload, json=said)).status_code == 200


async def test_a_store_that_has_forgotten_the_parts_is_told_as_nothing_there(desk):
    upload = await desk.promise(multipart=True)
    parts = {"parts": await desk.put_parts(upload, MP4)}
    row = await desk.stores.uploads.get("default", upload["upload_id"])
    await desk.objects.abort(row.key, row.multipart_id)
    assert code_of(await desk.complete(upload, json=parts)) == (409, "object_missing")


async def test_joined_bytes_that_are_not_what_was_declared_are_removed(desk):
    upload = await desk.promise(HTML, multipart=True)
    parts = {"parts": await desk.put_parts(upload, HTML)}
    assert code_of(await desk.complete(upload, json=parts)) == (415, "type_mismatch")
    assert await desk.stored() == []
    assert code_of(await desk.complete(upload, json=parts)) == (409, "upload_aborted")


async def test_an_abort_while_the_parts_are_joined_leaves_no_object(meddled):
    upload = await meddled.promise(multipart=True)
    parts = {"parts": await meddled.put_parts(upload, MP4)}

    async def swept() -> None:
        await meddled.stores.uploads.abort("default", upload["upload_id"])

    meddled.objects.after_join = swept
    answer = await meddled.complete(upload, json=parts)
    assert code_of(answer) == (409, "upload_aborted")
    assert await meddled.stored() == []


async def test_an_upload_the_store_was_never_asked_for_is_begun_with_its_first_parts(meddled):
    # As a crash leaves it between the row and the store's answer.
    row = an_upload("u1", part_size_bytes=PART_BYTES, created_at=NOON)
    await meddled.stores.uploads.create(row, row.expires_at)
    upload = (await meddled.ask("GET", "/uploads/u1")).json()
    assert (upload["parts"], meddled.objects.begun) == ([], [])
    answer = await meddled.complete(upload, json={"parts": [named(1)]})
    assert fields_of(answer) == ["parts"]
    parts = {"parts": await meddled.put_parts(upload, MP4)}
    assert (await meddled.complete(upload, json=parts)).status_code == 200


async def test_of_those_who_begin_at_once_one_is_kept_and_the_others_let_go(meddled):
    row = an_upload("u1", part_size_bytes=PART_BYTES, created_at=NOON)
    await meddled.stores.uploads.create(row, row.expires_at)
    upload = {"upload_id": "u1"}
    meddled.objects.together = asyncio.Barrier(4)
    answers = await asyncio.gather(*(meddled.sign(upload, 1) for _ in range(4)))
    assert [answer.status_code for answer in answers] == [200] * 4
    kept = (await meddled.stores.uploads.get("default", "u1")).multipart_id
    assert len(meddled.objects.begun) == 4
    assert {*meddled.objects.let_go, kept} == {*meddled.objects.begun}


async def test_a_part_that_comes_in_after_an_abort_is_swept_once_the_urls_are_dead(meddled):
    upload = await meddled.promise(multipart=True)
    await meddled.ask("DELETE", f"/uploads/{upload['upload_id']}")
    assert meddled.objects.let_go == meddled.objects.begun
    meddled.clock.move(PARTS_LIFE_S)
    await meddled.sweep()
    assert meddled.objects.let_go == meddled.objects.begun * 2
    await meddled.sweep()
    assert meddled.objects.let_go == meddled.objects.begun * 2
