"""`cutroom tenants`: tenants, in the gateway's database: make, list, suspend, erase."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.table import Column, Table

from cli import erasures
from cli.board import console
from cli.database import EnvFile, opened
from cli.said_plainly import said_plainly

if TYPE_CHECKING:
    from gateway.ports.upload_store import UploadStore
    from gateway.services.tenants import Tenants

app = typer.Typer(
    no_args_is_help=True,
    help="Tenants, in the database that the gateway's settings name (CUTROOM_…).",
)

app.command()(erasures.erase)
app.command("erasures")(erasures.erasures)

Name = Annotated[str, typer.Argument(help="Letters, digits, _ and -; 64 at most.")]


@app.command()
def create(name: Name, env_file: EnvFile = None) -> None:
    """Make a tenant; its first key would do that too."""
    _do(env_file, lambda tenants: tenants.create(name))
    print(f"{name} is there.")


@app.command("list")
def list_tenants(env_file: EnvFile = None) -> None:
    """List all tenants, with what each has stored."""

    async def read() -> Table:
        stored = Column("stored bytes", justify="right")
        table = Table(Column("tenant", no_wrap=True), "created", stored, "suspended")
        async with _tenants(env_file) as (tenants, uploads):
            for each in await tenants.all():
                size_bytes = await uploads.stored_bytes(each.name)
                since = f"{each.suspended_at:%Y-%m-%d %H:%M}" if each.suspended_at else ""
                table.add_row(
                    each.name, f"{each.created_at:%Y-%m-%d %H:%M}", str(size_bytes), since
                )
        return table

    with said_plainly():
        console().print(asyncio.run(read()))


@app.command()
def suspend(name: Name, env_file: EnvFile = None) -> None:
    """Close everything to a tenant's keys and tickets, at once; what runs ends by itself."""
    _do(env_file, lambda tenants: tenants.suspend(name))
    print(f"{name} is suspended.")


@app.command()
def resume(name: Name, env_file: EnvFile = None) -> None:
    """Let a suspended tenant go on."""
    _do(env_file, lambda tenants: tenants.resume(name))
    print(f"{name} goes on.")


def _do(env_file: Path | None, what: "Callable[[Tenants], Awaitable[object]]") -> None:
    async def doing() -> None:
        async with _tenants(env_file) as (tenants, _):
            await what(tenants)

    with said_plainly():
        asyncio.run(doing())


@asynccontextmanager
async def _tenants(env_file: Path | None) -> "AsyncIterator[tuple[Tenants, UploadStore]]":
    from gateway.services.tenants import Tenants

    async with opened(env_file) as (_, has):
        yield Tenants(has.keys, has.clock), has.uploads
