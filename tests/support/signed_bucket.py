"""Our object store without a socket: every request is signed, and the store checks it.

On a clock that a test moves, which boto3 has no place for; boto3's own adapter is held to
the same port by the conformance suite.
"""

import re
from collections.abc import Mapping
from html import unescape
from pathlib import Path
from typing import BinaryIO
from urllib.parse import quote

import httpx
from typing_extensions import override

from gateway.adapters.r2.presign import Credentials, R2UrlSigner, day_key, presign
from gateway.ports.clock import Clock
from gateway.ports.object_store import ObjectStore, StoredObject
from infra.local.object_store import Faults, build_store
from shared.errors import NotFound, TryAgainLater

BUCKET, KEY_ID, SECRET = "media-1", "AKTEST", "a secret/of+the=tests"
HOST = "store.example"
BASE_URL = f"http://{HOST}"


class SignedBucket(ObjectStore):
    """One bucket as the gateway reaches it; `put` and `get` are who holds a URL."""

    def __init__(self, root: Path, clock: Clock) -> None:
        self.clock, self.faults = clock, Faults()
        app = build_store(
            root, keys={KEY_ID: SECRET}, buckets=[BUCKET], clock=clock, faults=self.faults
        )
        self.http = httpx.AsyncClient(transport=httpx.ASGITransport(app))
        self.signer = R2UrlSigner(
            public_endpoint_url=BASE_URL,
            bucket=BUCKET,
            access_key_id=KEY_ID,
            secret_access_key=SECRET,
            clock=clock,
        )

    # What one who holds a URL asks.

    async def put(self, url: str, body: bytes, headers: Mapping[str, str]) -> httpx.Response:
        """PUT with a presigned URL."""
        return await self.http.put(url, content=body, headers=dict(headers))

    async def get(self, url: str) -> httpx.Response:
        """GET with a presigned URL."""
        return await self.http.get(url)

    # What the gateway asks.

    @override
    async def head(self, key: str) -> StoredObject | None:
        answer = await self._ask("HEAD", key)
        if answer.status_code == 404:
            return None
        said = answer.headers
        etag = said["etag"].strip('"')
        return StoredObject(key, int(said["content-length"]), etag, said["content-type"])

    @override
    async def read_range(self, key: str, start: int, length: int) -> bytes:
        answer = await self._ask("GET", key)
        if answer.status_code == 404:
            raise NotFound(f"nothing at {key}", public="The file is not there.")
        return answer.content[start : start + length]

    @override
    async def put_file(
        self, key: str, file: BinaryIO, *, content_type: str, size_bytes: int
    ) -> StoredObject:
        signed = self.signer.sign_put(
            key, expires_s=60, content_type=content_type, size_bytes=size_bytes
        )
        answer = await self.put(signed.url, file.read(), signed.headers)
        etag = answer.raise_for_status().headers["etag"].strip('"')
        return StoredObject(key, size_bytes, etag, content_type)

    @override
    async def delete(self, key: str) -> None:
        await self._ask("DELETE", key)

    @override
    async def list_keys(self, prefix: str, after: str | None, limit: int) -> list[str]:
        page = await self._ask("GET", "", list_type="2", prefix=prefix)
        keys = [unescape(key) for key in re.findall("<Key>(.*?)</Key>", page.text)]
        return [key for key in keys if after is None or key > after][:limit]

    @override
    async def check(self) -> None:
        await self._ask("HEAD", "")

    async def _ask(self, method: str, key: str, **query: str) -> httpx.Response:
        path, now = f"/{BUCKET}/{quote(key)}" if key else f"/{BUCKET}", self.clock.now()
        named: list[tuple[str, str]] = [
            (name.replace("_", "-"), value) for name, value in query.items()
        ]
        day = day_key(Credentials(KEY_ID, SECRET, "auto"), f"{now:%Y%m%d}")
        asked = presign(method, path, named, {"host": HOST}, day, now, 300)
        answer = await self.http.request(method, f"{BASE_URL}{path}?{asked}")
        if answer.status_code >= 500:
            raise TryAgainLater(f"{method}: {answer.status_code}", public="Not just now.")
        assert answer.status_code in {200, 204, 206, 404}, (method, key, answer.text)
        return answer
