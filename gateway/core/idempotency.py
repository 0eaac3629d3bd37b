"""One hash for one request, however it was spelled."""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from hashlib import sha256
from typing import Any


@dataclass(frozen=True, slots=True)
class IdempotencyKey:
    """The caller's name for a request, and the hash of what it asked."""

    route: str
    key: str
    request_hash: str


def binding(route: str, key: str | None, canonical: Any) -> IdempotencyKey | None:
    """Return what the key is bound to; None where the caller gave no key.

    `canonical`: the validated request as JSON values, defaults filled in. A key is its
    tenant's and its route's: the same one on another route names another request.
    """
    return None if key is None else IdempotencyKey(route, key, request_hash(canonical))


def canonical_form(
    fields: Mapping[str, Any], files: Iterable[tuple[str, str]]
) -> dict[str, Any]:
    """Return a form as a canonical request: its validated fields, and its files' hashes.

    `files`: the field's name and the SHA-256 of each file. Boundary, file names and the
    order of the parts are no part of a request; the order of the files under one name is,
    for it may be the order they are joined in.
    """
    hashes: dict[str, list[str]] = {}
    for name, sha256_hex in files:
        hashes.setdefault(name, []).append(sha256_hex)
    return {"fields": dict(fields), "files": hashes}


def request_hash(canonical: Any) -> str:
    """Hash a validated request: defaults filled in, keys sorted, no spaces."""
    text = json.dumps(canonical, sort_keys=True, separators=(",", ":"), ensure_ascii=True)
    return sha256(text.encode()).hexdigest()
