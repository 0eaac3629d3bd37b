"""An app served as the image serves it, until nobody holds our standard input."""

import asyncio
import json
import socket
import sys
from typing import Any, Literal

import uvicorn

BACKLOG = 4096


async def serve_until_told(app: Any, *, lifespan: Literal["on", "off"]) -> None:
    """Print the port as a line of JSON, and serve until standard input is closed.

    `app` is any ASGI app, which is how wide uvicorn's own type of one is.
    """
    # Of the protocol by name: asyncio sends small writes at once only where it reads that.
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP) as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen(BACKLOG)
        server = _server(app, lifespan)
        asyncio.get_running_loop().add_reader(sys.stdin, _end, server)
        print(json.dumps({"port": listener.getsockname()[1]}), flush=True)
        await server.serve(sockets=[listener])


def _server(app: Any, lifespan: Literal["on", "off"]) -> uvicorn.Server:
    # The image has neither uvloop nor httptools; the worker's SDK brings them here.
    return uvicorn.Server(
        uvicorn.Config(
            app,
            loop="asyncio",
            http="h11",
            lifespan=lifespan,
            log_config=None,
            access_log=False,
            server_header=False,
            backlog=BACKLOG,
            timeout_graceful_shutdown=1,
        )
    )


def _end(server: uvicorn.Server) -> None:
    server.should_exit = True
    asyncio.get_running_loop().remove_reader(sys.stdin)
