"""The exports surface as bootstrap mounts it."""

from functools import cache

from fastapi import APIRouter
from starlette.routing import BaseRoute

from gateway.api.products.exports import register_projects, start_exports, watch, workers_api


def routes(prefix: str) -> list[BaseRoute]:
    """Return all routes; those of exports and projects stand under `prefix`."""
    return [*_under(prefix), *workers_api.router.routes, *watch.router.routes]


@cache
def _under(prefix: str) -> list[BaseRoute]:
    """Return the routes that have a prefix; FastAPI takes milliseconds to look at each."""
    router = APIRouter()
    router.include_router(start_exports.router, prefix=prefix)
    router.include_router(register_projects.router, prefix=prefix)
    return router.routes
