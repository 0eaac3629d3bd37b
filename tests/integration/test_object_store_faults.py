"""The local store over HTTP: each thing it can do wrong is what it is called."""

from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from infra.local.object_store import Wrong
from tests.support.buckets import BUCKET, LocalStore, local_store

BODY = b"0123456789" * 10_000


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalStore]:
    with local_store(tmp_path_factory.mktemp("store")) as served:
        yield served


@pytest.fixture(scope="module")
def s3(store: LocalStore) -> Iterator[Any]:
    client = store.boto()
    yield client
    client.close()


@pytest.fixture
def key(store: LocalStore, s3: Any, request: pytest.FixtureRequest) -> str:
    """A key of this test's own, with an object under it."""
    store.faults.clear()
    s3.put_object(Bucket=BUCKET, Key=request.node.name, Body=BODY)
    return request.node.name


def presigned(s3: Any, method: str, key: str) -> str:
    params = {"Bucket": BUCKET, "Key": key}
    return s3.generate_presigned_url(method, Params=params, ExpiresIn=300)


def stored(s3: Any, key: str) -> bytes:
    return s3.get_object(Bucket=BUCKET, Key=key)["Body"].read()


@pytest.mark.parametrize(
    ("wrong", "status", "code"),
    [
        (Wrong.UNAVAILABLE, 503, b"ServiceUnavailable"),
        (Wrong.REFUSED, 403, b"AccessDenied"),
        (Wrong.EXPIRED, 403, b"ExpiredRequest"),
        (Wrong.TAKEN, 412, b"PreconditionFailed"),
        (Wrong.MISSING, 404, b"NoSuchKey"),
    ],
)
def test_a_refusal_comes_before_anything_is_done_and_once(store, s3, key, wrong, status, code):
    url = presigned(s3, "put_object", key)
    store.faults.add(wrong, method="PUT", key_prefix=key)
    refused, taken = httpx.put(url, content=b"other"), httpx.put(url, content=b"another")
    assert (refused.status_code, code in refused.content) == (status, True)
    assert (taken.status_code, stored(s3, key)) == (200, b"another")


def test_a_body_that_is_cut_off_leaves_what_was_there(store, s3, key):
    store.faults.add(Wrong.CUT_OFF, method="PUT", key_prefix=key)
    with pytest.raises(httpx.TransportError):
        httpx.put(presigned(s3, "put_object", key), content=BODY * 20)
    assert stored(s3, key) == BODY


def test_an_answer_that_is_not_heard_was_done_all_the_same(store, s3, key):
    store.faults.add(Wrong.UNHEARD, method="PUT", key_prefix=key)
    with pytest.raises(httpx.TransportError):
        httpx.put(presigned(s3, "put_object", key), content=b"other")
    assert stored(s3, key) == b"other"


def test_a_write_that_is_lost_is_answered_like_any_other(store, s3, key):
    store.faults.add(Wrong.LOST, method="PUT", key_prefix=key)
    answer = httpx.put(presigned(s3, "put_object", key), content=b"other")
    assert answer.status_code == 200
    assert httpx.get(presigned(s3, "get_object", key)).status_code == 404


def test_a_wrong_size_is_what_a_head_says(store, s3, key):
    store.faults.add(Wrong.WRONG_SIZE, method="HEAD", key_prefix=key)
    sizes = [s3.head_object(Bucket=BUCKET, Key=key)["ContentLength"] for _ in range(2)]
    assert sizes == [len(BODY) + 1, len(BODY)]
