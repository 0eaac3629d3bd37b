"""The local store over HTTP: reading, listing, deleting, and what a browser may do."""

import logging
from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from botocore.exceptions import ClientError

from tests.support.buckets import BUCKET, KEY_ID, PAGE_ORIGIN, LocalStore, local_store

TEN = b"0123456789"


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalStore]:
    with local_store(tmp_path_factory.mktemp("store")) as served:
        yield served


@pytest.fixture(scope="module")
def s3(store: LocalStore) -> Iterator[Any]:
    client = store.boto()
    client.put_object(Bucket=BUCKET, Key="ten", Body=TEN, ContentType="video/mp4")
    client.put_object(Bucket=BUCKET, Key="empty", Body=b"")
    yield client
    client.close()


@pytest.fixture(scope="module")
def http() -> Iterator[httpx.Client]:
    with httpx.Client(timeout=10) as client:
        yield client


def _url(s3: Any, key: str = "ten", method: str = "get_object", **params: Any) -> str:
    params = {"Bucket": BUCKET, "Key": key, **params}
    return s3.generate_presigned_url(method, Params=params, ExpiresIn=300)


# --- one object ---


@pytest.mark.parametrize(
    ("asked", "status", "body", "content_range"),
    [
        ("bytes=0-3", 206, b"0123", "bytes 0-3/10"),
        ("bytes=3-6", 206, b"3456", "bytes 3-6/10"),
        ("bytes=7-", 206, b"789", "bytes 7-9/10"),
        ("bytes=8-100", 206, b"89", "bytes 8-9/10"),
        ("bytes=-3", 206, b"789", "bytes 7-9/10"),
        ("bytes=-100", 206, TEN, "bytes 0-9/10"),
        ("bytes=0-0", 206, b"0", "bytes 0-0/10"),
        ("bytes=6-3", 200, TEN, None),
        ("bytes=-", 200, TEN, None),
        ("bytes=0-1,4-5", 200, TEN, None),
        ("chars=0-1", 200, TEN, None),
    ],
)
def test_a_range_is_answered_as_http_says(
    s3: Any,
    http: httpx.Client,
    asked: str,
    status: int,
    body: bytes,
    content_range: str | None,
) -> None:
    answer = http.get(_url(s3), headers={"range": asked})
    assert (answer.status_code, answer.content) == (status, body)
    assert answer.headers.get("content-range") == content_range
    assert answer.headers["accept-ranges"] == "bytes"


@pytest.mark.parametrize(
    ("key", "asked"), [("ten", "bytes=10-"), ("ten", "bytes=-0"), ("empty", "bytes=0-9")]
)
def test_a_range_outside_the_object_is_refused(
    s3: Any, http: httpx.Client, key: str, asked: str
) -> None:
    answer = http.get(_url(s3, key), headers={"range": asked})
    size = {"ten": 10, "empty": 0}[key]
    assert (answer.status_code, answer.headers["content-range"]) == (416, f"bytes */{size}")


def test_a_reader_says_which_version_it_has_or_wants(s3: Any, http: httpx.Client) -> None:
    url = _url(s3)
    etag = http.get(url).headers["etag"]
    other = '"0123"'
    for headers, status in [
        ({"if-none-match": etag}, 304),
        ({"if-none-match": f"{other}, W/{etag}"}, 304),
        ({"if-none-match": "*"}, 304),
        ({"if-none-match": other}, 200),
        ({"if-match": etag}, 200),
        ({"if-match": "*"}, 200),
        ({"if-match": other}, 412),
        ({"if-range": etag, "range": "bytes=0-1"}, 206),
        ({"if-range": other, "range": "bytes=0-1"}, 200),
    ]:
        answer = http.get(url, headers=headers)
        assert answer.status_code == status, headers
    assert http.get(url, headers={"if-none-match": etag}).content == b""


def test_a_head_is_a_get_without_the_bytes(s3: Any, http: httpx.Client) -> None:
    read = http.get(_url(s3))
    headed = http.head(_url(s3, method="head_object"))
    assert headed.content == b""
    names = ("content-length", "content-type", "etag", "last-modified", "accept-ranges")
    assert {n: headed.headers[n] for n in names} == {n: read.headers[n] for n in names}
    missing = http.head(_url(s3, "missing", "head_object"))
    assert (missing.status_code, missing.content) == (404, b"")


def test_a_url_may_name_and_type_the_download(s3: Any, http: httpx.Client) -> None:
    answer = http.get(
        _url(
            s3,
            ResponseContentDisposition='attachment; filename="a.bin"',
            ResponseContentType="application/zip",
        )
    )
    assert answer.headers["content-disposition"] == 'attachment; filename="a.bin"'
    assert answer.headers["content-type"] == "application/zip"


def test_a_url_may_not_break_the_header_it_sets(s3: Any, http: httpx.Client) -> None:
    url = _url(s3, ResponseContentDisposition="a\r\nset-cookie: b=c")
    assert http.get(url).status_code == 400


def test_what_the_writer_said_of_an_object_is_kept(s3: Any) -> None:
    s3.put_object(
        Bucket=BUCKET,
        Key="described",
        Body=b"x",
        CacheControl="no-store",
        ContentDisposition="inline",
        ContentEncoding="gzip",
        Metadata={"owner": "me"},
    )
    said = s3.head_object(Bucket=BUCKET, Key="described")
    assert (said["CacheControl"], said["ContentDisposition"]) == ("no-store", "inline")
    assert (said["ContentEncoding"], said["Metadata"]) == ("gzip", {"owner": "me"})
    assert said["ContentType"] == "application/octet-stream"


# --- many objects ---


@pytest.fixture(scope="module")
def listed(s3: Any) -> list[str]:
    keys = ["l/a b+c", "l/b/1", "l/b/2", "l/c%20", "l/d/é/1", "l/z&<>\"'", "l/zz"]
    for key in keys:
        s3.put_object(Bucket=BUCKET, Key=key, Body=key.encode())
    return keys


@pytest.mark.parametrize("page_size", [1, 2, 3, 1000])
def test_a_listing_goes_on_page_by_page(s3: Any, listed: list[str], page_size: int) -> None:
    pages = list(
        s3.get_paginator("list_objects_v2").paginate(
            Bucket=BUCKET, Prefix="l/", PaginationConfig={"PageSize": page_size}
        )
    )
    assert [each["Key"] for page in pages for each in page["Contents"]] == listed
    assert all(page["KeyCount"] <= page_size for page in pages)


@pytest.mark.parametrize("page_size", [1, 2, 1000])
def test_a_delimiter_folds_keys_into_prefixes(
    s3: Any, listed: list[str], page_size: int
) -> None:
    pages = s3.get_paginator("list_objects_v2").paginate(
        Bucket=BUCKET, Prefix="l/", Delimiter="/", PaginationConfig={"PageSize": page_size}
    )
    keys, prefixes = [], []
    for page in pages:
        keys += [each["Key"] for each in page.get("Contents", [])]
        prefixes += [each["Prefix"] for each in page.get("CommonPrefixes", [])]
    assert keys == ["l/a b+c", "l/c%20", "l/z&<>\"'", "l/zz"]
    assert prefixes == ["l/b/", "l/d/"]


def test_a_listing_without_url_encoding_is_sound_xml(
    store: LocalStore, http: httpx.Client, listed: list[str]
) -> None:
    answer = http.get(store.url("GET", list_type="2", prefix="l/z"))
    assert "<Key>l/z&amp;&lt;&gt;\"'</Key>" in answer.text
    assert answer.headers["content-type"] == "application/xml"


def test_many_objects_are_deleted_at_once(s3: Any) -> None:
    keys = ["d/1", "d/2 &<", "d/never there"]
    for key in keys[:2]:
        s3.put_object(Bucket=BUCKET, Key=key, Body=b"x")
    named = {"Objects": [{"Key": key} for key in keys]}
    said = s3.delete_objects(Bucket=BUCKET, Delete=named)
    assert [each["Key"] for each in said["Deleted"]] == keys
    assert "Contents" not in s3.list_objects_v2(Bucket=BUCKET, Prefix="d/")
    quiet = s3.delete_objects(Bucket=BUCKET, Delete={**named, "Quiet": True})
    assert "Deleted" not in quiet


@pytest.mark.parametrize(
    ("method", "params"),
    [
        ("list_objects_v2", {"ContinuationToken": "not ours"}),
        ("complete_multipart_upload", {"Key": "k", "UploadId": "0" * 32}),
        ("upload_part", {"Key": "k", "UploadId": "../../etc", "PartNumber": 1}),
        ("upload_part", {"Key": "k", "UploadId": "0" * 32, "PartNumber": 10_001}),
    ],
)
def test_what_names_nothing_is_a_plain_refusal(
    s3: Any, method: str, params: dict[str, Any]
) -> None:
    with pytest.raises(ClientError) as refused:
        getattr(s3, method)(Bucket=BUCKET, **params)
    assert refused.value.response["ResponseMetadata"]["HTTPStatusCode"] in {400, 404}


@pytest.mark.parametrize("body", [b"", b"<Delete>", b"<Delete/>", b"\xff"])
def test_xml_that_says_nothing_is_refused(
    store: LocalStore, http: httpx.Client, body: bytes
) -> None:
    assert http.post(store.url("POST", delete=""), content=body).status_code == 400


# --- a browser ---


def _preflight(http: httpx.Client, url: str, **headers: str) -> httpx.Response:
    asked = {
        "origin": PAGE_ORIGIN,
        "access-control-request-method": "PUT",
        "access-control-request-headers": "content-type, If-None-Match",
    }
    return http.options(
        url, headers=asked | {name.replace("_", "-"): value for name, value in headers.items()}
    )


def test_a_page_of_ours_may_put(s3: Any, http: httpx.Client) -> None:
    answer = _preflight(http, _url(s3, method="put_object"))
    assert answer.status_code == 204
    assert answer.headers["access-control-allow-origin"] == PAGE_ORIGIN
    assert "PUT" in answer.headers["access-control-allow-methods"]
    assert "if-none-match" in answer.headers["access-control-allow-headers"]
    assert answer.headers["vary"] == "Origin"


@pytest.mark.parametrize(
    "asked",
    [
        {"origin": "http://evil.example"},
        {"origin": PAGE_ORIGIN + ".evil.example"},
        {"origin": "null"},
        {"access_control_request_method": "DELETE"},
        {"access_control_request_headers": "authorization"},
    ],
    ids=str,
)
def test_no_other_page_and_no_other_request_may(
    s3: Any, http: httpx.Client, asked: dict[str, str]
) -> None:
    answer = _preflight(http, _url(s3, method="put_object"), **asked)
    assert answer.status_code == 403
    assert "access-control-allow-methods" not in answer.headers


def test_a_page_can_read_the_etag_and_why_it_was_refused(s3: Any, http: httpx.Client) -> None:
    url = _url(s3, "from-a-page", "put_object", IfNoneMatch="*")
    headers = {"origin": PAGE_ORIGIN, "if-none-match": "*"}
    first = http.put(url, content=b"x", headers=headers)
    second = http.put(url, content=b"x", headers=headers)
    assert (first.status_code, second.status_code) == (200, 412)
    for answer in (first, second):
        assert answer.headers["access-control-allow-origin"] == PAGE_ORIGIN
        assert "etag" in answer.headers["access-control-expose-headers"]
    stranger = http.get(_url(s3), headers={"origin": "http://evil.example"})
    assert "access-control-allow-origin" not in stranger.headers


# --- the log ---


def test_the_log_names_the_object_and_keeps_the_signature_out(
    s3: Any, http: httpx.Client, caplog: pytest.LogCaptureFixture
) -> None:
    url = _url(s3)
    with caplog.at_level(logging.DEBUG, logger="infra"):
        http.get(url)
        http.get(url + "0")
    lines = [each for each in caplog.records if each.msg == "object_store.answered"]
    assert [(line.status, line.object_key) for line in lines] == [(200, "ten"), (403, "ten")]
    for line in lines:
        assert KEY_ID not in str(line.__dict__)
        assert "X-Amz" not in str(line.__dict__)
