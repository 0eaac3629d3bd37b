"""The exports surface as bootstrap mounts it."""

from fastapi import APIRouter

from gateway.api.products.exports import register_projects, start_exports, watch, workers_api


def routes(prefix: str) -> APIRouter:
    """Return all routes; those of exports and projects stand under `prefix`."""
    router = APIRouter()
    router.include_router(start_exports.router, prefix=prefix)
    router.include_router(register_projects.router, prefix=prefix)
    router.include_router(workers_api.router)
    router.include_router(watch.router)
    return router
