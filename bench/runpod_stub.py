"""RunPod's queue as far as a gateway sees it: jobs are taken, and always being worked on."""

import asyncio
from collections.abc import Mapping
from itertools import count
from typing import Any

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

Delivery = Mapping[str, Any]


def runpod_stub(deliveries: "asyncio.Queue[Delivery]") -> Starlette:
    """Return the app; each submission goes into the queue as RunPod would deliver it."""
    numbers = count(1)

    async def run(request: Request) -> Response:
        asked = await request.json()
        runpod_id = f"bench-{next(numbers)}"
        deliveries.put_nowait({"id": runpod_id, "input": asked["input"]})
        return JSONResponse({"id": runpod_id, "status": "IN_QUEUE"})

    async def status(request: Request) -> Response:
        return JSONResponse({"id": request.path_params["id"], "status": "IN_PROGRESS"})

    async def cancel(request: Request) -> Response:
        return JSONResponse({"id": request.path_params["id"], "status": "CANCELLED"})

    return Starlette(
        routes=[
            Route("/v2/{endpoint}/run", run, methods=["POST"]),
            Route("/v2/{endpoint}/status/{id}", status),
            Route("/v2/{endpoint}/cancel/{id}", cancel, methods=["POST"]),
        ]
    )
