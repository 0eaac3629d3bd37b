"""`cutroom upload`: a file goes up, also in several sittings, and its id comes out."""

from pathlib import Path
from typing import Annotated

import typer

from cli.board import board, console
from cli.said_plainly import INTERRUPTED, said_plainly
from cli.sending import sent
from cli.server import ApiKey, Url, find_server
from client import Asset, Busy, Cutroom, TransferFailed, Unreachable


def upload(
    file: Annotated[Path, typer.Argument(exists=True, dir_okay=False, help="What to put.")],
    resume: Annotated[
        str | None,
        typer.Option(
            "--resume", metavar="UPLOAD_ID", help="Go on with an upload begun before."
        ),
    ] = None,
    content_type: Annotated[
        str | None, typer.Option("--type", help="As video/mp4; else by the file's name.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the asset as JSON.")] = False,
    url: Url = None,
    api_key: ApiKey = None,
) -> None:
    """Upload a file and print the id of its asset.

    Large files go in parts. Ctrl-C leaves what has arrived, for --resume.
    """
    with said_plainly(), find_server(url, api_key).client() as client:
        asset = _sent(client, file, resume, content_type)
        print(asset.model_dump_json(indent=2) if as_json else asset.asset_id)


def _sent(client: Cutroom, file: Path, resume: str | None, content_type: str | None) -> Asset:
    begun: list[str] = []
    screen = console(stderr=True)
    try:
        with board(screen) as on:
            return sent(
                *(client, file, on),
                content_type=content_type,
                resume=resume,
                on_begun=begun.append,
            )
    except KeyboardInterrupt:
        _say_how_to_go_on(begun, file)
        raise typer.Exit(INTERRUPTED) from None
    except (TransferFailed, Unreachable, Busy):
        _say_how_to_go_on(begun, file)
        raise


def _say_how_to_go_on(begun: list[str], file: Path) -> None:
    for upload_id in begun:
        typer.echo(f"go on with: cutroom upload {file} --resume {upload_id}", err=True)
