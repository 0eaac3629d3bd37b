"""Builds the store: the one function that the demo, `make serve` and the tests call."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from pathlib import Path

from infra.local.object_store.app import ObjectStore
from infra.local.object_store.clock import Clock, MachineClock
from infra.local.object_store.cors import CorsRules
from infra.local.object_store.faults import Faults
from infra.local.object_store.lifecycle import LifecycleRule
from infra.local.object_store.objects import Bucket, bucket_name


def build_store(
    root: Path,
    *,
    keys: Mapping[str, str],
    buckets: Iterable[str],
    cors_origins: Collection[str] = (),
    lifecycle: Sequence[LifecycleRule] = (),
    clock: Clock | None = None,
    faults: Faults | None = None,
) -> ObjectStore:
    """Return the ASGI app that keeps `buckets` under `root`, made where they are missing.

    `keys`: secret access key by access key id. `cors_origins`: exact origins of pages. One
    process at a time may keep a root. Serve it without the server's own access log: the
    query of a presigned URL is a secret.
    """
    return ObjectStore(
        buckets={name: Bucket(root / bucket_name(name)) for name in buckets},
        secrets=keys,
        cors=CorsRules(cors_origins),
        lifecycle=lifecycle,
        clock=clock or MachineClock(),
        faults=faults,
    )
