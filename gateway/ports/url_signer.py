"""URLs that carry their own permission: one key, one method, until a time."""

import re
from base64 import b64encode
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from types import MappingProxyType
from typing import Protocol

MAX_KEY_BYTES = 1024
MAX_EXPIRES_S = 7 * 24 * 3600


@dataclass(frozen=True, slots=True)
class SignedUrl:
    """A presigned URL, and the headers that must be sent with it exactly.

    The URL is a secret: it is left out of the `repr`, and belongs in no log. Header names
    are lower case. A browser sets `content-length` by itself and lets nobody else.
    """

    url: str = field(repr=False)
    headers: Mapping[str, str]
    expires_at: datetime

    def __post_init__(self) -> None:
        object.__setattr__(self, "headers", MappingProxyType(dict(self.headers)))


class UrlSigner(Protocol):
    """Every implementation passes `tests/conformance/test_url_signers.py`.

    No network, no waiting. `expires_s` is 1 second to 7 days; a URL is dead at
    `expires_at`, not after it. A key is 1–1024 bytes of UTF-8. Else `ValueError`.
    """

    def sign_get(self, key: str, *, expires_s: int, file_name: str | None = None) -> SignedUrl:
        """Return a URL that reads the object, any range of it.

        With `file_name` the answer is a download under that name (RFC 6266), made safe.
        """

    def sign_put(
        self,
        key: str,
        *,
        expires_s: int,
        content_type: str,
        size_bytes: int | None = None,
        sha256_hex: str | None = None,
        write_once: bool = False,
    ) -> SignedUrl:
        """Return a URL that stores one body of this type.

        What is given is signed, and the store refuses any other: `size_bytes` the length
        (403), `sha256_hex` the contents (400), `write_once` a key already taken (412).
        """

    def sign_part(
        self,
        key: str,
        multipart_id: str,
        part_number: int,
        *,
        expires_s: int,
        size_bytes: int | None = None,
    ) -> SignedUrl:
        """Return a URL that stores one part of a multipart upload, as often as wanted."""


def check_terms(key: str, expires_s: int) -> None:
    """Raise `ValueError` for a key or an expiry that no store takes."""
    if not 1 <= len(key.encode()) <= MAX_KEY_BYTES:
        raise ValueError(f"a key is 1–{MAX_KEY_BYTES} bytes")
    if not 1 <= expires_s <= MAX_EXPIRES_S:
        raise ValueError(f"a URL lives 1–{MAX_EXPIRES_S} seconds, not {expires_s}")


def put_headers(
    content_type: str, size_bytes: int | None, sha256_hex: str | None, write_once: bool
) -> dict[str, str]:
    """Return the headers a PUT signs, and must then be sent with."""
    headers = {"content-type": content_type}
    if size_bytes is not None:
        headers["content-length"] = str(size_bytes)
    if write_once:
        headers["if-none-match"] = "*"
    if sha256_hex is not None:
        headers["x-amz-checksum-sha256"] = b64encode(_digest(sha256_hex)).decode()
    return headers


def _digest(sha256_hex: str) -> bytes:
    if not re.fullmatch("[0-9a-f]{64}", sha256_hex):
        raise ValueError("that is no SHA-256 in hex")
    return bytes.fromhex(sha256_hex)
