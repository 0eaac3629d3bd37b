"""What is said of each route, a file a tag; keyed by the name of the route's function."""

from collections.abc import Mapping
from itertools import chain

from gateway.api.openapi.operation import Operation
from gateway.api.openapi.operations import (
    events,
    exports,
    health,
    jobs,
    kinds,
    previews,
    uploads,
    usage,
    webhooks,
    work,
)

_PARTS = (kinds, uploads, jobs, usage, previews, events, exports, webhooks, work, health)


def described() -> Mapping[str, Operation]:
    """Return every description by operation id; raise `ValueError` where two share one."""
    found: dict[str, Operation] = {}
    for name, operation in chain.from_iterable(each.OPERATIONS.items() for each in _PARTS):
        if name in found:
            raise ValueError(f"two descriptions of {name}")
        found[name] = operation
    return found
