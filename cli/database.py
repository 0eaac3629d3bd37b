"""The gateway's database as an operator's command reaches it: by the gateway's own settings."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from gateway.settings import Settings
    from gateway.wiring_ports import Ports

EnvFile = Annotated[
    Path | None,
    typer.Option(
        "--env-file",
        help="A file with the gateway's settings, behind the environment. "
        "`cutroom serve` writes one: build/serve/gateway.env.",
    ),
]


@asynccontextmanager
async def opened(env_file: Path | None) -> "AsyncIterator[tuple[Settings, Ports]]":
    """Read the settings and open what they name, brought up to date, without an application."""
    from gateway.bootstrap_adapters import sqlite_adapters
    from gateway.settings import load_settings

    settings = await asyncio.to_thread(load_settings, env_file)
    has = await asyncio.to_thread(sqlite_adapters, settings)
    try:
        yield settings, has
    finally:
        await has.close()
