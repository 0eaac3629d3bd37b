"""`cutroom export`: a file goes up, is exported, and comes down."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any

import typer

from cli.board import Board, board, console
from cli.jobs_shown import doing, follow, summary
from cli.said_plainly import (
    EXIT_STATUS,
    INTERRUPTED,
    CommandFailed,
    TypedWrongly,
    said_plainly,
)
from cli.sending import sent_or_called_off
from cli.server import ApiKey, Server, Url, find_server
from client import ApiProblem, ClientError, Cutroom, Job

Json = dict[str, Any]

app = typer.Typer(no_args_is_help=True, help="Export a video.", epilog=EXIT_STATUS)

File = Annotated[Path, typer.Argument(exists=True, dir_okay=False, help="The video.")]
Out = Annotated[Path, typer.Option("--out", "-o", dir_okay=False, help="The MP4 to write.")]
Size = Annotated[str, typer.Option("--size", metavar="WxH", help="Of the output, in pixels.")]
Keyframes = Annotated[
    Path | None,
    typer.Option(
        "--keyframes",
        exists=True,
        dir_okay=False,
        help="JSON: a list of {frame, x, y, width, height}.",
    ),
]
Crop = Annotated[
    str | None, typer.Option("--crop", metavar="X,Y,W,H", help="One crop for all frames.")
]
DEFAULT_SIZE = "1080x1920"


@app.command(epilog=EXIT_STATUS)
def framing(
    file: File,
    out: Out,
    keyframes: Keyframes = None,
    crop: Crop = None,
    size: Size = DEFAULT_SIZE,
    start: Annotated[float | None, typer.Option("--start", help="Seconds.")] = None,
    end: Annotated[float | None, typer.Option("--end", help="Seconds, not included.")] = None,
    url: Url = None,
    api_key: ApiKey = None,
) -> None:
    """Cut a video in time and crop it along keyframes."""
    with said_plainly():
        order = {
            "crop_keyframes": _crop_keyframes(keyframes, crop),
            "start_time": start,
            "end_time": end,
            **_output_size(size),
        }
        _export("export.framing", file, out, order, find_server(url, api_key))


@app.command(epilog=EXIT_STATUS)
def overlay(
    file: File,
    out: Out,
    regions: Annotated[
        Path,
        typer.Option(
            "--regions",
            exists=True,
            dir_okay=False,
            help="JSON: a list of {start_frame, end_frame, x, y, radius_x, radius_y}.",
        ),
    ],
    effect: Annotated[
        str, typer.Option("--effect", help="What the highlight does to the picture.")
    ] = "blur",
    keyframes: Keyframes = None,
    crop: Crop = None,
    size: Size = DEFAULT_SIZE,
    url: Url = None,
    api_key: ApiKey = None,
) -> None:
    """Highlight ellipses in a video, and crop it."""
    with said_plainly():
        order = {
            "highlight_regions": _listed(regions),
            "effect_type": effect,
            "crop_keyframes": _crop_keyframes(keyframes, crop),
            **_output_size(size),
        }
        _export("export.overlay", file, out, order, find_server(url, api_key))


def _export(kind: str, file: Path, out: Path, order: Json, server: Server) -> None:
    screen = console()
    with server.client() as client:
        with board(screen) as on:
            asset = sent_or_called_off(client, file, on)
            source = {"source": {"asset_id": asset.asset_id}}
            job = client.submit(kind, source | order)
            done = _or_cancelled(client, job, lambda: _fetched(client, job, kind, out, on))
        screen.print(f"{out}: {summary(done)}", markup=False)


def _fetched(client: Cutroom, job: Job, kind: str, out: Path, on: Board) -> Job:
    track = on.track(kind.rpartition(".")[2])
    track.tell(doing(job), 0.0)
    done = follow(client, job.id, track)
    client.download(done.output("video"), out)
    return done


def _or_cancelled(client: Cutroom, job: Job, work: Callable[[], Job]) -> Job:
    """Do the work; a Ctrl-C meanwhile cancels the job, which would go on and cost."""
    try:
        return work()
    except KeyboardInterrupt:
        typer.echo("\ncancelling …", err=True)
        try:
            client.cancel(job.id)
        except ApiProblem as problem:
            if problem.code != "already_finished":
                raise
        except ClientError as error:
            raise CommandFailed(f"job {job.id} may still run: {error}") from error
        raise typer.Exit(INTERRUPTED) from None


def _crop_keyframes(file: Path | None, crop: str | None) -> list[Any] | None:
    if file and crop:
        raise TypedWrongly("give --keyframes or --crop, not both")
    if file:
        return _listed(file)
    if not crop:
        return None
    try:
        x, y, width, height = map(float, crop.split(","))
    except ValueError as error:
        raise TypedWrongly("--crop is X,Y,W,H in pixels, as 262,0,243,432") from error
    return [{"frame": 0, "x": x, "y": y, "width": width, "height": height}]


def _output_size(size: str) -> Json:
    width, _, height = size.lower().partition("x")
    if not (width.isdecimal() and height.isdecimal()):
        raise TypedWrongly("--size is WIDTHxHEIGHT in pixels, as 1080x1920")
    return {"output_width": int(width), "output_height": int(height)}


def _listed(file: Path) -> list[Any]:
    try:
        found = json.loads(file.read_text(encoding="utf-8"))
    except ValueError as error:
        raise TypedWrongly(f"{file} is not JSON") from error
    if not isinstance(found, list):
        raise TypedWrongly(f"{file} holds no list")
    return found
