"""A file on its way up, as commands show it."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import typer

from cli.board import Board
from cli.said_plainly import INTERRUPTED, CommandFailed
from client import Asset, ClientError, Conflict, Cutroom


def sent(client: Cutroom, file: Path, on: Board, **more: Any) -> Asset:
    """Put a file, shown on a track of its own; `more` is what `Cutroom.upload` takes."""
    track = on.track("upload")

    def show(done: int, total: int) -> None:
        track.tell(f"{total / 1e6:.1f} MB", done / total)

    return client.upload(file, show, **more)


def sent_or_called_off(client: Cutroom, file: Path, on: Board) -> Asset:
    """Put a file; a Ctrl-C meanwhile takes away what was put."""
    begun: list[str] = []
    try:
        return sent(client, file, on, on_begun=begun.append)
    except KeyboardInterrupt:
        for upload_id in begun:
            _call_off(client.abort_upload, upload_id)
        raise typer.Exit(INTERRUPTED) from None


def _call_off(abort: Callable[[str], None], upload_id: str) -> None:
    typer.echo("\ncalling the upload off …", err=True)
    try:
        abort(upload_id)
    except Conflict:
        return  # it had just become complete
    except ClientError as error:
        raise CommandFailed(f"upload {upload_id} may still be there: {error}") from error
