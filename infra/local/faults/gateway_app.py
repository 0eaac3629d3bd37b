"""The gateway with everything around it that can be broken.

`infra.local.stack.gateway_server PORT --app infra.local.faults.gateway_app:app` serves it.
It is the gateway of `gateway/bootstrap.py` on its own adapters: only what passes between
them and it is watched.
"""

import os
import sys
from collections.abc import Callable
from dataclasses import replace
from typing import cast

from fastapi import FastAPI
from uvicorn.importer import import_from_string

from gateway.adapters.sqlite.connections import open_writer
from gateway.adapters.sqlite.engine import SqliteEngine
from gateway.adapters.sqlite.migrate import migrate
from gateway.adapters.system_clock import SystemClock
from gateway.bootstrap import build_gateway
from gateway.bootstrap_adapters import sqlite_adapters
from gateway.entrypoints.local import keep_tickets_out_of_the_log
from gateway.settings import load_settings
from gateway.wiring_ports import Ports
from infra.local.faults.drill import KIND
from infra.local.faults.failpoints import Failpoints, folder_of
from infra.local.faults.fault_clock import FaultClock
from infra.local.faults.moody_writer import moody
from infra.local.faults.watched_ports import watched
from shared.kinds import load_kinds
from shared.logs import start_logging

# How long another process may hold the write lock before a batch is given up.
BUSY_TIMEOUT_S = 0.5
# `module:function`, which is given the ports and returns others: for tests of the drill.
PORTS_VARIABLE = "FAULTS_PORTS"


def app() -> FastAPI:
    """A factory, as `gateway.entrypoints.local.app` is one."""
    settings = load_settings()
    start_logging(sys.stdout, level=settings.log_level)
    keep_tickets_out_of_the_log()
    folder = folder_of(os.environ)
    folder.mkdir(parents=True, exist_ok=True)
    database = settings.database_path
    database.parent.mkdir(parents=True, exist_ok=True)
    migrate(database, now=SystemClock().now())
    opened = moody(lambda: open_writer(database, busy_timeout_s=BUSY_TIMEOUT_S), folder)
    engine = SqliteEngine(
        database,
        busy_timeout_s=BUSY_TIMEOUT_S,
        # All that the writer asks of a connection.
        connect_writer=cast(Callable[[], "object"], opened),  # type: ignore[arg-type]
    )
    ports = sqlite_adapters(settings, engine)
    ports = replace(ports, clock=FaultClock(ports.clock, folder))
    ports = watched(_others(ports), Failpoints(folder))
    return build_gateway(settings, ports, offered={**load_kinds(), KIND.name: KIND}).app


def _others(ports: Ports) -> Ports:
    """Return the ports that stand in for these, if any do."""
    place = os.environ.get(PORTS_VARIABLE)
    if place is None:
        return ports
    make: Callable[[Ports], Ports] = import_from_string(place)
    return make(ports)
