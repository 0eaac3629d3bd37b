"""Every `ObjectStore` and `MultipartStore` keeps the same rules."""

import asyncio
import hashlib
from collections.abc import AsyncIterator
from io import BytesIO
from pathlib import Path

import pytest

from gateway.ports.multipart_store import PartToJoin
from gateway.ports.object_store import StoredObject
from shared.errors import Conflict, NotFound, TryAgainLater, ValidationFailed
from tests.support.buckets import Bucket, MemoryBucket, r2_bucket

MIB = 2**20
KEYS = ["plain", "a/b c+é%20&=?#.mp4", "日本/😀", "/leading//twice/", "~tilde.-_", "a" * 1024]


@pytest.fixture(params=["memory", "r2"])
async def bucket(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Bucket]:
    if request.param == "memory":
        yield MemoryBucket()
        return
    async with r2_bucket(tmp_path) as served:
        yield served


async def _put(bucket: Bucket, key: str, body: bytes = b"bytes") -> StoredObject:
    return await bucket.objects.put_file(
        key, BytesIO(body), content_type="video/mp4", size_bytes=len(body)
    )


async def _put_part(bucket: Bucket, key: str, upload: str, number: int, body: bytes) -> str:
    signed = bucket.signer.sign_part(key, upload, number, expires_s=60, size_bytes=len(body))
    answer = await bucket.put(signed, body)
    assert answer.status == 200
    return answer.headers["etag"].strip('"')


async def test_what_was_put_is_described(bucket: Bucket) -> None:
    stored = await _put(bucket, "k", b"hello")
    md5 = hashlib.md5(b"hello", usedforsecurity=False).hexdigest()
    assert stored == StoredObject("k", 5, md5, "video/mp4")
    assert await bucket.objects.head("k") == stored


async def test_any_key_keeps_its_own_object(bucket: Bucket) -> None:
    for key in KEYS:
        await _put(bucket, key, key.encode())
    for key in KEYS:
        assert await bucket.objects.read_range(key, 0, 2000) == key.encode()
    assert await bucket.objects.list_keys("", None, 100) == sorted(KEYS)


async def test_nothing_is_known_of_a_key_never_put(bucket: Bucket) -> None:
    assert await bucket.objects.head("nothing") is None
    with pytest.raises(NotFound):
        await bucket.objects.read_range("nothing", 0, 10)


@pytest.mark.parametrize(
    ("start", "length", "expected"),
    [(0, 3, b"012"), (3, 4, b"3456"), (8, 100, b"89"), (10, 1, b""), (50, 5, b"")],
)
async def test_a_range_is_cut_at_the_end(
    bucket: Bucket, start: int, length: int, expected: bytes
) -> None:
    await _put(bucket, "k", b"0123456789")
    assert await bucket.objects.read_range("k", start, length) == expected


async def test_an_empty_object_has_an_empty_beginning(bucket: Bucket) -> None:
    await _put(bucket, "k", b"")
    assert await bucket.objects.read_range("k", 0, 64 * 1024) == b""


@pytest.mark.parametrize(("start", "length"), [(-1, 5), (0, 0)])
async def test_a_range_of_nothing_is_a_broken_promise(
    bucket: Bucket, start: int, length: int
) -> None:
    with pytest.raises(ValueError, match="range"):
        await bucket.objects.read_range("k", start, length)


async def test_a_file_is_put_from_where_it_stands(bucket: Bucket) -> None:
    file = BytesIO(b"skipped-kept")
    file.seek(8)
    await bucket.objects.put_file("k", file, content_type="image/png", size_bytes=4)
    assert await bucket.objects.read_range("k", 0, 100) == b"kept"


async def test_a_key_is_written_once(bucket: Bucket) -> None:
    await _put(bucket, "k", b"first")
    with pytest.raises(Conflict):
        await _put(bucket, "k", b"other")
    assert await bucket.objects.read_range("k", 0, 10) == b"first"


async def test_the_same_bytes_again_are_no_conflict(bucket: Bucket) -> None:
    first = await _put(bucket, "k", b"same")
    assert await _put(bucket, "k", b"same") == first


async def test_of_many_writers_at_once_one_wins(bucket: Bucket) -> None:
    bodies = [b"%d" % number for number in range(8)]
    ends = await asyncio.gather(
        *(_put(bucket, "k", body) for body in bodies), return_exceptions=True
    )
    won = [end for end in ends if isinstance(end, StoredObject)]
    assert len(won) == 1
    assert sum(isinstance(end, Conflict) for end in ends) == 7
    assert await bucket.objects.head("k") == won[0]


async def test_deleting_twice_is_deleting_once(bucket: Bucket) -> None:
    await _put(bucket, "k")
    await bucket.objects.delete("k")
    await bucket.objects.delete("k")
    assert await bucket.objects.head("k") is None


async def test_keys_are_listed_by_prefix_in_order_and_after_one(bucket: Bucket) -> None:
    for key in ["a/2", "a/1", "a/10", "b/1", "a", "a/\U0001f600", "a/\uffed"]:
        await _put(bucket, key)
    everything = ["a/1", "a/10", "a/2", "a/\uffed", "a/\U0001f600"]
    assert await bucket.objects.list_keys("a/", None, 100) == everything
    assert await bucket.objects.list_keys("a/", None, 2) == everything[:2]
    assert await bucket.objects.list_keys("a/", "a/10", 2) == everything[2:4]
    assert await bucket.objects.list_keys("a/", everything[-1], 2) == []
    assert await bucket.objects.list_keys("nothing", None, 2) == []


async def test_a_bucket_that_answers_passes_its_check(bucket: Bucket) -> None:
    await bucket.objects.check()


async def test_an_outage_is_try_again_later_on_every_call(bucket: Bucket) -> None:
    objects = bucket.objects
    bucket.fail()
    for call in [
        objects.head("k"),
        objects.read_range("k", 0, 1),
        _put(bucket, "k"),
        objects.delete("k"),
        objects.list_keys("", None, 1),
        objects.check(),
        objects.begin("k", content_type="video/mp4"),
        objects.parts("k", "0" * 32),
        objects.join("k", "0" * 32, [PartToJoin(1, "0" * 32)]),
        objects.abort("k", "0" * 32),
    ]:
        with pytest.raises(TryAgainLater):
            await call


async def test_parts_make_one_object(bucket: Bucket) -> None:
    upload = await bucket.objects.begin("k", content_type="video/mp4")
    first = await _put_part(bucket, "k", upload, 1, b"a" * 5 * MIB)
    second = await _put_part(bucket, "k", upload, 2, b"b")
    arrived = await bucket.objects.parts("k", upload)
    assert [(p.part_number, p.etag, p.size_bytes) for p in arrived] == [
        (1, first, 5 * MIB),
        (2, second, 1),
    ]

    joined = await bucket.objects.join(
        "k", upload, [PartToJoin(1, first), PartToJoin(2, second)]
    )

    assert (joined.size_bytes, joined.content_type) == (5 * MIB + 1, "video/mp4")
    assert joined.etag.endswith("-2")
    assert await bucket.objects.head("k") == joined
    assert await bucket.objects.read_range("k", 5 * MIB - 2, 10) == b"aab"


async def test_a_part_put_again_replaces_the_first(bucket: Bucket) -> None:
    upload = await bucket.objects.begin("k", content_type="video/mp4")
    old = await _put_part(bucket, "k", upload, 1, b"old")
    new = await _put_part(bucket, "k", upload, 1, b"new")
    with pytest.raises(ValidationFailed):
        await bucket.objects.join("k", upload, [PartToJoin(1, old)])
    await bucket.objects.join("k", upload, [PartToJoin(1, new)])
    assert await bucket.objects.read_range("k", 0, 10) == b"new"


async def test_nothing_is_seen_before_the_parts_are_joined(bucket: Bucket) -> None:
    upload = await bucket.objects.begin("k", content_type="video/mp4")
    await _put_part(bucket, "k", upload, 1, b"part")
    assert await bucket.objects.head("k") is None


async def test_parts_that_are_not_what_arrived_are_refused(bucket: Bucket) -> None:
    upload = await bucket.objects.begin("k", content_type="video/mp4")
    one = PartToJoin(1, await _put_part(bucket, "k", upload, 1, b"small"))
    two = PartToJoin(2, await _put_part(bucket, "k", upload, 2, b"last"))
    for parts in [
        [],
        [two, one],
        [one, one],
        [one, two],  # the first is below 5 MiB
        [PartToJoin(1, two.etag)],
        [one, PartToJoin(3, two.etag)],
    ]:
        with pytest.raises(ValidationFailed):
            await bucket.objects.join("k", upload, parts)
    assert await bucket.objects.head("k") is None
    await bucket.objects.join("k", upload, [one])


async def test_parts_of_unequal_size_are_refused_as_r2_does(bucket: Bucket) -> None:
    upload = await bucket.objects.begin("k", content_type="video/mp4")
    sizes = [5 * MIB, 5 * MIB + 1, 1]
    parts = [
        PartToJoin(number, await _put_part(bucket, "k", upload, number, b"x" * size))
        for number, size in enumerate(sizes, 1)
    ]
    with pytest.raises(ValidationFailed):
        await bucket.objects.join("k", upload, parts)
    with pytest.raises(ValidationFailed):  # a last part larger than the others
        await bucket.objects.join("k", upload, parts[:2])
    await bucket.objects.join("k", upload, [parts[0], parts[2]])


async def test_an_upload_is_known_by_its_id_and_its_key_until_it_ends(bucket: Bucket) -> None:
    upload = await bucket.objects.begin("k", content_type="video/mp4")
    part = PartToJoin(1, await _put_part(bucket, "k", upload, 1, b"part"))
    for key, upload_id in [("other", upload), ("k", "0" * 32), ("k", "../../k")]:
        with pytest.raises(NotFound):
            await bucket.objects.parts(key, upload_id)
    await bucket.objects.join("k", upload, [part])
    with pytest.raises(NotFound):
        await bucket.objects.join("k", upload, [part])


async def test_an_aborted_upload_takes_no_more_parts(bucket: Bucket) -> None:
    upload = await bucket.objects.begin("k", content_type="video/mp4")
    await bucket.objects.abort("k", upload)
    await bucket.objects.abort("k", upload)
    signed = bucket.signer.sign_part("k", upload, 1, expires_s=60)
    assert (await bucket.put(signed, b"late")).status == 404
    with pytest.raises(NotFound):
        await bucket.objects.parts("k", upload)
