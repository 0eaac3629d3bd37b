"""Serve from a computer or a container: `python -m gateway.entrypoints.local`.

`uvicorn --factory gateway.entrypoints.local:app` serves the same, with uvicorn's own
settings for sockets, and writes the same log.
"""

import argparse
import logging
import socket
import sys
from collections.abc import Sequence

import uvicorn
from fastapi import FastAPI

from gateway.bootstrap import build_gateway
from gateway.bootstrap_adapters import sqlite_adapters
from gateway.entrypoints.garbage import spare_what_was_built
from gateway.settings import load_settings
from shared.errors import OperatorMustAct
from shared.logs import start_logging
from shared.stray_lines import log_what_strays

PING_S = 20.0
LARGEST_FRAME_BYTES = 1024
SHUTDOWN_S = 10
# What lies unread at a peer's for as long is given up by the kernel; the connection with it.
UNREAD_S = 60
NOT_STARTED = 3  # uvicorn's own exit status for it
# Lines of uvicorn's that show a whole URL, and what it says of a reader we cut off.
_NOT_ITS_TO_SAY = ('%s - "', "ASGI callable returned without completing response.")


def app() -> FastAPI:
    """A factory, so that importing this module starts nothing."""
    settings = load_settings()
    start_logging(sys.stdout, level=settings.log_level)
    keep_tickets_out_of_the_log()
    built = build_gateway(settings, sqlite_adapters(settings)).app
    spare_what_was_built()
    return built


def keep_tickets_out_of_the_log() -> None:
    """Let uvicorn log into ours, and no requests: a query may hold a ticket.

    The gateway logs each request itself, by its path. However uvicorn was started, it has
    set its loggers up before it asks for the application.
    """
    for name in ("uvicorn", "uvicorn.error", "uvicorn.access", "uvicorn.asgi"):
        logger = logging.getLogger(name)
        logger.handlers.clear()
        logger.propagate = name != "uvicorn.access"
        logger.setLevel(logging.INFO)  # below that it writes out headers and scopes
    logging.getLogger("uvicorn.error").addFilter(_is_its_to_say)


def _is_its_to_say(record: logging.LogRecord) -> bool:
    return not str(record.msg).startswith(_NOT_ITS_TO_SAY)


def server_config() -> uvicorn.Config:
    """Return how uvicorn serves the gateway, on whatever socket."""
    return uvicorn.Config(
        "gateway.entrypoints.local:app",
        factory=True,
        log_config=None,
        access_log=False,
        server_header=False,
        ws_ping_interval=PING_S,
        ws_ping_timeout=PING_S,
        ws_max_size=LARGEST_FRAME_BYTES,
        ws_per_message_deflate=False,  # a window for each watcher, for messages of a kilobyte
        timeout_graceful_shutdown=SHUTDOWN_S,
    )


def listener(host: str, port: int) -> socket.socket:
    """Return a bound socket whose connections end where what was sent stays unread.

    Cut off by us alone, such a connection would keep its last buffers for as long as its
    peer answers the kernel's probes. Raises `OSError`.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    # Of the protocol by name: asyncio sends small writes at once only where it reads that.
    bound = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    if sys.platform == "linux":
        bound.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, UNREAD_S * 1000)
    try:
        bound.bind((host, port))
    except OSError:
        bound.close()
        raise
    return bound


def main(arguments: Sequence[str] | None = None) -> None:
    """Serve until SIGTERM."""
    parser = argparse.ArgumentParser(description="Serve the gateway.")
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=8000)
    asked = parser.parse_args(arguments)
    log_what_strays()
    server = uvicorn.Server(server_config())
    try:
        with listener(asked.host, asked.port) as bound:
            server.run(sockets=[bound])
    except OperatorMustAct as error:  # for whoever started it, there being no log yet
        raise SystemExit(f"the gateway cannot start: {error}") from None
    if not server.started:
        raise SystemExit(NOT_STARTED)


if __name__ == "__main__":
    main()
