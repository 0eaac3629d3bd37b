"""Our presigner against botocore's, byte for byte."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import parse_qs, quote, urlsplit

import boto3
import pytest
from botocore.auth import S3SigV4QueryAuth
from botocore.awsrequest import AWSRequest
from botocore.config import Config
from botocore.credentials import Credentials as BotoCredentials
from hypothesis import example, given
from hypothesis import strategies as st

from gateway.adapters.r2.presign import Credentials, R2UrlSigner, day_key, host_header, presign
from gateway.core.download_name import attachment

ENDPOINTS = [
    "https://0123456789abcdef.r2.cloudflarestorage.com",
    "http://127.0.0.1:9000",
    "http://localhost:80",
    "https://Store.Example:443",
    "https://store.example:8443/",
    "http://[::1]:9000",
    "http://127.0.0.1:8787/cdn-cgi/local/r2/s3",
]
text = st.text(st.characters(exclude_categories=["Cs"]), min_size=1)
keys = text.filter(lambda key: len(key.encode()) <= 1024)
paths = st.lists(text, min_size=1, max_size=5).map("/".join).filter(lambda k: len(k) < 250)
printable = st.text(st.characters(min_codepoint=32, max_codepoint=126), min_size=1)
expiries = st.integers(1, 604_800)
sizes = st.none() | st.integers(0, 5 * 2**30)
hashes = st.none() | st.binary(min_size=32, max_size=32).map(bytes.hex)
types = st.from_regex(
    r"[a-z]{1,10}/[a-z0-9.+-]{1,20}(; ?[a-z]{1,8}=[A-Za-z0-9 ]{1,8}x)?", fullmatch=True
)
header_names = st.from_regex(
    r"x-amz-meta-[a-z0-9]{1,12}|cache-control|content-md5", fullmatch=True
)


class StandingClock:
    """A clock that stands where it is put."""

    def __init__(self, now: datetime) -> None:
        self._now = now

    def now(self) -> datetime:
        return self._now

    def move(self, by: timedelta) -> None:
        self._now += by


@pytest.fixture(scope="module")
def clients() -> dict[str, Any]:
    """botocore's client by endpoint."""
    session = boto3.session.Session()
    config = Config(signature_version="s3v4", s3={"addressing_style": "path"})
    return {
        endpoint: session.client(
            "s3",
            endpoint_url=endpoint,
            aws_access_key_id="AKTEST",
            aws_secret_access_key="secret",
            region_name="auto",
            config=config,
        )
        for endpoint in ENDPOINTS
    }


def _signed_at(url: str) -> datetime:
    (date,) = parse_qs(urlsplit(url).query)["X-Amz-Date"]
    return datetime.strptime(date, "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC)


def _ours(endpoint: str, now: datetime | StandingClock) -> R2UrlSigner:
    return R2UrlSigner(
        public_endpoint_url=endpoint,
        bucket="media-1",
        access_key_id="AKTEST",
        secret_access_key="secret",
        clock=now if isinstance(now, StandingClock) else StandingClock(now),
    )


def _given(**params: Any) -> dict[str, Any]:
    return {name: value for name, value in params.items() if value is not None}


@given(st.sampled_from(ENDPOINTS), keys | paths, expiries, st.none() | text)
def test_a_get_is_what_botocore_signs(
    clients: dict[str, Any], endpoint: str, key: str, expires_s: int, name: str | None
) -> None:
    disposition = None if name is None else attachment(name)
    params = _given(Bucket="media-1", Key=key, ResponseContentDisposition=disposition)
    url = clients[endpoint].generate_presigned_url(
        "get_object", Params=params, ExpiresIn=expires_s
    )

    signed = _ours(endpoint, _signed_at(url)).sign_get(key, expires_s=expires_s, file_name=name)

    assert signed.url == url


@given(st.sampled_from(ENDPOINTS), keys | paths, expiries, types, sizes, hashes, st.booleans())
def test_a_put_is_what_botocore_signs(
    clients: dict[str, Any],
    endpoint: str,
    key: str,
    expires_s: int,
    content_type: str,
    size_bytes: int | None,
    sha256_hex: str | None,
    write_once: bool,
) -> None:
    headers = (
        _ours(endpoint, datetime.now(UTC))
        .sign_put(key, expires_s=1, content_type=content_type, sha256_hex=sha256_hex)
        .headers
    )
    params = _given(
        Bucket="media-1",
        Key=key,
        ContentType=content_type,
        ContentLength=size_bytes,
        IfNoneMatch="*" if write_once else None,
        ChecksumSHA256=headers.get("x-amz-checksum-sha256"),
    )
    url = clients[endpoint].generate_presigned_url(
        "put_object", Params=params, ExpiresIn=expires_s
    )

    signed = _ours(endpoint, _signed_at(url)).sign_put(
        key,
        expires_s=expires_s,
        content_type=content_type,
        size_bytes=size_bytes,
        sha256_hex=sha256_hex,
        write_once=write_once,
    )

    assert signed.url == url


@given(st.sampled_from(ENDPOINTS), keys, expiries, printable, st.integers(1, 10_000), sizes)
def test_a_part_is_what_botocore_signs(
    clients: dict[str, Any],
    endpoint: str,
    key: str,
    expires_s: int,
    multipart_id: str,
    part_number: int,
    size_bytes: int | None,
) -> None:
    params = _given(
        Bucket="media-1",
        Key=key,
        UploadId=multipart_id,
        PartNumber=part_number,
        ContentLength=size_bytes,
    )
    url = clients[endpoint].generate_presigned_url(
        "upload_part", Params=params, ExpiresIn=expires_s
    )

    signed = _ours(endpoint, _signed_at(url)).sign_part(
        key, multipart_id, part_number, expires_s=expires_s, size_bytes=size_bytes
    )

    assert signed.url == url


@example("GET", "k", {"a": "1", "a-b": "2"}, {}, Credentials("AK", "s", "auto"), 60)
@given(
    st.sampled_from(["GET", "PUT", "HEAD", "DELETE"]),
    keys,
    st.dictionaries(st.from_regex(r"[a-z-]{1,20}", fullmatch=True), text, max_size=4),
    st.dictionaries(header_names, printable, max_size=4),
    st.builds(
        Credentials, printable.filter(str.strip), printable, st.sampled_from(["auto", "eu-1"])
    ),
    expiries,
)
def test_any_request_is_signed_as_botocore_signs_it(
    method: str,
    key: str,
    query: Mapping[str, str],
    headers: Mapping[str, str],
    credentials: Credentials,
    expires_s: int,
) -> None:
    path = f"/b/{quote(key, safe='/~')}"
    request = AWSRequest(
        method, f"https://store.example{path}", headers=dict(headers), params=dict(query)
    )
    boto_keys = BotoCredentials(credentials.access_key_id, credentials.secret_access_key)
    S3SigV4QueryAuth(boto_keys, "s3", credentials.region, expires_s).add_auth(request)

    signed_at = _signed_at(request.url)
    asked = presign(
        method,
        path,
        list(query.items()),
        {**headers, "host": host_header(request.url)},
        day_key(credentials, f"{signed_at:%Y%m%d}"),
        signed_at,
        expires_s,
    )

    assert f"https://store.example{path}?{asked}" == request.url


def test_a_key_of_yesterday_is_not_used_today(clients: dict[str, Any]) -> None:
    endpoint = ENDPOINTS[0]
    url = clients[endpoint].generate_presigned_url(
        "get_object", {"Bucket": "media-1", "Key": "k"}
    )
    clock = StandingClock(_signed_at(url))
    signer = _ours(endpoint, clock)
    clock.move(timedelta(days=-1))
    signer.sign_get("k", expires_s=3600)
    clock.move(timedelta(days=1))
    assert signer.sign_get("k", expires_s=3600).url == url


def test_a_url_dies_when_it_says_so() -> None:
    now = datetime(2026, 5, 4, 3, 2, 1, 999_999, tzinfo=UTC)
    signed = _ours("http://127.0.0.1:1", now).sign_get("k", expires_s=60)
    assert signed.expires_at == now.replace(microsecond=0) + timedelta(seconds=60)


def test_a_secret_shows_in_no_repr() -> None:
    signed = _ours("http://127.0.0.1:1", datetime.now(UTC)).sign_get("k", expires_s=60)
    assert "X-Amz" not in repr(signed)
    assert "s3cret" not in repr(Credentials("AKTEST", "s3cret", "auto"))


@pytest.mark.parametrize("key", ["", "k" * 1025, "é" * 513])
def test_a_key_no_store_takes_is_not_signed(key: str) -> None:
    signer = _ours("http://127.0.0.1:1", datetime.now(UTC))
    with pytest.raises(ValueError, match="bytes"):
        signer.sign_get(key, expires_s=60)


@pytest.mark.parametrize("expires_s", [0, -1, 604_801])
def test_an_expiry_no_store_takes_is_not_signed(expires_s: int) -> None:
    signer = _ours("http://127.0.0.1:1", datetime.now(UTC))
    with pytest.raises(ValueError, match="seconds"):
        signer.sign_put("k", expires_s=expires_s, content_type="video/mp4")
