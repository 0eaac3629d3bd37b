"""The gateway itself over loopback HTTP, on SQLite and our object store, without workers."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from pydantic import SecretStr

from gateway.bootstrap import build_gateway
from gateway.bootstrap_adapters import sqlite_adapters
from gateway.ports.url_signer import SignedUrl
from gateway.settings import StoreSettings
from tests.support.buckets import BUCKET, KEY_ID, SECRET, LocalStore, local_store
from tests.support.serving import serving_in_thread
from tests.support.world import settings_of

API_KEY = "ck_aaaa_" + "b" * 52
PART_BYTES = 5 * 2**20  # the smallest that the store takes
MP4_HEAD = b"\0\0\0\x18ftypisom\0\0\2\0isommp42"


@dataclass(frozen=True, slots=True)
class NotingSigner:
    """Signs as another does, and notes which parts."""

    signer: Any
    parts: list[int] = field(default_factory=list)

    def sign_part(self, key: str, multipart_id: str, number: int, **terms: Any) -> SignedUrl:
        self.parts.append(number)
        signed: SignedUrl = self.signer.sign_part(key, multipart_id, number, **terms)
        return signed


@dataclass(frozen=True, slots=True)
class RealV1:
    """Where it is, the store behind it, and the numbers of the parts it has signed."""

    base_url: str
    store: LocalStore
    signed_parts: list[int]


@contextmanager
def real_v1(folder: Path) -> Iterator[RealV1]:
    """Serve a gateway with the key `API_KEY`, whose parts are as small as they may be."""
    with local_store(folder / "store") as store:
        settings = settings_of(
            folder,
            api_keys=[SecretStr(API_KEY)],
            runpod=None,
            store=StoreSettings(
                endpoint_url=store.base_url,
                bucket=BUCKET,
                access_key_id=KEY_ID,
                secret_access_key=SecretStr(SECRET),
            ),
        )
        app = build_gateway(settings, sqlite_adapters(settings)).app
        uploads = app.state.uploads
        signer = NotingSigner(uploads.in_parts.signer)
        in_parts = replace(uploads.in_parts, signer=signer, usual_part_bytes=PART_BYTES)
        app.state.uploads = replace(uploads, in_parts=in_parts)
        with serving_in_thread(app) as base_url:
            yield RealV1(base_url, store, signer.parts)


def sparse_mp4(path: Path, size_bytes: int) -> Path:
    """Write what passes for an MP4 of this length, and takes next to no room."""
    with path.open("wb") as file:
        file.write(MP4_HEAD)
        file.truncate(size_bytes)
    return path
