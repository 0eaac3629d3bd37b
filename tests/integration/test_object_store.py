"""The local store over HTTP: who may ask, and what of a body is believed."""

import base64
import hashlib
import socket
import zlib
from collections.abc import Iterator
from datetime import timedelta
from io import BytesIO
from typing import Any
from urllib.parse import quote

import httpx
import pytest
from botocore.auth import S3SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
from botocore.exceptions import ClientError
from botocore.httpchecksum import AwsChunkedWrapper, Crc32Checksum

from tests.support.buckets import BUCKET, KEY_ID, SECRET, LocalStore, local_store


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


def _signed(
    store: LocalStore,
    method: str,
    key: str,
    headers: dict[str, str],
    *,
    payload: str = "UNSIGNED-PAYLOAD",
    secret: str = SECRET,
) -> tuple[str, dict[str, str]]:
    """Return the address and headers of a request that botocore signed in its headers."""
    url = f"{store.base_url}/{BUCKET}/{quote(key)}"

    class Signer(S3SigV4Auth):
        def payload(self, _: AWSRequest) -> str:
            return payload

    request = AWSRequest(method, url, headers=headers)
    Signer(Credentials(KEY_ID, secret), "s3", "auto").add_auth(request)
    return url, {name.lower(): value for name, value in request.headers.items()}


# --- who may ask ---


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
    _, headers = _signed(store, "GET", "k", {})
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
    url, headers = _signed(store, "PUT", "signed", {"content-type": "video/mp4"})
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
    url, headers = _signed(store, "PUT", "body", {}, payload=sha256)
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


# --- what is believed of a body ---


@pytest.mark.parametrize(
    ("header", "digest"),
    [
        ("content-md5", hashlib.md5(b"meant", usedforsecurity=False).digest()),
        ("x-amz-checksum-sha256", hashlib.sha256(b"meant").digest()),
        ("x-amz-checksum-sha1", hashlib.sha1(b"meant", usedforsecurity=False).digest()),
        ("x-amz-checksum-crc32", zlib.crc32(b"meant").to_bytes(4, "big")),
    ],
)
def test_a_body_is_held_to_its_checksum(
    store: LocalStore, s3: Any, http: httpx.Client, header: str, digest: bytes
) -> None:
    headers = {header: base64.b64encode(digest).decode()}
    url, headers = _signed(store, "PUT", header, headers)
    refused = http.put(url, content=b"other", headers=headers)
    assert (refused.status_code, b"BadDigest" in refused.content) == (400, True)
    assert "Contents" not in s3.list_objects_v2(Bucket=BUCKET, Prefix=header)
    assert http.put(url, content=b"meant", headers=headers).status_code == 200


@pytest.mark.parametrize(
    ("header", "value", "status"),
    [
        ("x-amz-checksum-crc32c", "AAAAAA==", 501),
        ("x-amz-checksum-crc64nvme", "AAAAAAAAAAA=", 501),
        ("x-amz-checksum-sha256", "not base64!", 400),
        ("content-md5", "AAA", 400),
        ("if-none-match", '"an etag"', 501),
        ("if-match", "*", 501),
        ("x-amz-copy-source", "/media-1/other", 501),
    ],
)
def test_a_promise_that_cannot_be_checked_is_refused(
    store: LocalStore, http: httpx.Client, header: str, value: str, status: int
) -> None:
    url, headers = _signed(store, "PUT", "k", {header: value})
    assert http.put(url, content=b"x", headers=headers).status_code == status


def test_boto3_checks_what_it_reads_against_what_it_wrote(s3: Any) -> None:
    written = s3.put_object(
        Bucket=BUCKET, Key="sum", Body=b"x" * 1000, ChecksumAlgorithm="SHA256"
    )
    read = s3.get_object(Bucket=BUCKET, Key="sum", ChecksumMode="ENABLED")
    assert read["ChecksumSHA256"] == written["ChecksumSHA256"]
    assert read["Body"].read() == b"x" * 1000


def _chunked(body: bytes) -> tuple[dict[str, str], bytes]:
    """Return the headers and framed body that botocore sends over TLS."""
    wrapper = AwsChunkedWrapper(
        BytesIO(body),
        checksum_cls=Crc32Checksum,
        checksum_name="x-amz-checksum-crc32",
        chunk_size=1000,
    )
    framed = wrapper.read()
    headers = {
        "content-encoding": "aws-chunked",
        "x-amz-trailer": "x-amz-checksum-crc32",
        "x-amz-decoded-content-length": str(len(body)),
    }
    return headers, framed


STREAMING = "STREAMING-UNSIGNED-PAYLOAD-TRAILER"


@pytest.mark.parametrize("size", [0, 1, 999, 1000, 3500])
def test_a_chunked_body_is_unwrapped(
    store: LocalStore, s3: Any, http: httpx.Client, size: int
) -> None:
    body = bytes(range(256)) * 14
    headers, framed = _chunked(body[:size])
    url, headers = _signed(store, "PUT", f"chunked-{size}", headers, payload=STREAMING)
    assert http.put(url, content=framed, headers=headers).status_code == 200
    read = s3.get_object(Bucket=BUCKET, Key=f"chunked-{size}")
    assert read["Body"].read() == body[:size]
    assert "ContentEncoding" not in read


@pytest.mark.parametrize(
    "spoil",
    [
        pytest.param(lambda framed: framed.replace(b"aaa", b"aab", 1), id="other bytes"),
        pytest.param(lambda framed: framed[:-40], id="no end"),
        pytest.param(lambda framed: framed[:-2], id="no last line"),
        pytest.param(lambda framed: framed.replace(b"3e8", b"3e9", 1), id="wrong size"),
        pytest.param(lambda framed: b"x" + framed, id="no size"),
        pytest.param(lambda framed: framed + b"more", id="more after the end"),
        pytest.param(lambda framed: framed.replace(b"-crc32:", b"-other:"), id="no checksum"),
        pytest.param(lambda framed: b"1" * 5000 + framed, id="endless line"),
    ],
)
def test_a_spoilt_chunked_body_is_refused(
    store: LocalStore, s3: Any, http: httpx.Client, spoil: Any
) -> None:
    headers, framed = _chunked(b"a" * 1500)
    spoilt = spoil(framed)
    assert spoilt != framed
    url, headers = _signed(store, "PUT", "spoilt", headers, payload=STREAMING)
    assert http.put(url, content=spoilt, headers=headers).status_code == 400
    assert "Contents" not in s3.list_objects_v2(Bucket=BUCKET, Prefix="spoilt")


@pytest.mark.parametrize("announced", ["1499", "1501"])
def test_a_chunked_body_of_another_length_is_refused(
    store: LocalStore, http: httpx.Client, announced: str
) -> None:
    headers, framed = _chunked(b"a" * 1500)
    headers["x-amz-decoded-content-length"] = announced
    url, headers = _signed(store, "PUT", "spoilt", headers, payload=STREAMING)
    answer = http.put(url, content=framed, headers=headers)
    assert (answer.status_code, b"IncompleteBody" in answer.content) == (400, True)


def test_a_body_of_unknown_length_is_refused(s3: Any, http: httpx.Client) -> None:
    answer = http.put(_presigned(s3, "put_object", "k"), content=iter([b"a", b"b"]))
    assert answer.status_code == 411


def test_an_early_refusal_closes_the_connection_and_is_still_read(
    store: LocalStore, s3: Any, http: httpx.Client
) -> None:
    s3.put_object(Bucket=BUCKET, Key="taken", Body=b"x")
    url = _presigned(s3, "put_object", "taken", IfNoneMatch="*")
    for _ in range(5):
        answer = http.put(url, content=b"y" * 4_000_000, headers={"if-none-match": "*"})
        assert (answer.status_code, answer.headers["connection"]) == (412, "close")
    late = http.put(f"{url}0", content=b"", headers={"if-none-match": "*"})
    assert "connection" not in late.headers  # nothing was left to read


def test_a_refused_body_is_read_on_so_that_its_sender_gets_to_the_answer(
    store: LocalStore,
) -> None:
    address = httpx.URL(store.base_url)
    head = f"PUT /{BUCKET}/k HTTP/1.1\r\nHost: {address.netloc.decode()}\r\n"
    with socket.create_connection((address.host, address.port), timeout=10) as line:
        line.sendall(f"{head}Content-Length: 3000000\r\n\r\n".encode())
        answer = b""
        while not answer.endswith(b"</Error>"):
            answer += line.recv(65536)
        for _ in range(30):
            line.sendall(b"x" * 100_000)
        assert line.recv(1) == b""  # an end, not a reset
    assert answer.startswith(b"HTTP/1.1 403 ")


def test_a_put_cut_off_in_the_middle_leaves_nothing(store: LocalStore, s3: Any) -> None:
    url = httpx.URL(_presigned(s3, "put_object", "half"))
    head = f"PUT {url.raw_path.decode()} HTTP/1.1\r\nHost: {url.netloc.decode()}\r\n"
    with socket.create_connection((url.host, url.port)) as line:
        line.sendall(f"{head}Content-Length: 3000000\r\n\r\n".encode() + b"x" * 2_000_000)
        line.shutdown(socket.SHUT_WR)
        while line.recv(65536):
            pass
    assert "Contents" not in s3.list_objects_v2(Bucket=BUCKET, Prefix="half")
    assert list((store.root / BUCKET / "incoming").iterdir()) == []
