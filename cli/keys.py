"""`cutroom keys`: make, list, rotate and revoke API keys in the gateway's database."""

import asyncio
import json
import secrets
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console
from rich.table import Column, Table

from cli.board import console
from cli.database import EnvFile, opened
from cli.said_plainly import said_plainly

if TYPE_CHECKING:
    from gateway.core.api_keys import ApiKey
    from gateway.services.api_keys import ApiKeys

app = typer.Typer(
    no_args_is_help=True,
    help="API keys, in the database that the gateway's settings name (CUTROOM_…).",
)

Tenant = Annotated[str, typer.Option("--tenant", help="Whose key: letters, digits, _ and -.")]
OnlyOf = Annotated[
    str | None, typer.Option("--tenant", help="Refuse unless the key is this tenant's.")
]
KeyId = Annotated[str, typer.Argument(help="The part between ck_ and the next _.")]
ExpiresDays = Annotated[
    float | None,
    typer.Option("--expires-days", help="How long it is good for; else until revoked."),
]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]
DEFAULT_SCOPES = "jobs,uploads,read,admin"


@app.command()
def create(
    tenant: Tenant,
    scopes: Annotated[
        str, typer.Option("--scopes", help="Separated by commas.")
    ] = DEFAULT_SCOPES,
    label: Annotated[str, typer.Option("--label", help="A note for the list.")] = "",
    expires_days: ExpiresDays = None,
    as_json: AsJson = False,
    env_file: EnvFile = None,
) -> None:
    """Make a key and show it, once."""
    wanted = [each.strip() for each in scopes.split(",") if each.strip()]

    async def make() -> "tuple[str, ApiKey]":
        async with _keys(env_file) as keys:
            return await keys.create(tenant, wanted, label=label, lives=_days(expires_days))

    with said_plainly():
        made = asyncio.run(make())
    _show_once(*made, as_json=as_json)


@app.command()
def rotate(
    key_id: KeyId,
    grace_hours: Annotated[
        float, typer.Option("--grace-hours", min=0, help="How long the old one goes on.")
    ] = 24.0,
    expires_days: ExpiresDays = None,
    tenant: OnlyOf = None,
    as_json: AsJson = False,
    env_file: EnvFile = None,
) -> None:
    """Make a key in the place of another, with its scopes, and show it, once."""

    async def replace() -> "tuple[str, ApiKey]":
        async with _keys(env_file) as keys:
            grace = timedelta(hours=grace_hours)
            return await keys.rotate(
                key_id, grace=grace, lives=_days(expires_days), tenant=tenant
            )

    with said_plainly():
        made = asyncio.run(replace())
    _show_once(*made, as_json=as_json)


@app.command("list")
def list_keys(tenant: Tenant, env_file: EnvFile = None) -> None:
    """List a tenant's keys; their secrets are not kept."""

    async def read() -> Table:
        table = Table(Column("id", no_wrap=True), "scopes", "label", "created", "used", "ends")
        async with _keys(env_file) as keys:
            now = keys.clock.now()
            for key in await keys.keys_of(tenant):
                scopes = " ".join(sorted(key.scopes))
                table.add_row(
                    key.key_id,
                    scopes,
                    key.label,
                    _shown(key.created_at),
                    _shown(key.last_used_at),
                    _end(key, now),
                )
        return table

    with said_plainly():
        console().print(asyncio.run(read()))


@app.command()
def revoke(key_id: KeyId, tenant: OnlyOf = None, env_file: EnvFile = None) -> None:
    """Revoke a key, at once and for good."""

    async def end() -> None:
        async with _keys(env_file) as keys:
            await keys.revoke(key_id, tenant=tenant)

    with said_plainly():
        asyncio.run(end())
    print(f"{key_id} is revoked.")


def _days(days: float | None) -> timedelta | None:
    return None if days is None else timedelta(days=days)


def _show_once(text: str, key: "ApiKey", *, as_json: bool) -> None:
    """Print the key where a program can take it; it is kept nowhere else."""
    if as_json:
        expires_at = None if key.expires_at is None else key.expires_at.isoformat()
        shown = {"api_key": text, "id": key.key_id, "tenant": key.tenant}
        print(json.dumps({**shown, "expires_at": expires_at}))
    else:
        print(text)
        Console(stderr=True).print("This is the only time it is shown.", style="dim")


def _shown(at: datetime | None) -> str:
    return f"{at:%Y-%m-%d %H:%M}" if at else ""


def _end(key: "ApiKey", now: datetime) -> str:
    if key.revoked_at is not None:
        return f"revoked {_shown(key.revoked_at)}"
    if key.expires_at is None:
        return ""
    return f"{'expires' if key.is_live(now) else 'expired'} {_shown(key.expires_at)}"


@asynccontextmanager
async def _keys(env_file: Path | None) -> "AsyncIterator[ApiKeys]":
    from gateway.services.api_keys import ApiKeys

    async with opened(env_file) as (_, has):
        yield ApiKeys(has.keys, has.clock, secrets.token_bytes)
