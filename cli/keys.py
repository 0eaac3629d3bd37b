"""`cutroom keys`: make, list and revoke API keys in the gateway's database."""

import asyncio
import json
import secrets
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console
from rich.table import Column, Table

from cli.board import console
from cli.said_plainly import said_plainly

if TYPE_CHECKING:
    from gateway.services.api_keys import ApiKeys

app = typer.Typer(
    no_args_is_help=True,
    help="API keys, in the database that the gateway's settings name (CUTROOM_…).",
)

EnvFile = Annotated[
    Path | None,
    typer.Option(
        "--env-file",
        help="A file with the gateway's settings, behind the environment. "
        "`cutroom serve` writes one: build/serve/gateway.env.",
    ),
]
Tenant = Annotated[str, typer.Option("--tenant", help="Whose key: letters, digits, _ and -.")]
DEFAULT_SCOPES = "jobs,uploads,read,admin"


@app.command()
def create(
    tenant: Tenant,
    scopes: Annotated[
        str, typer.Option("--scopes", help="Separated by commas.")
    ] = DEFAULT_SCOPES,
    label: Annotated[str, typer.Option("--label", help="A note for the list.")] = "",
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
    env_file: EnvFile = None,
) -> None:
    """Make a key and show it, once."""
    wanted = [each.strip() for each in scopes.split(",") if each.strip()]

    async def make() -> str:
        async with _keys(env_file) as keys:
            text, _ = await keys.create(tenant, wanted, label=label)
            return text

    with said_plainly():
        text = asyncio.run(make())
    if as_json:
        print(json.dumps({"api_key": text, "tenant": tenant}))
    else:
        print(text)
        Console(stderr=True).print("This is the only time it is shown.", style="dim")


@app.command("list")
def list_keys(tenant: Tenant, env_file: EnvFile = None) -> None:
    """List a tenant's keys; their secrets are not kept."""

    async def read() -> Table:
        table = Table(Column("id", no_wrap=True), "scopes", "label", "created", "revoked")
        async with _keys(env_file) as keys:
            for key in await keys.keys_of(tenant):
                revoked = f"{key.revoked_at:%Y-%m-%d %H:%M}" if key.revoked_at else ""
                created = f"{key.created_at:%Y-%m-%d %H:%M}"
                scopes = " ".join(sorted(key.scopes))
                table.add_row(key.key_id, scopes, key.label, created, revoked)
        return table

    with said_plainly():
        console().print(asyncio.run(read()))


@app.command()
def revoke(
    key_id: Annotated[str, typer.Argument(help="The part between ck_ and the next _.")],
    env_file: EnvFile = None,
) -> None:
    """Revoke a key, at once and for good."""

    async def end() -> None:
        async with _keys(env_file) as keys:
            await keys.revoke(key_id)

    with said_plainly():
        asyncio.run(end())
    print(f"{key_id} is revoked.")


@asynccontextmanager
async def _keys(env_file: Path | None) -> "AsyncIterator[ApiKeys]":
    from gateway.bootstrap import sqlite_adapters
    from gateway.services.api_keys import ApiKeys
    from gateway.settings import load_settings

    has = await asyncio.to_thread(lambda: sqlite_adapters(load_settings(env_file)))
    try:
        yield ApiKeys(has.keys, has.clock, secrets.token_bytes)
    finally:
        await has.close()
