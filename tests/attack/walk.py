"""The routes of an application as it is, so that a new one cannot be forgotten."""

import re
from collections import defaultdict
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from fastapi import FastAPI
from fastapi.routing import iter_route_contexts
from starlette.routing import WebSocketRoute

from tests.support.target import Standing, Target

# Development's own pages, which production does not have.
PAGES = frozenset({"/docs", "/docs/oauth2-redirect", "/openapi.json", "/redoc"})
OPEN = frozenset({"/healthz", "/readyz"})
NUMBERS = {"project_id": "7", "clip_index": "0"}
# Where an address is looked up after the body was read: one that is good.
BODIES = {
    "/v1/uploads/{upload_id}/parts": {"part_numbers": [1]},
    "/v1/webhook-endpoints/{endpoint_id}": {"enabled": True},
}
PREFIXES = ("/v1", "/api/export", "/api/jobs", "/api/videos", "/ws/export")


@dataclass(frozen=True, slots=True, order=True)
class Place:
    """A method at an address, as the route declares it."""

    method: str
    template: str

    def __str__(self) -> str:
        return f"{self.method} {self.template}"

    @property
    def ids(self) -> frozenset[str]:
        """The parameters of the path that name something of a tenant's."""
        return frozenset(re.findall(r"\{(\w+)\}", self.template)) - NUMBERS.keys()

    def filled(self, value: Callable[[str], str]) -> str:
        """Return the address, each parameter as `value` has it by its name."""
        return re.sub(r"\{(\w+)\}", lambda found: value(found[1]), self.template)


def walked(target: Target) -> list[Place]:
    """Return every HTTP route, in order."""
    return sorted(_http(target.world.gateway.app))


def methods_at(target: Target) -> dict[str, set[str]]:
    """Return the methods of each address."""
    found = defaultdict(set)
    for place in walked(target):
        found[place.template].add(place.method)
    return dict(found)


def sockets(target: Target) -> list[str]:
    """Return the address of every WebSocket."""
    contexts = iter_route_contexts(target.world.gateway.app.routes)
    return sorted(
        str(each.path) for each in contexts if isinstance(each.original_route, WebSocketRoute)
    )


def _http(app: FastAPI) -> Iterator[Place]:
    for context in iter_route_contexts(app.routes):
        for method in context.methods or ():
            if method != "HEAD" and context.path_format not in PAGES:
                yield Place(method, str(context.path_format))


def of_default(has: Standing, place: Place) -> Callable[[str], str]:
    """Return what the tenant `default` has for each parameter of an address."""
    is_export = place.template.startswith(PREFIXES[1:])
    ids = {
        "job_id": has.export_id if is_export else has.queued_id,
        "upload_id": has.upload_id,
        "asset_id": has.asset_id,
        "endpoint_id": has.endpoint_id,
        "delivery_id": has.delivery_id,
        **NUMBERS,
    }
    return ids.__getitem__
