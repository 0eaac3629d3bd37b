"""Where nothing stays open between events: what there is at the addresses of sockets."""

from fastapi import FastAPI
from fastapi.routing import iter_route_contexts
from starlette.routing import WebSocketRoute

from shared.errors import NotFound


def refuse_sockets(app: FastAPI) -> None:
    """Say at the address of each socket what to do instead."""

    async def no_socket() -> None:
        raise NotFound(
            "a socket was asked for where there are none",
            public="No sockets are served here. Poll GET /v1/jobs/{job_id}/events with wait_s.",
            code="no_sockets_here",
        )

    for each in list(iter_route_contexts(app.routes)):
        if isinstance(each.original_route, WebSocketRoute) and each.path:
            app.add_api_route(each.path, no_socket, include_in_schema=False)
