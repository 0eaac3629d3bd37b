"""`cutroom retention`: what has been kept for long enough, and the bucket's own rules."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.markup import escape
from rich.table import Column, Table

from cli.board import console
from cli.database import EnvFile, opened
from cli.said_plainly import said_plainly

if TYPE_CHECKING:
    from gateway.core.retention import Due, Rule
    from gateway.services.retain import Retain

SHOWN = 100


def retention(
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Show what would go and why; change nothing.")
    ] = False,
    bucket_rules: Annotated[
        bool,
        typer.Option(
            "--bucket-rules",
            help="Print the lifecycle document for the bucket, as these settings need it.",
        ),
    ] = False,
    limit: Annotated[
        int, typer.Option("--limit", min=1, max=10_000, help="How many of each class to show.")
    ] = SHOWN,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
    env_file: EnvFile = None,
) -> None:
    """Let go of what has been kept for long enough, in the gateway's database.

    The gateway does so by itself; objects go with its next ticks.
    """
    with said_plainly():
        if bucket_rules:
            print(json.dumps(_bucket_rules(env_file), indent=2))
        elif dry_run:
            found = asyncio.run(_due(env_file, limit))
            print(json.dumps(_as_json(found), indent=2)) if as_json else _show(found)
        else:
            gone = asyncio.run(_let_go(env_file))
            print(json.dumps({"gone": gone}) if as_json else f"{gone} gone.")


async def _due(env_file: Path | None, limit: int) -> "list[tuple[Rule, list[Due]]]":
    async with _retain(env_file) as retain:
        return await retain.due(limit)


async def _let_go(env_file: Path | None) -> int:
    gone = 0
    async with _retain(env_file) as retain:
        while some := await retain.at_once():
            gone += some
    return gone


def _bucket_rules(env_file: Path | None) -> dict[str, object]:
    from gateway.core.bucket_lifecycle import bucket_lifecycle
    from gateway.settings import load_settings

    settings = load_settings(env_file)
    return bucket_lifecycle(
        multipart_life=timedelta(seconds=settings.timings.multipart_url_s),
        outputs_kept=settings.retention.outputs_kept,
    )


def _show(found: "list[tuple[Rule, list[Due]]]") -> None:
    table = Table("what", Column("id", no_wrap=True), "tenant", "since", "why", box=None)
    for rule, things in found:
        for each in things:
            since = f"{each.since:%Y-%m-%d %H:%M}"
            cells = (each.what.value, each.id, each.tenant or "", since, rule.why)
            table.add_row(*map(escape, cells))
    console().print(table if table.row_count else "Nothing is due.")


def _as_json(found: "list[tuple[Rule, list[Due]]]") -> list[dict[str, str | None]]:
    return [
        {
            "what": each.what.value,
            "id": each.id,
            "tenant": each.tenant,
            "since": each.since.isoformat(),
            "why": rule.why,
        }
        for rule, things in found
        for each in things
    ]


@asynccontextmanager
async def _retain(env_file: Path | None) -> "AsyncIterator[Retain]":
    from gateway.wiring_keeping import retain

    async with opened(env_file) as (settings, has):
        yield retain(settings, has.retention, has.job_removal, has.clock)
