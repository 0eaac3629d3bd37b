"""What goes away by itself: old objects under a prefix, and uploads nobody finished."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from infra.local.object_store.multipart import Multiparts
from infra.local.object_store.objects import Bucket

STALE_UPLOAD_S = 7 * 24 * 3600  # R2's default


@dataclass(frozen=True, slots=True)
class LifecycleRule:
    """Objects under `prefix` go when they were last written `max_age_s` ago."""

    prefix: str
    max_age_s: int


@dataclass(frozen=True, slots=True)
class Swept:
    """How much a sweep removed."""

    objects: int
    uploads: int


def sweep(bucket: Bucket, rules: Sequence[LifecycleRule], now: datetime) -> Swept:
    """Remove what is too old at `now`, and say how much it was. Blocking."""
    old = [
        record.key
        for record in bucket.records()
        if any(
            record.key.startswith(rule.prefix)
            and record.modified_at <= now - timedelta(seconds=rule.max_age_s)
            for rule in rules
        )
    ]
    for key in old:
        bucket.delete(key)
    multiparts = Multiparts(bucket)
    begun_before = now - timedelta(seconds=STALE_UPLOAD_S)
    stale = [
        upload_id
        for upload_id, upload in multiparts.begun()
        if upload.modified_at <= begun_before
    ]
    for upload_id in stale:
        multiparts.abort(upload_id)
    return Swept(len(old), len(stale))
