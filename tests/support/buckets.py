"""Buckets to test against: one in memory, and our store over loopback HTTP.

Both are asked through the same `Bucket`, so that one suite holds both to the same rules.
"""

from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Protocol
from urllib.parse import quote

import httpx
from botocore.auth import S3SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.config import Config
from botocore.credentials import Credentials as BotoCredentials

from gateway.adapters.memory.objects import Answer, MemoryObjectStore
from gateway.adapters.memory.url_signer import MemoryUrlSigner
from gateway.adapters.r2.boto import new_session
from gateway.adapters.r2.objects import R2ObjectStore
from gateway.adapters.r2.presign import Credentials, R2UrlSigner, day_key, host_header, presign
from gateway.ports.multipart_store import MultipartStore
from gateway.ports.object_store import ObjectStore
from gateway.ports.url_signer import SignedUrl, UrlSigner
from infra.local.object_store import Faults, LifecycleRule, Wrong, build_store
from infra.local.object_store.app import ObjectStore as StoreApp
from tests.support.serving import serving_in_thread

BUCKET = "media-1"
KEY_ID, SECRET = "AKTEST", "a secret/of+the=tests"
PAGE_ORIGIN = "http://page.example:3000"


class MovableClock:
    """The machine's time, and as much on top as a test wants."""

    def __init__(self) -> None:
        self._ahead = timedelta()

    def now(self) -> datetime:
        return datetime.now(UTC) + self._ahead

    def move(self, seconds: float) -> None:
        self._ahead += timedelta(seconds=seconds)

    def set_right(self) -> None:
        self._ahead = timedelta()


class Objects(ObjectStore, MultipartStore, Protocol):
    """Both ports to one bucket."""


class Bucket(Protocol):
    """A bucket as the gateway sees it, and as one with nothing but a URL does."""

    objects: Objects
    signer: UrlSigner
    clock: MovableClock

    async def put(
        self, signed: SignedUrl, body: bytes, headers: Mapping[str, str] | None = None
    ) -> Answer:
        """PUT with the headers of the URL, or others."""

    async def get(self, signed: SignedUrl) -> Answer: ...

    def fail(self) -> None:
        """Be unavailable from now on."""


class MemoryBucket:
    def __init__(self) -> None:
        self.clock = MovableClock()
        self.signer = MemoryUrlSigner(secret=b"a secret", clock=self.clock)
        self.objects = MemoryObjectStore(self.signer)

    async def put(
        self, signed: SignedUrl, body: bytes, headers: Mapping[str, str] | None = None
    ) -> Answer:
        return self.objects.put(
            signed.url, body, signed.headers if headers is None else headers
        )

    async def get(self, signed: SignedUrl) -> Answer:
        return self.objects.get(signed.url)

    def fail(self) -> None:
        self.objects.available = False


@dataclass(slots=True)
class LocalStore:
    """Our store, served; `clock` is the store's own and the signer's."""

    base_url: str
    app: StoreApp
    clock: MovableClock
    faults: Faults
    root: Path

    def boto(self, *, secret: str = SECRET, **config: Any) -> Any:
        """Return an independent client; botocore's signer, not ours."""
        settings = {
            "signature_version": "s3v4",
            "s3": {"addressing_style": "path"},
            "retries": {"total_max_attempts": 1},
        }
        return new_session().client(
            "s3",
            endpoint_url=self.base_url,
            aws_access_key_id=KEY_ID,
            aws_secret_access_key=secret,
            region_name="auto",
            config=Config(**settings | config),
        )

    def signer(self, *, secret: str = SECRET, key_id: str = KEY_ID) -> R2UrlSigner:
        return R2UrlSigner(
            public_endpoint_url=self.base_url,
            bucket=BUCKET,
            access_key_id=key_id,
            secret_access_key=secret,
            clock=self.clock,
        )

    def url(self, method: str, key: str = "", **query: str) -> str:
        """Return a presigned URL for any method and query; no key for the bucket."""
        path, now = f"/{BUCKET}/{quote(key)}", self.clock.now()
        asked = presign(
            method,
            path,
            [(name.replace("_", "-"), value) for name, value in query.items()],
            {"host": host_header(self.base_url)},
            day_key(Credentials(KEY_ID, SECRET, "auto"), f"{now:%Y%m%d}"),
            now,
            300,
        )
        return f"{self.base_url}{path}?{asked}"

    def objects(self, **settings: Any) -> R2ObjectStore:
        return R2ObjectStore(
            **{
                "endpoint_url": self.base_url,
                "bucket": BUCKET,
                "access_key_id": KEY_ID,
                "secret_access_key": SECRET,
            }
            | settings
        )


class _PayloadAuth(S3SigV4Auth):
    """botocore's signer of headers, told what to sign of the body."""

    def __init__(self, payload: str) -> None:
        super().__init__(BotoCredentials(KEY_ID, SECRET), "s3", "auto")
        self._payload = payload

    def payload(self, _: AWSRequest) -> str:
        return self._payload


def header_signed(
    store: LocalStore,
    method: str,
    key: str,
    headers: Mapping[str, str],
    *,
    payload: str = "UNSIGNED-PAYLOAD",
) -> tuple[str, dict[str, str]]:
    """Return the address and headers of a request that botocore signed in its headers."""
    url = f"{store.base_url}/{BUCKET}/{quote(key)}"
    request = AWSRequest(method, url, headers=dict(headers))
    _PayloadAuth(payload).add_auth(request)
    return url, {name.lower(): value for name, value in request.headers.items()}


@contextmanager
def local_store(
    root: Path, *, lifecycle: tuple[LifecycleRule, ...] = ()
) -> Iterator[LocalStore]:
    """Serve a store of its own from a thread of its own."""
    clock, faults = MovableClock(), Faults()
    app = build_store(
        root,
        keys={KEY_ID: SECRET},
        buckets=[BUCKET],
        cors_origins=[PAGE_ORIGIN],
        lifecycle=lifecycle,
        clock=clock,
        faults=faults,
    )
    with serving_in_thread(app) as base_url:
        yield LocalStore(base_url, app, clock, faults, root)


class R2Bucket:
    """Our signer and our boto3 adapter, against the served store."""

    def __init__(self, store: LocalStore, client: httpx.AsyncClient) -> None:
        self.objects = store.objects()
        self.signer = store.signer()
        self.clock = store.clock
        self._store = store
        self._client = client

    async def put(
        self, signed: SignedUrl, body: bytes, headers: Mapping[str, str] | None = None
    ) -> Answer:
        sent = dict(signed.headers if headers is None else headers)
        return _answer(await self._client.put(signed.url, content=body, headers=sent))

    async def get(self, signed: SignedUrl) -> Answer:
        return _answer(await self._client.get(signed.url))

    def fail(self) -> None:
        self._store.faults.add(Wrong.UNAVAILABLE, times=1000)


def _answer(response: httpx.Response) -> Answer:
    return Answer(response.status_code, response.headers, response.content)


@asynccontextmanager
async def r2_bucket(root: Path) -> AsyncIterator[R2Bucket]:
    """Serve a store and reach it as the gateway does."""
    with local_store(root) as store:
        async with httpx.AsyncClient() as client:
            bucket = R2Bucket(store, client)
            async with bucket.objects:
                yield bucket
