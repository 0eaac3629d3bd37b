"""A gateway to be measured, in a process of its own, as the image serves it.

`python -m bench.gateway_server MODE`, with the settings in the environment. It prints its
port as a line of JSON and serves until its standard input is closed.

    full, normal     as a server, by SQLite's `synchronous`; effects stay in the outbox
    no_database      the same routes over ports that answer at once and keep nothing
    watched          as a server, with everything a server does
"""

import asyncio
import logging
import sys
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any, Literal, cast, get_args

from bench.measured_kind import KINDS
from bench.serving import serve_until_told
from gateway.bootstrap import build_gateway
from gateway.bootstrap_adapters import sqlite_adapters
from gateway.core.api_keys import ApiKey
from gateway.entrypoints.garbage import spare_what_was_built
from gateway.ports.job_line import JobLine
from gateway.ports.job_store import JobStore, NewJob
from gateway.ports.key_store import KeyStore
from gateway.settings import load_settings
from gateway.wiring_ports import Ports
from shared.kinds import load_kinds

Mode = Literal["full", "normal", "no_database", "watched"]


class _NoJobs:
    """The part of a job store that a submission calls."""

    async def create(self, new: NewJob) -> int:
        """Keep nothing; nobody waits in front."""
        return 0


class _NoLine:
    """The part of a job line that a start calls."""

    async def know_endpoints(self, names: Sequence[str]) -> None:
        """Nothing to know."""


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

    async def note_use(self, key_id: str, at: datetime) -> None:
        """Keep when one was last used, which is asked for once in a while."""
        self._keys[key_id] = replace(self._keys[key_id], last_used_at=at)


def _ports(mode: Mode) -> Ports:
    """What the gateway of this mode stands on."""
    ports = sqlite_adapters(
        load_settings(), synchronous="NORMAL" if mode == "normal" else "FULL"
    )
    if mode != "no_database":
        return ports
    # Another method called than those above is an error, and so a measurement that breaks.
    nothing: Any = object()
    return replace(
        ports,
        jobs=cast(JobStore, _NoJobs()),
        job_line=cast(JobLine, _NoLine()),
        job_watch=nothing,
        job_lists=nothing,
        job_reuse=nothing,
        job_removal=nothing,
        job_pruning=nothing,
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
    spare_what_was_built()
    await serve_until_told(gateway.app, lifespan="on" if watched else "off")
    if not watched:
        await ports.close()


def _mode(word: str) -> Mode:
    if word not in get_args(Mode):
        raise SystemExit(f"no mode is called {word}")
    mode: Any = word
    return cast(Mode, mode)


if __name__ == "__main__":
    logging.basicConfig(level=logging.WARNING)
    asyncio.run(serve(_mode(sys.argv[1])))
