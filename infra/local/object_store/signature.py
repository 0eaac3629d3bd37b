"""Signature Version 4, checked: in the query of a presigned URL, or in a header.

Written from "Authenticating Requests (AWS Signature Version 4)" in the Amazon S3 API
reference, and from nothing of the gateway's: what signs and what checks share no line.
"""

import hashlib
import hmac
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from urllib.parse import quote, unquote_to_bytes

from infra.local.object_store.refusal import Refusal
from infra.local.object_store.request import Request

UNSIGNED = "UNSIGNED-PAYLOAD"
UNSIGNED_CHUNKS = "STREAMING-UNSIGNED-PAYLOAD-TRAILER"

REGIONS = frozenset({"auto", "us-east-1"})  # R2 takes these two for its own
MAX_EXPIRES_S = 7 * 24 * 3600
MAX_SKEW = timedelta(minutes=15)

_ALGORITHM = "AWS4-HMAC-SHA256"
_IN_QUERY = ("Algorithm", "Credential", "Date", "Expires", "SignedHeaders", "Signature")
_HEADER = re.compile(
    rf"{_ALGORITHM} Credential=(?P<credential>[^,\s]+),\s*"
    r"SignedHeaders=(?P<signed_headers>[^,\s]+),\s*Signature=(?P<signature>[0-9a-f]{64})"
)
_SHA256 = re.compile("[0-9a-f]{64}")


@dataclass(frozen=True, slots=True)
class _Claim:
    """What a request says about its own signature."""

    access_key_id: str
    day: str
    region: str
    signed_at: datetime
    signed_headers: tuple[str, ...]
    signature: str
    payload: str
    lives_s: int | None  # a presigned URL's; None for a signed header

    @property
    def scope(self) -> str:
        return f"{self.day}/{self.region}/s3/aws4_request"


def verify(request: Request, secrets: Mapping[str, str], now: datetime) -> str:
    """Return what was signed of the body: a SHA-256, or one of the words above.

    `secrets`: secret access key by access key id. Raises `Refusal`: 403 for whatever is
    unsigned, forged, expired or skewed, 400 for what cannot be read as a signature.
    """
    presigned = "X-Amz-Signature" in request.query
    if presigned and "authorization" in request.headers:
        raise Refusal(400, "InvalidArgument", "Signed twice: in the query and in a header.")
    claim = _claim_in_query(request) if presigned else _claim_in_header(request)
    if claim.access_key_id not in secrets:
        raise Refusal(403, "InvalidAccessKeyId", "No such access key.")
    _check_time(claim, now)
    _check_headers(claim, request)
    expected = _signature(claim, request, secrets[claim.access_key_id])
    if not hmac.compare_digest(expected.encode(), claim.signature.encode()):
        raise Refusal(403, "SignatureDoesNotMatch", "The request is not what was signed.")
    return claim.payload


def _claim_in_query(request: Request) -> _Claim:
    given = {name: request.query.get(f"X-Amz-{name}") for name in _IN_QUERY}
    if None in given.values() or given["Algorithm"] != _ALGORITHM:
        raise _malformed("A part of the signature is missing.")
    terms = {name: value or "" for name, value in given.items()}
    if not terms["Expires"].isascii() or not terms["Expires"].isdecimal():
        raise _malformed("X-Amz-Expires is no number.")
    lives_s = int(terms["Expires"])
    if not 1 <= lives_s <= MAX_EXPIRES_S:
        raise _malformed("X-Amz-Expires is 1 second to 7 days.")
    signed_headers = tuple(terms["SignedHeaders"].split(";"))
    payload = UNSIGNED
    if "x-amz-content-sha256" in signed_headers:
        payload = _payload(request)
    return _claim(
        terms["Credential"],
        terms["Date"],
        signed_headers,
        terms["Signature"],
        payload,
        lives_s,
    )


def _claim_in_header(request: Request) -> _Claim:
    found = _HEADER.fullmatch(request.headers.get("authorization", ""))
    if found is None:
        raise Refusal(403, "AccessDenied", "The request is not signed.")
    return _claim(
        found["credential"],
        request.headers.get("x-amz-date", ""),
        tuple(found["signed_headers"].split(";")),
        found["signature"],
        _payload(request),
        None,
    )


def _claim(
    credential: str,
    date: str,
    signed_headers: tuple[str, ...],
    signature: str,
    payload: str,
    lives_s: int | None,
) -> _Claim:
    try:
        access_key_id, day, region, service, end = credential.rsplit("/", 4)
        signed_at = datetime.strptime(date, "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC)
    except ValueError as error:
        raise _malformed("The credential or the date cannot be read.") from error
    if (service, end) != ("s3", "aws4_request") or date[:8] != day or region not in REGIONS:
        raise Refusal(403, "SignatureDoesNotMatch", "The credential is for something else.")
    return _Claim(
        access_key_id, day, region, signed_at, signed_headers, signature, payload, lives_s
    )


def _payload(request: Request) -> str:
    payload = request.headers.get("x-amz-content-sha256", "")
    if payload in {UNSIGNED, UNSIGNED_CHUNKS} or _SHA256.fullmatch(payload):
        return payload
    if payload.startswith("STREAMING-"):
        raise Refusal(501, "NotImplemented", "Chunks with signatures of their own.")
    raise Refusal(400, "InvalidArgument", "x-amz-content-sha256 is missing or malformed.")


def _check_time(claim: _Claim, now: datetime) -> None:
    too_early = claim.signed_at > now + MAX_SKEW
    if claim.lives_s is None:
        if too_early or claim.signed_at < now - MAX_SKEW:
            raise Refusal(403, "RequestTimeTooSkewed", "The clocks differ by too much.")
        return
    if too_early:
        raise Refusal(403, "AccessDenied", "The request is not valid yet.")
    if now >= claim.signed_at + timedelta(seconds=claim.lives_s):
        raise Refusal(403, "AccessDenied", "Request has expired")


def _check_headers(claim: _Claim, request: Request) -> None:
    """Refuse a header that had to be signed and was not, or was and is not there."""
    signed = claim.signed_headers
    if "host" not in signed or list(signed) != sorted(set(signed)):
        raise Refusal(403, "SignatureDoesNotMatch", "SignedHeaders is not in order.")
    for name in request.headers:
        if name.startswith("x-amz-") and name not in signed:
            raise Refusal(403, "AccessDenied", f"The header {name} is not signed.")
    for name in signed:
        if name not in request.headers:
            raise Refusal(403, "SignatureDoesNotMatch", f"The signed {name} is missing.")


def _signature(claim: _Claim, request: Request, secret: str) -> str:
    canonical = hashlib.sha256(_canonical_request(claim, request)).hexdigest()
    at = f"{claim.signed_at:%Y%m%dT%H%M%SZ}"
    to_sign = f"{_ALGORITHM}\n{at}\n{claim.scope}\n{canonical}"
    key = b"AWS4" + secret.encode()
    for step in (*claim.scope.split("/"), to_sign):
        key = hmac.digest(key, step.encode(), "sha256")
    return key.hex()


def _canonical_request(claim: _Claim, request: Request) -> bytes:
    query = sorted(
        (quote(name, safe=""), quote(value, safe=""))
        for name, value in request.query.items()
        if name != "X-Amz-Signature"
    )
    lines = [
        request.method,
        quote(unquote_to_bytes(request.path), safe="/"),
        "&".join(f"{name}={value}" for name, value in query),
        *(f"{name}:{' '.join(request.headers[name].split())}" for name in claim.signed_headers),
        "",
        ";".join(claim.signed_headers),
        claim.payload,
    ]
    return "\n".join(lines).encode("latin-1")


def _malformed(message: str) -> Refusal:
    return Refusal(400, "AuthorizationQueryParametersError", message)
