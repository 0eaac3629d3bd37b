"""`cutroom tenants erase` and `erasures`: a tenant goes, with everything but what was spent."""

import asyncio
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.table import Column, Table

from cli.board import console
from cli.database import EnvFile, opened
from cli.said_plainly import TypedWrongly, said_plainly

if TYPE_CHECKING:
    from gateway.services.erase_tenant import EraseTenant


def erase(
    tenant: Annotated[str, typer.Argument(help="The tenant's name.")],
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")] = False,
    env_file: EnvFile = None,
) -> None:
    """Erase a tenant for good: keys, jobs, files, everything but what was spent.

    Nobody gets in from now on. The gateway does the rest over a day or two, for signed URLs
    have to die; `erasures` shows how far it is.
    """

    async def begin() -> str:
        async with _erasing(env_file) as erasing:
            return (await erasing(tenant)).id

    with said_plainly():
        if not yes:
            if not sys.stdin.isatty():
                raise TypedWrongly("--yes is needed where nobody can be asked")
            typer.confirm(f"Erase {tenant} and everything they have, for good?", abort=True)
        name = asyncio.run(begin())
    print(f"{tenant} is being erased: {name}")


def erasures(env_file: EnvFile = None) -> None:
    """List erasures: those under way with what is left, and those that are done."""

    async def read() -> Table:
        table = Table(
            Column("id", no_wrap=True), "tenant", "asked", "jobs left", "uploads left", "done"
        )
        async with _erasing(env_file) as erasing:
            for each, left in await erasing.all():
                done = f"{each.done_at:%Y-%m-%d %H:%M}" if each.done_at else ""
                asked = f"{each.asked_at:%Y-%m-%d %H:%M}"
                counts = (str(left.jobs), str(left.uploads))
                table.add_row(each.id, each.tenant or "(erased)", asked, *counts, done)
        return table

    with said_plainly():
        console().print(asyncio.run(read()))


@asynccontextmanager
async def _erasing(env_file: Path | None) -> "AsyncIterator[EraseTenant]":
    from gateway.services.erase_tenant import EraseTenant

    async with opened(env_file) as (_, has):
        yield EraseTenant(has.erasures, has.clock, has.new_id)
