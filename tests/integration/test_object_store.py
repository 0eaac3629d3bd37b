"""The local store over HTTP: who may ask."""

import hashlib
from collections.abc import Iterator
from datetime import timedelta
from typing import Any
from urllib.parse import quote

import httpx
import pytest
from botocore.auth import S3SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
from botocore.exceptions import ClientError

from tests.support.buckets import (
    BUCKET,
    KEY_ID,
    SECRET,
    LocalStore,
    header_signed,
    local_store,
)


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalStore]:
    with local_store(tmp_path_factory.mktemp("store")) as served:
        yield served


@pytest.fixture
def moved_store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalStore]:
    """A store of the test's own, whose clock it may move."""
    with local_store(tmp_path_factory.mktemp("store")) as served:
        yield served


@pytest.fixture(scope="module")
def s3(store: LocalStore) -> Iterator[Any]:
    client = store.boto()
    yield client
    client.close()


@pytest.fixture(scope="module")
def http() -> Iterator[httpx.Client]:
    with httpx.Client(timeout=10) as client:
        yield client


def _presigned(s3: Any, method: str, key: str, **params: Any) -> str:
    params = {"Bucket": BUCKET, "Key": key, **params}
    return s3.generate_presigned_url(method, Params=params, ExpiresIn=300)


def _code(refused: Any) -> str:
    return refused.value.response["Error"]["Code"]


def test_d29_an_object_is_not_read_without_a_signature(
    store: LocalStore, s3: Any, http: httpx.Client
) -> None:
    s3.put_object(Bucket=BUCKET, Key="private", Body=b"x")
    answer = http.get(f"{store.base_url}/{BUCKET}/private")
    assert answer.status_code == 403
    assert b"<Code>AccessDenied</Code>" in answer.content


def test_d29_an_object_is_not_read_through_a_url_that_expired(
    moved_store: LocalStore, http: httpx.Client
) -> None:
    s3 = moved_store.boto()
    s3.put_object(Bucket=BUCKET, Key="k", Body=b"x")
    url = _presigned(s3, "get_object", "k")
    assert http.get(url).status_code == 200
    moved_store.clock.move(301)
    answer = http.get(url)
    assert answer.status_code == 403
    assert b"expired" in answer.content


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("/mine?", "/theirs?"),
        ("X-Amz-Expires=300", "X-Amz-Expires=301"),
        ("X-Amz-Expires=300", "X-Amz-Expires=604800"),
        ("X-Amz-SignedHeaders=host", "X-Amz-SignedHeaders=host%3Brange"),
        (KEY_ID, "AKOTHER"),
        ("X-Amz-Signature=", "X-Amz-Signature=0"),
        ("X-Amz-Algorithm", "response-content-type=text%2Fhtml&X-Amz-Algorithm"),
    ],
)
def test_an_edited_url_is_refused(s3: Any, http: httpx.Client, old: str, new: str) -> None:
    for key in ("mine", "theirs"):
        s3.put_object(Bucket=BUCKET, Key=key, Body=b"x")
    url = _presigned(s3, "get_object", "mine")
    assert old in url
    assert http.get(url).status_code == 200
    assert http.get(url.replace(old, new)).status_code == 403


@pytest.mark.parametrize("lives", ["0", "604801", "-1", "x", "", "1e3", "٣"])
def test_an_expiry_that_is_none_is_refused(s3: Any, http: httpx.Client, lives: str) -> None:
    url = _presigned(s3, "get_object", "k").replace("Expires=300", f"Expires={quote(lives)}")
    assert http.get(url).status_code == 400


@pytest.mark.parametrize("method", ["PUT", "DELETE", "HEAD", "POST"])
def test_a_url_is_good_for_one_verb(s3: Any, http: httpx.Client, method: str) -> None:
    s3.put_object(Bucket=BUCKET, Key="verb", Body=b"x")
    url = _presigned(s3, "get_object", "verb")
    assert http.request(method, url).status_code == 403
    assert http.get(url).content == b"x"


def test_a_wrong_secret_is_refused_in_url_and_header(
    store: LocalStore, http: httpx.Client
) -> None:
    forger = store.boto(secret="a guess")
    assert http.put(_presigned(forger, "put_object", "k"), content=b"x").status_code == 403
    with pytest.raises(ClientError) as refused:
        forger.put_object(Bucket=BUCKET, Key="k", Body=b"x")
    assert _code(refused) == "SignatureDoesNotMatch"


def test_a_signature_in_two_places_is_refused(
    store: LocalStore, s3: Any, http: httpx.Client
) -> None:
    _, headers = header_signed(store, "GET", "k", {})
    url = _presigned(s3, "get_object", "k")
    assert http.get(url, headers=headers).status_code == 400


@pytest.mark.parametrize("seconds", [-1000, 1000])
def test_a_clock_that_is_far_off_is_refused(moved_store: LocalStore, seconds: int) -> None:
    moved_store.clock.move(seconds)
    with pytest.raises(ClientError) as refused:
        moved_store.boto().list_objects_v2(Bucket=BUCKET)
    assert _code(refused) == "RequestTimeTooSkewed"


def test_a_url_from_the_future_is_refused(moved_store: LocalStore, http: httpx.Client) -> None:
    url = _presigned(moved_store.boto(), "get_object", "k")
    moved_store.clock.move(-timedelta(minutes=20).total_seconds())
    assert http.get(url).status_code == 403


def test_what_is_signed_in_a_header_cannot_be_changed(
    store: LocalStore, http: httpx.Client
) -> None:
    url, headers = header_signed(store, "PUT", "signed", {"content-type": "video/mp4"})
    for changed in (
        {"content-type": "text/html"},
        {"x-amz-date": "20200101T000000Z"},
        {"x-amz-meta-added": "later"},
        {"x-amz-content-sha256": "0" * 64},
    ):
        assert http.put(url, content=b"x", headers=headers | changed).status_code == 403
    assert http.put(url, content=b"x", headers=headers).status_code == 200


def test_a_body_other_than_the_signed_one_is_refused(
    store: LocalStore, http: httpx.Client
) -> None:
    sha256 = hashlib.sha256(b"meant").hexdigest()
    url, headers = header_signed(store, "PUT", "body", {}, payload=sha256)
    refused = http.put(url, content=b"other", headers=headers)
    assert (refused.status_code, b"XAmzContentSHA256Mismatch" in refused.content) == (400, True)
    assert http.put(url, content=b"meant", headers=headers).status_code == 200


@pytest.mark.parametrize(
    "address",
    [
        "/media-1/k?acl",
        "/media-1/k?versionId=1",
        "/media-1/?location",
        "/media-1/",
        "/",
    ],
)
def test_what_the_store_does_not_know_is_refused_and_not_guessed(
    store: LocalStore, http: httpx.Client, address: str
) -> None:
    request = AWSRequest("GET", store.base_url + address)
    S3SigV4Auth(Credentials(KEY_ID, SECRET), "s3", "auto").add_auth(request)
    answer = http.get(store.base_url + address, headers=dict(request.headers.items()))
    assert answer.status_code == 501


def test_a_bucket_that_is_not_there_is_told_only_to_those_who_may_ask(
    store: LocalStore, s3: Any, http: httpx.Client
) -> None:
    assert http.get(f"{store.base_url}/nowhere/k").status_code == 403
    with pytest.raises(ClientError) as refused:
        s3.get_object(Bucket="nowhere", Key="k")
    assert _code(refused) == "NoSuchBucket"


def test_keys_that_no_store_takes_are_refused(s3: Any, http: httpx.Client) -> None:
    assert http.put(_presigned(s3, "put_object", "k" * 1025), content=b"x").status_code == 400
    assert http.put(_presigned(s3, "put_object", "a\x00b"), content=b"x").status_code == 400
    assert http.put(_presigned(s3, "put_object", "k" * 1024), content=b"x").status_code == 200
