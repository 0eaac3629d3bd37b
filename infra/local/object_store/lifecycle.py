"""What goes away by itself: old objects under a prefix, and uploads nobody finished."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from infra.local.object_store.multipart import Multiparts
from infra.local.object_store.objects import Bucket
from infra.local.object_store.sealed import Record

STALE_UPLOAD_S = 7 * 24 * 3600  # R2's default


@dataclass(frozen=True, slots=True)
class LifecycleRule:
    """What lies under `prefix` goes so long after it was last written, or begun.

    `max_age_s`: objects. `abort_after_s`: uploads in parts. None: this rule takes none.
    """

    prefix: str
    max_age_s: int | None = None
    abort_after_s: int | None = None


@dataclass(frozen=True, slots=True)
class Swept:
    """How much a sweep removed."""

    objects: int
    uploads: int


def rules_in(document: Mapping[str, Any]) -> list[LifecycleRule]:
    """Return the rules of a document in R2's form; those that are not enabled are left out.

    `ValueError` for a condition that is no age: it would be kept and never come true here.
    """
    return [
        LifecycleRule(
            rule.get("conditions", {}).get("prefix", ""),
            _age_s(rule.get("deleteObjectsTransition")),
            _age_s(rule.get("abortMultipartUploadsTransition")),
        )
        for rule in document["rules"]
        if rule["enabled"]
    ]


def sweep(bucket: Bucket, rules: Sequence[LifecycleRule], now: datetime) -> Swept:
    """Remove what is too old at `now`, and say how much it was. Blocking."""
    old = [
        record.key
        for record in bucket.records()
        if any(_is_old(record, rule.prefix, rule.max_age_s, now) for rule in rules)
    ]
    for key in old:
        bucket.delete(key)
    multiparts = Multiparts(bucket)
    stale = [
        upload_id
        for upload_id, upload in multiparts.begun()
        if _is_old(upload, "", STALE_UPLOAD_S, now)
        or any(_is_old(upload, rule.prefix, rule.abort_after_s, now) for rule in rules)
    ]
    for upload_id in stale:
        multiparts.abort(upload_id)
    return Swept(len(old), len(stale))


def _is_old(record: Record, prefix: str, age_s: int | None, now: datetime) -> bool:
    if age_s is None or not record.key.startswith(prefix):
        return False
    return record.modified_at <= now - timedelta(seconds=age_s)


def _age_s(transition: Mapping[str, Any] | None) -> int | None:
    if transition is None:
        return None
    condition = transition["condition"]
    if condition["type"] != "Age":
        raise ValueError(f"only ages are kept here, not {condition['type']!r}")
    return int(condition["maxAge"])
