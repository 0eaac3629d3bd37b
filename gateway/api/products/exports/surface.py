"""The exports surface as bootstrap mounts it."""

from types import MappingProxyType

from fastapi import APIRouter

from gateway.api.faces import Face
from gateway.api.products.exports import register_projects, start_exports, watch, workers_api
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


def routes(prefix: str) -> APIRouter:
    """Return all routes; those of exports and projects stand under `prefix`."""
    router = APIRouter()
    router.include_router(start_exports.router, prefix=prefix)
    router.include_router(register_projects.router, prefix=prefix)
    router.include_router(workers_api.router)
    router.include_router(watch.router)
    return router
