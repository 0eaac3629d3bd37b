"""Every `UrlSigner` gives URLs that permit one thing, until a time, and nothing else."""

import hashlib
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta
from io import BytesIO
from pathlib import Path

import pytest

from gateway.ports.url_signer import SignedUrl
from tests.support.buckets import Bucket, MemoryBucket, r2_bucket

SHA256_OF_FIVE = hashlib.sha256(b"12345").hexdigest()


@pytest.fixture(params=["memory", "r2"])
async def bucket(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Bucket]:
    if request.param == "memory":
        yield MemoryBucket()
        return
    async with r2_bucket(tmp_path) as served:
        yield served


async def _stored(bucket: Bucket, key: str) -> bytes | None:
    there = await bucket.objects.head(key)
    return None if there is None else await bucket.objects.read_range(key, 0, 1000)


async def _have(bucket: Bucket, key: str, body: bytes = b"bytes") -> None:
    await bucket.objects.put_file(
        key, BytesIO(body), content_type="video/mp4", size_bytes=len(body)
    )


def _without(signed: SignedUrl, *names: str) -> dict[str, str]:
    return {name: value for name, value in signed.headers.items() if name not in names}


@pytest.mark.parametrize("key", ["k", "a b/c+é%2F&=?#.mp4", "日本/😀"])
async def test_a_put_stores_and_a_get_reads_it_back(bucket: Bucket, key: str) -> None:
    put = bucket.signer.sign_put(key, expires_s=60, content_type="video/mp4")
    written = await bucket.put(put, b"12345")
    read = await bucket.get(bucket.signer.sign_get(key, expires_s=60))
    assert (written.status, read.status, read.body) == (200, 200, b"12345")
    assert read.headers["content-type"] == "video/mp4"
    assert read.headers["etag"] == written.headers["etag"]


async def test_a_url_of_nothing_is_404(bucket: Bucket) -> None:
    assert (await bucket.get(bucket.signer.sign_get("nothing", expires_s=60))).status == 404


async def test_a_download_carries_its_name(bucket: Bucket) -> None:
    await _have(bucket, "k")
    signed = bucket.signer.sign_get("k", expires_s=60, file_name='my "é".mp4')
    answer = await bucket.get(signed)
    assert answer.headers["content-disposition"] == (
        "attachment; filename=\"my _e_.mp4\"; filename*=UTF-8''my%20_%C3%A9_.mp4"
    )


async def test_a_url_says_when_it_dies(bucket: Bucket) -> None:
    signed = bucket.signer.sign_get("k", expires_s=60)
    left = signed.expires_at - bucket.clock.now()
    assert timedelta(seconds=50) < left <= timedelta(seconds=60)
    assert signed.expires_at.utcoffset() == timedelta()


async def test_a_url_is_dead_once_it_expired(bucket: Bucket) -> None:
    await _have(bucket, "k")
    get = bucket.signer.sign_get("k", expires_s=60)
    put = bucket.signer.sign_put("new", expires_s=60, content_type="video/mp4")
    bucket.clock.move(60)
    assert (await bucket.get(get)).status == 403
    assert (await bucket.put(put, b"late")).status == 403
    assert await _stored(bucket, "new") is None


async def test_a_url_is_for_one_method(bucket: Bucket) -> None:
    await _have(bucket, "k")
    get = bucket.signer.sign_get("k", expires_s=60)
    put = bucket.signer.sign_put("k", expires_s=60, content_type="video/mp4")
    assert (await bucket.put(get, b"over")).status == 403
    assert (await bucket.get(put)).status == 403
    assert await _stored(bucket, "k") == b"bytes"


async def test_a_url_is_for_one_key(bucket: Bucket) -> None:
    await _have(bucket, "theirs")
    signed = bucket.signer.sign_get("mine", expires_s=60)
    edited = replace(signed, url=signed.url.replace("mine", "theirs"))
    assert (await bucket.get(edited)).status == 403


async def test_a_url_edited_anywhere_is_dead(bucket: Bucket) -> None:
    await _have(bucket, "k")
    signed = bucket.signer.sign_get("k", expires_s=60, file_name="a.mp4")
    query_at = signed.url.index("?") + 1
    for at in range(query_at, len(signed.url), 7):
        other = "A" if signed.url[at] != "A" else "B"
        edited = replace(signed, url=signed.url[:at] + other + signed.url[at + 1 :])
        assert (await bucket.get(edited)).status in {400, 403}, at


async def test_a_put_is_for_one_type(bucket: Bucket) -> None:
    signed = bucket.signer.sign_put("k", expires_s=60, content_type="video/mp4")
    as_html = {**signed.headers, "content-type": "text/html"}
    assert (await bucket.put(signed, b"12345", as_html)).status == 403
    assert (await bucket.put(signed, b"12345", {})).status == 403
    assert await _stored(bucket, "k") is None


async def test_a_put_is_for_one_length(bucket: Bucket) -> None:
    signed = bucket.signer.sign_put("k", expires_s=60, content_type="video/mp4", size_bytes=5)
    longer = {**signed.headers, "content-length": "6"}
    assert (await bucket.put(signed, b"123456", longer)).status == 403
    assert await _stored(bucket, "k") is None
    assert (await bucket.put(signed, b"12345")).status == 200


async def test_a_put_is_for_bytes_of_one_hash(bucket: Bucket) -> None:
    signed = bucket.signer.sign_put(
        "k", expires_s=60, content_type="video/mp4", sha256_hex=SHA256_OF_FIVE
    )
    other = {**signed.headers, "x-amz-checksum-sha256": "A" * 43 + "="}
    without = _without(signed, "x-amz-checksum-sha256")
    assert (await bucket.put(signed, b"54321")).status == 400
    assert (await bucket.put(signed, b"54321", other)).status == 403
    assert (await bucket.put(signed, b"54321", without)).status == 403
    assert await _stored(bucket, "k") is None
    assert (await bucket.put(signed, b"12345")).status == 200


async def test_a_write_once_put_writes_once(bucket: Bucket) -> None:
    signed = bucket.signer.sign_put(
        "k", expires_s=60, content_type="video/mp4", write_once=True
    )
    assert signed.headers["if-none-match"] == "*"
    assert (await bucket.put(signed, b"over", _without(signed, "if-none-match"))).status == 403
    assert (await bucket.put(signed, b"first")).status == 200
    assert (await bucket.put(signed, b"second")).status == 412
    assert await _stored(bucket, "k") == b"first"


async def test_a_put_not_write_once_may_be_repeated(bucket: Bucket) -> None:
    signed = bucket.signer.sign_put("k", expires_s=60, content_type="video/mp4")
    await bucket.put(signed, b"first")
    assert (await bucket.put(signed, b"second")).status == 200
    assert await _stored(bucket, "k") == b"second"


async def test_a_put_takes_no_amazon_header_that_was_not_signed(bucket: Bucket) -> None:
    signed = bucket.signer.sign_put("k", expires_s=60, content_type="video/mp4")
    more = {**signed.headers, "x-amz-meta-owner": "me"}
    assert (await bucket.put(signed, b"12345", more)).status == 403


async def test_a_part_is_for_one_number_of_one_upload(bucket: Bucket) -> None:
    upload = await bucket.objects.begin("k", content_type="video/mp4")
    signed = bucket.signer.sign_part("k", upload, 1, expires_s=60, size_bytes=4)
    assert (await bucket.put(signed, b"12345", {"content-length": "5"})).status == 403
    assert (await bucket.put(signed, b"part")).status == 200
    assert [p.part_number for p in await bucket.objects.parts("k", upload)] == [1]


async def test_no_url_shows_in_a_repr(bucket: Bucket) -> None:
    signed = bucket.signer.sign_get("k", expires_s=60)
    assert signed.url not in repr(signed)
    assert "ignature" not in repr(signed)


@pytest.mark.parametrize(("key", "expires_s"), [("", 60), ("é" * 513, 60), ("k", 0)])
async def test_what_no_store_takes_is_not_signed(
    bucket: Bucket, key: str, expires_s: int
) -> None:
    with pytest.raises(ValueError, match=r"bytes|seconds"):
        bucket.signer.sign_get(key, expires_s=expires_s)


async def test_a_hash_that_is_none_is_not_signed(bucket: Bucket) -> None:
    with pytest.raises(ValueError, match=r"SHA-256"):
        bucket.signer.sign_put(
            "k", expires_s=60, content_type="video/mp4", sha256_hex="not a hash"
        )
