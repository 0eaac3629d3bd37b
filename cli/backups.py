"""`cutroom backup` and `cutroom restore`: a copy of the gateway's database, and back again."""

from pathlib import Path
from typing import Annotated

import typer

from cli.database import EnvFile
from cli.said_plainly import said_plainly


def backup(
    to: Annotated[Path, typer.Argument(help="A file that is not there yet.", dir_okay=False)],
    env_file: EnvFile = None,
) -> None:
    """Copy the gateway's database into a new file, while the gateway goes on."""
    from gateway.bootstrap_adapters import back_up_database
    from gateway.settings import load_settings

    with said_plainly():
        back_up_database(load_settings(env_file), to)
    print(f"{to}: {to.stat().st_size} bytes, whole and sound.")


def restore(
    backup: Annotated[Path, typer.Argument(help="What `cutroom backup` made.", dir_okay=False)],
    env_file: EnvFile = None,
) -> None:
    """Put a backup in the place of the gateway's database, which nobody may have open."""
    from gateway.bootstrap_adapters import restore_database
    from gateway.settings import load_settings

    with said_plainly():
        done = restore_database(load_settings(env_file), backup)
    since = f"{done.lost_since:%Y-%m-%d %H:%M:%S} UTC" if done.lost_since else "its beginning"
    print(f"Restored; what was answered after {since} is not in it.")
    print(f"{done.jobs_open} jobs had not ended, and go on.")
    if done.aside:
        print(f"The database that was here before is {done.aside}.")
    print("Revoke again what was revoked since, and repeat erasures: see docs/operations.md.")
