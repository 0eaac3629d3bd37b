"""How the exports surface words its refusals; known before any of its routes is."""

from types import MappingProxyType

from gateway.api.faces import Face
from gateway.core.surfaces import Surface

OWN_STATUSES = MappingProxyType({"no_working_video": 400, "source_video_not_found": 400})


def face(prefix: str, *, body_bytes: int) -> Face:
    """Return how this surface answers what it refuses; `prefix` is that of its own routes."""
    return Face(
        Surface.EXPORTS,
        (prefix, "/api/jobs", "/api/videos", "/ws/export"),
        statuses=OWN_STATUSES,
        body_bytes=body_bytes,
    )
