"""The `cutroom` command: one file a command, loaded when it is used."""

import typer

from cli import budgets, export, jobs, keys, tenants
from cli.backups import backup, restore
from cli.demo import demo
from cli.retention import retention
from cli.said_plainly import EXIT_STATUS
from cli.serve import serve
from cli.upload import upload
from cli.watch import watch

app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_show_locals=False,  # they hold keys and presigned URLs
    help="cutroom: exports of people's videos, on rented GPUs.",
    epilog=EXIT_STATUS,
)
app.command()(serve)
app.command()(demo)
app.command(epilog=EXIT_STATUS)(upload)
app.add_typer(export.app, name="export")
app.add_typer(jobs.app, name="jobs")
app.command(epilog=EXIT_STATUS)(watch)
app.add_typer(budgets.app, name="budget")
app.add_typer(keys.app, name="keys")
app.command()(backup)
app.command()(restore)
app.add_typer(tenants.app, name="tenants")
app.command()(retention)


def main() -> None:
    """Run the command that was typed."""
    app()


if __name__ == "__main__":
    main()
