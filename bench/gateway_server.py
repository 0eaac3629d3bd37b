"""A gateway to be measured, in a process of its own, as the image serves it.

`python -m bench.gateway_server MODE`, with the settings in the environment. It prints its
port as a line of JSON and serves until its standard input is closed.

    full, normal     as a server, by SQLite's `synchronous`; effects stay in the outbox
    no_database      the same routes over ports that answer at once and keep nothing
    watched          as a server, with everything a server does
"""

import asyncio
import json
import logging
import socket
import sys
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any, Literal, cast, get_args

import uvicorn

from bench.measured_kind import KINDS
from gateway.bootstrap import Gateway, build_gateway, sqlite_adapters
from gateway.core.api_keys import ApiKey
from gateway.core.job import Job
from gateway.ports.attempt_log import AttemptLog, Costs
from gateway.ports.job_store import JobStore, NewJob
from gateway.ports.key_store import KeyStore
from gateway.settings import load_settings
from gateway.wiring import Ports
from shared.kinds import load_kinds

Mode = Literal["full", "normal", "no_database", "watched"]
BACKLOG = 4096


class _NoJobs:
    """The part of a job store and of an attempt log that a submission calls."""

    async def know_endpoints(self, names: Sequence[str]) -> None:
        """Nothing to know."""

    async def create(self, new: NewJob) -> None:
        """Keep nothing."""

    async def position(self, _job: Job) -> int:
        """Nobody waits in front."""
        return 0

    async def costs(self, _job_id: str) -> Costs:
        """Nothing is reserved."""
        return Costs(0, None)


class _KeysInMemory:
    """The keys that the environment brings."""

    def __init__(self) -> None:
        self._keys: dict[str, ApiKey] = {}

    async def seed(self, keys: Sequence[ApiKey], _at: datetime) -> None:
        """Keep these."""
        self._keys = {key.key_id: key for key in keys}

    async def get(self, key_id: str) -> ApiKey | None:
        """Return one."""
        return self._keys.get(key_id)


def _ports(mode: Mode) -> Ports:
    """What the gateway of this mode stands on."""
    ports = sqlite_adapters(
        load_settings(), synchronous="NORMAL" if mode == "normal" else "FULL"
    )
    if mode != "no_database":
        return ports
    # Another method called than those above is an error, and so a measurement that breaks.
    nothing = _NoJobs()
    return replace(
        ports,
        jobs=cast(JobStore, nothing),
        attempts=cast(AttemptLog, nothing),
        keys=cast(KeyStore, _KeysInMemory()),
    )


async def serve(mode: Mode) -> None:
    """Serve until nobody holds our standard input."""
    ports = _ports(mode)
    offered = {**load_kinds(), **KINDS}
    gateway = build_gateway(load_settings(), ports, offered=offered)
    watched = mode == "watched"
    if not watched:
        await gateway.start()
    # Of the protocol by name: asyncio sends small writes at once only where it reads that.
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP) as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen(BACKLOG)
        server = _server(gateway, "on" if watched else "off")
        asyncio.get_running_loop().add_reader(sys.stdin, _end, server)
        print(json.dumps({"port": listener.getsockname()[1]}), flush=True)
        await server.serve(sockets=[listener])
    if not watched:
        await ports.close()


def _server(gateway: Gateway, lifespan: Literal["on", "off"]) -> uvicorn.Server:
    # The image has neither uvloop nor httptools; the worker's SDK brings them here.
    return uvicorn.Server(
        uvicorn.Config(
            gateway.app,
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


def _mode(word: str) -> Mode:
    if word not in get_args(Mode):
        raise SystemExit(f"no mode is called {word}")
    mode: Any = word
    return cast(Mode, mode)


if __name__ == "__main__":
    logging.basicConfig(level=logging.WARNING)
    asyncio.run(serve(_mode(sys.argv[1])))
