"""The local store over HTTP: what of a body is believed, and what becomes of one refused."""

import base64
import hashlib
import socket
import zlib
from collections.abc import Iterator
from io import BytesIO
from typing import Any

import httpx
import pytest
from botocore.httpchecksum import AwsChunkedWrapper, Crc32Checksum

from tests.support.buckets import BUCKET, LocalStore, header_signed, local_store

STREAMING = "STREAMING-UNSIGNED-PAYLOAD-TRAILER"


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalStore]:
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
    url, headers = header_signed(store, "PUT", header, headers)
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
    url, headers = header_signed(store, "PUT", "k", {header: value})
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


@pytest.mark.parametrize("size", [0, 1, 999, 1000, 3500])
def test_a_chunked_body_is_unwrapped(
    store: LocalStore, s3: Any, http: httpx.Client, size: int
) -> None:
    body = bytes(range(256)) * 14
    headers, framed = _chunked(body[:size])
    url, headers = header_signed(store, "PUT", f"chunked-{size}", headers, payload=STREAMING)
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
    url, headers = header_signed(store, "PUT", "spoilt", headers, payload=STREAMING)
    assert http.put(url, content=spoilt, headers=headers).status_code == 400
    assert "Contents" not in s3.list_objects_v2(Bucket=BUCKET, Prefix="spoilt")


@pytest.mark.parametrize("announced", ["1499", "1501"])
def test_a_chunked_body_of_another_length_is_refused(
    store: LocalStore, http: httpx.Client, announced: str
) -> None:
    headers, framed = _chunked(b"a" * 1500)
    headers["x-amz-decoded-content-length"] = announced
    url, headers = header_signed(store, "PUT", "spoilt", headers, payload=STREAMING)
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
