"""The gateway as a process of its own.

    python -m infra.local.stack.gateway_server PORT [--one-request-each] [--app MODULE:FACTORY]

It reads its settings from the environment, which is all that the stack hands it.
"""

import argparse
from collections.abc import Callable, Sequence

import uvicorn
from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send
from uvicorn.importer import import_from_string

from infra.local.stack.ports import LOOPBACK
from infra.local.stack.serving import SHUTDOWN_S

# Named, not imported: the stack runs programs and knows none from inside.
APP = "gateway.entrypoints.local:app"
WS_PING_S = 20.0


class OneRequestEach:
    """Ends each connection with its answer, so that the next request finds another gateway.

    Behind a balancer that does not look into what it passes on, a caller that keeps its
    connection would speak to one gateway for good.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass it on; an upgrade to WebSocket and the lifespan as they are."""

        async def send_last(message: Message) -> None:
            if message["type"] == "http.response.start":
                MutableHeaders(scope=message)["Connection"] = "close"
            await send(message)

        await self._app(scope, receive, send_last if scope["type"] == "http" else send)


def _app(factory: str, *, one_request_each: bool) -> ASGIApp:
    build: Callable[[], ASGIApp] = import_from_string(factory)
    return OneRequestEach(build()) if one_request_each else build()


def main(arguments: Sequence[str] | None = None) -> None:
    """Serve until SIGTERM."""
    parser = argparse.ArgumentParser(description="Serve the gateway of a local stack.")
    parser.add_argument("port", type=int)
    parser.add_argument("--one-request-each", action="store_true")
    parser.add_argument("--app", default=APP)
    asked = parser.parse_args(arguments)
    uvicorn.run(
        lambda: _app(asked.app, one_request_each=asked.one_request_each),
        factory=True,
        host=LOOPBACK,
        port=asked.port,
        log_config=None,  # the gateway's own: JSON lines
        access_log=False,  # a query may hold a ticket
        server_header=False,
        ws_ping_interval=WS_PING_S,
        timeout_graceful_shutdown=SHUTDOWN_S,
    )


if __name__ == "__main__":
    main()
