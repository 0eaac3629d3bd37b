"""A small S3-compatible store on disk, for one computer and for the tests.

It checks every signature, keeps R2's rules, and can be told to fail. `build_store` makes
it; uvicorn serves it.
"""

from infra.local.object_store.faults import Faults, Wrong
from infra.local.object_store.lifecycle import LifecycleRule
from infra.local.object_store.server import build_store

__all__ = ["Faults", "LifecycleRule", "Wrong", "build_store"]
