"""Our boto3 adapter when the store misbehaves, refuses, or is somewhere else."""

import logging
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from io import BytesIO
from pathlib import Path

import httpx
import pytest

from gateway.adapters.r2.objects import R2ObjectStore
from gateway.adapters.r2.presign import R2UrlSigner
from gateway.core.figures import Outcome
from infra.local.object_store import Wrong
from shared.errors import CutroomError, OperatorMustAct, TryAgainLater
from tests.support.buckets import BUCKET, KEY_ID, SECRET, LocalStore, local_store


@pytest.fixture
def store(tmp_path: Path) -> Iterator[LocalStore]:
    with local_store(tmp_path) as served:
        yield served


@pytest.fixture
async def objects(store: LocalStore) -> AsyncIterator[R2ObjectStore]:
    async with store.objects() as opened:
        yield opened


async def _put(objects: R2ObjectStore, key: str, body: bytes = b"bytes") -> str:
    stored = await objects.put_file(
        key, BytesIO(body), content_type="video/mp4", size_bytes=len(body)
    )
    return stored.etag


async def test_a_moment_of_unavailability_is_not_noticed(
    store: LocalStore, objects: R2ObjectStore
) -> None:
    await _put(objects, "k")
    store.faults.add(Wrong.UNAVAILABLE, times=2)
    assert await objects.read_range("k", 0, 10) == b"bytes"


async def test_a_longer_one_is_try_again_later(
    store: LocalStore, objects: R2ObjectStore
) -> None:
    store.faults.add(Wrong.UNAVAILABLE, times=3)
    with pytest.raises(TryAgainLater):
        await objects.head("k")
    assert await objects.head("k") is None


async def test_a_put_whose_answer_was_lost_is_found_to_be_done(
    store: LocalStore, caplog: pytest.LogCaptureFixture
) -> None:
    store.faults.add(Wrong.DROPPED, method="PUT")
    async with store.objects(read_timeout_s=1.5) as objects:
        with caplog.at_level(logging.INFO, logger="infra"):
            etag = await _put(objects, "k")
        stored = await objects.head("k")
    lines = [each for each in caplog.records if each.msg == "object_store.answered"]
    asked = [(line.method, line.status) for line in lines]
    assert asked == [("PUT", 200), ("PUT", 412), ("HEAD", 200)]
    assert stored is not None
    assert stored.etag == etag


async def test_a_store_that_is_too_slow_is_try_again_later(store: LocalStore) -> None:
    store.faults.add(Wrong.SLOW, times=3, delay_s=0.5)
    async with store.objects(read_timeout_s=0.1) as objects:
        with pytest.raises(TryAgainLater):
            await objects.head("k")


async def test_half_a_body_is_never_handed_on(
    store: LocalStore, objects: R2ObjectStore
) -> None:
    await _put(objects, "k", b"x" * 100_000)
    store.faults.add(Wrong.TRUNCATED, method="GET")
    with pytest.raises(TryAgainLater):
        await objects.read_range("k", 0, 100_000)
    assert len(await objects.read_range("k", 0, 100_000)) == 100_000


async def test_another_etag_is_passed_on_as_the_store_says_it(
    store: LocalStore, objects: R2ObjectStore
) -> None:
    await _put(objects, "k")
    store.faults.add(Wrong.WRONG_ETAG, method="HEAD", key_prefix="k")
    stored = await objects.head("k")
    assert stored is not None
    assert stored.etag == "0" * 32


async def test_a_fault_is_for_its_method_and_prefix_alone(
    store: LocalStore, objects: R2ObjectStore
) -> None:
    store.faults.add(Wrong.UNAVAILABLE, times=100, method="DELETE", key_prefix="a/")
    await objects.delete("b/1")
    await objects.check()
    with pytest.raises(TryAgainLater):
        await objects.delete("a/1")
    store.faults.clear()
    await objects.delete("a/1")


async def test_a_store_that_is_not_there_is_try_again_later(store: LocalStore) -> None:
    async with store.objects(endpoint_url="http://127.0.0.1:9") as objects:
        with pytest.raises(TryAgainLater):
            await objects.check()


@pytest.mark.parametrize(
    "wrong",
    [{"secret_access_key": "a guess"}, {"access_key_id": "AKOTHER"}, {"bucket": "nowhere"}],
    ids=["secret", "key id", "bucket"],
)
async def test_a_wrong_setting_is_the_operators(
    store: LocalStore, wrong: dict[str, str]
) -> None:
    async with store.objects(**wrong) as objects:
        with pytest.raises(OperatorMustAct):
            await objects.check()


async def test_no_error_shows_a_secret(store: LocalStore) -> None:
    async with store.objects(secret_access_key="a guess") as objects:
        with pytest.raises(CutroomError) as refused:
            await objects.read_range("k", 0, 1)
    told = f"{refused.value} {refused.value.public} {refused.value.__cause__}"
    assert "Signature=" not in told
    assert "a guess" not in told
    assert BUCKET not in refused.value.public


async def test_browsers_may_reach_the_store_under_another_name(
    store: LocalStore, objects: R2ObjectStore
) -> None:
    await _put(objects, "k")
    port = httpx.URL(store.base_url).port
    signer = R2UrlSigner(
        public_endpoint_url=f"http://localhost:{port}",
        bucket=BUCKET,
        access_key_id=KEY_ID,
        secret_access_key=SECRET,
        clock=store.clock,
    )
    signed = signer.sign_get("k", expires_s=60)
    async with httpx.AsyncClient() as http:
        own = await http.get(signed.url.replace("localhost", "127.0.0.1"))
        public = await http.get(
            signed.url.replace("localhost", "127.0.0.1"), headers={"host": f"localhost:{port}"}
        )
    assert signed.url.startswith(f"http://localhost:{port}/")
    assert (own.status_code, public.status_code, public.content) == (403, 200, b"bytes")


async def test_a_thousand_and_more_keys_are_listed_across_pages(
    store: LocalStore, objects: R2ObjectStore
) -> None:
    bucket = store.root / BUCKET / "objects"
    await _put(objects, "first", b"x")
    sealed = next(bucket.iterdir()).read_bytes()
    for number in range(1005):  # written as the store writes them, without 1,005 requests
        key = b"%05d" % number
        (bucket / f"{number}").write_bytes(sealed.replace(b"first", key))
    assert len(await objects.list_keys("0", None, 2000)) == 1005
    assert await objects.list_keys("0", "00002", 3) == ["00003", "00004", "00005"]


def test_boto3_is_not_imported_before_the_first_call() -> None:
    code = (
        "import sys, gateway.adapters.r2.objects, gateway.adapters.r2.presign\n"
        "print([name for name in ('boto3', 'botocore', 'httpx') if name in sys.modules])"
    )
    ran = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60
    )
    assert ran.stdout.strip() == "[]"


async def test_each_call_is_counted_by_its_name_and_how_it_went(
    store: LocalStore, objects: R2ObjectStore
) -> None:
    await _put(objects, "k")
    assert await objects.head("other") is None
    store.faults.add(Wrong.UNAVAILABLE, times=3)
    with pytest.raises(TryAgainLater):
        await objects.head("k")
    calls = objects.calls
    assert calls.ended == {
        ("store", "put", Outcome.OK): 1,
        ("store", "head", Outcome.NOT_FOUND): 1,
        ("store", "head", Outcome.UNAVAILABLE): 1,
    }
    assert sum(calls.durations["store", "head"].counts) == 2
