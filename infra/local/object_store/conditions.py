"""What a reader asks for beyond the key: a range, or only if it changed (RFC 9110)."""

import re
from collections.abc import Mapping

from infra.local.object_store.refusal import Refusal

_RANGE = re.compile(r"bytes=(\d{0,18})-(\d{0,18})")


def check_unchanged(headers: Mapping[str, str], etag: str) -> bool:
    """Return False where the reader has this body already (304).

    Raises `Refusal` 412 where it asked for another one with If-Match.
    """
    wanted = headers.get("if-match")
    if wanted is not None and not _names(wanted, etag):
        raise Refusal(412, "PreconditionFailed", "The object is another one.")
    held = headers.get("if-none-match")
    return held is None or not _names(held, etag)


def asked_range(headers: Mapping[str, str], etag: str, size_bytes: int) -> range | None:
    """Return the bytes to send; None for all of them, as for a range not understood.

    Raises `Refusal` 416 for a range that lies outside.
    """
    found = _RANGE.fullmatch(headers.get("range", ""))
    if found is None or found[0] == "bytes=-":
        return None
    if "if-range" in headers and not _names(headers["if-range"], etag):
        return None
    if found[1]:
        first, last = int(found[1]), int(found[2] or size_bytes)
        if last < first:
            return None
    else:
        first, last = max(0, size_bytes - int(found[2])), size_bytes
    chosen = range(first, min(last + 1, size_bytes))
    if not chosen:
        raise Refusal(
            416,
            "InvalidRange",
            "The range lies outside the object.",
            {"content-range": f"bytes */{size_bytes}"},
        )
    return chosen


def _names(header: str, etag: str) -> bool:
    tags = {tag.strip().removeprefix("W/").strip('"') for tag in header.split(",")}
    return header.strip() == "*" or etag in tags
