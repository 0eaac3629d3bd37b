"""`cutroom budget`: what a tenant may spend, in the gateway's database."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.table import Column, Table

from cli.board import console
from cli.database import EnvFile, opened
from cli.said_plainly import said_plainly

if TYPE_CHECKING:
    from gateway.services.budgets import Budgets, BudgetShown, Wanted

app = typer.Typer(
    no_args_is_help=True,
    help="What a tenant may spend a day and a month (UTC), in the database that the gateway's "
    "settings name (CUTROOM_…).",
)

Tenant = Annotated[str, typer.Option("--tenant", help="Whose budget.")]
Cap = Annotated[
    str | None,
    typer.Option(
        metavar="USD",
        help="Dollars, such as 2.50; `none` for no cap; `default` for what the settings say.",
    ),
]
MOST_USD = 100_000_000


@app.command()
def show(tenant: Tenant, env_file: EnvFile = None) -> None:
    """Show the caps, and what of today and this month is reserved and spent."""

    async def read() -> "BudgetShown":
        async with _budgets(env_file) as budgets:
            return await budgets.show(tenant)

    with said_plainly():
        shown = asyncio.run(read())
        console().print(_table(shown))
    if shown.budget.stopped_at:
        print(f"Stopped since {shown.budget.stopped_at:%Y-%m-%d %H:%M} UTC.")


@app.command("set")
def set_caps(
    tenant: Tenant, day: Cap = None, month: Cap = None, env_file: EnvFile = None
) -> None:
    """Set the cap of a day, of a month, or both; what is not named stays."""
    if day is None and month is None:
        raise typer.BadParameter("name a cap", param_hint=["--day", "--month"])
    of_day, of_month = _cap("--day", day), _cap("--month", month)
    _do(env_file, lambda budgets: budgets.set(tenant, day=of_day, month=of_month))
    print(f"The budget of {tenant} is set.")


@app.command()
def stop(tenant: Tenant, env_file: EnvFile = None) -> None:
    """Refuse all that would be reserved from now on; what is reserved runs on."""
    _do(env_file, lambda budgets: budgets.stop(tenant))
    print(f"{tenant} spends nothing more.")


@app.command()
def resume(tenant: Tenant, env_file: EnvFile = None) -> None:
    """Let a stopped tenant spend again."""
    _do(env_file, lambda budgets: budgets.resume(tenant))
    print(f"{tenant} may spend again.")


def _cap(option: str, said: str | None) -> "Wanted":
    from gateway.core.budgets import UNLIMITED_MICRO_USD, micro_usd
    from gateway.services.budgets import UNCHANGED

    words: dict[str | None, Wanted] = {
        None: UNCHANGED,
        "none": UNLIMITED_MICRO_USD,
        "default": None,
    }
    if said in words:
        return words[said]
    try:
        amount = Decimal(said or "")
    except InvalidOperation:
        amount = Decimal("NaN")
    if not amount.is_finite() or not 0 <= amount <= MOST_USD:
        raise typer.BadParameter("dollars, `none` or `default`", param_hint=option)
    return micro_usd(amount)


def _table(shown: "BudgetShown") -> Table:
    from gateway.core.budgets import UNLIMITED_MICRO_USD
    from gateway.core.pricing import usd

    right = (Column(name, justify="right") for name in ("spent", "reserved", "cap"))
    table = Table(Column("period", no_wrap=True), *right, "set by")
    for period, cap, own in (
        (shown.day, shown.caps.day_micro_usd, shown.budget.day_micro_usd),
        (shown.month, shown.caps.month_micro_usd, shown.budget.month_micro_usd),
    ):
        used = shown.used[period]
        table.add_row(
            period,
            usd(used.spent_micro_usd),
            usd(used.reserved_micro_usd),
            "none" if cap == UNLIMITED_MICRO_USD else usd(cap),
            "settings" if own is None else "tenant",
        )
    return table


def _do(env_file: Path | None, what: "Callable[[Budgets], Awaitable[None]]") -> None:
    async def doing() -> None:
        async with _budgets(env_file) as budgets:
            await what(budgets)

    with said_plainly():
        asyncio.run(doing())


@asynccontextmanager
async def _budgets(env_file: Path | None) -> "AsyncIterator[Budgets]":
    from gateway.core.budgets import Caps
    from gateway.services.budgets import Budgets

    async with opened(env_file) as (settings, has):
        usual = Caps.of_usd(settings.budget.day_usd, settings.budget.month_usd)
        yield Budgets(has.budgets, has.clock, usual)
