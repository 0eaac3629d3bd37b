"""Signed URLs for the bucket in memory: the grant itself, under a MAC."""

import hashlib
import hmac
import json
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from urllib.parse import parse_qs, quote, unquote, urlsplit

from typing_extensions import override

from gateway.core.download_name import attachment
from gateway.ports.clock import Clock
from gateway.ports.url_signer import SignedUrl, UrlSigner, check_terms, put_headers

_ORIGIN = "memory://objects/"


@dataclass(frozen=True, slots=True)
class Grant:
    """What one URL permits."""

    method: str
    key: str
    expires_at: str
    headers: dict[str, str]
    disposition: str | None = None
    multipart_id: str | None = None
    part_number: int = 0


class MemoryUrlSigner(UrlSigner):
    """Writes the grant into the URL, under a MAC; `MemoryObjectStore` reads it back."""

    def __init__(self, *, secret: bytes, clock: Clock) -> None:
        self._secret = secret
        self._clock = clock

    @override
    def sign_get(self, key: str, *, expires_s: int, file_name: str | None = None) -> SignedUrl:
        disposition = None if file_name is None else attachment(file_name)
        expires_at = self._expiry(key, expires_s)
        grant = Grant("GET", key, expires_at.isoformat(), {}, disposition)
        return self._signed(grant, expires_at)

    @override
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
        headers = put_headers(content_type, size_bytes, sha256_hex, write_once)
        expires_at = self._expiry(key, expires_s)
        return self._signed(Grant("PUT", key, expires_at.isoformat(), headers), expires_at)

    @override
    def sign_part(
        self,
        key: str,
        multipart_id: str,
        part_number: int,
        *,
        expires_s: int,
        size_bytes: int | None = None,
    ) -> SignedUrl:
        headers = {} if size_bytes is None else {"content-length": str(size_bytes)}
        expires_at = self._expiry(key, expires_s)
        grant = Grant(
            "PUT",
            key,
            expires_at.isoformat(),
            headers,
            multipart_id=multipart_id,
            part_number=part_number,
        )
        return self._signed(grant, expires_at)

    def granted(self, method: str, url: str, headers: Mapping[str, str]) -> Grant | None:
        """Return what the URL permits now; None if it is forged, expired or misused."""
        parts = urlsplit(url)
        query = parse_qs(parts.query)
        terms = query.get("grant", [""])[0]
        if not hmac.compare_digest(self._mac(terms), query.get("signature", [""])[0]):
            return None
        grant = Grant(**json.loads(urlsafe_b64decode(terms)))
        path = unquote(parts.path.removeprefix("/"))
        alive = self._clock.now() < datetime.fromisoformat(grant.expires_at)
        as_signed = all(headers.get(name) == grant.headers[name] for name in grant.headers)
        nothing_more = all(
            name in grant.headers for name in headers if name.startswith("x-amz-")
        )
        if alive and as_signed and nothing_more and (grant.method, grant.key) == (method, path):
            return grant
        return None

    def _expiry(self, key: str, expires_s: int) -> datetime:
        check_terms(key, expires_s)
        return self._clock.now().replace(microsecond=0) + timedelta(seconds=expires_s)

    def _signed(self, grant: Grant, expires_at: datetime) -> SignedUrl:
        fields = {name: getattr(grant, name) for name in Grant.__slots__}
        terms = urlsafe_b64encode(json.dumps(fields).encode()).decode()
        url = f"{_ORIGIN}{quote(grant.key)}?grant={terms}&signature={self._mac(terms)}"
        return SignedUrl(url, grant.headers, expires_at)

    def _mac(self, terms: str) -> str:
        return hmac.new(self._secret, terms.encode(), hashlib.sha256).hexdigest()
