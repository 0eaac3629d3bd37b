"""`cutroom demo`: two exports side by side, checked, from nothing to a table."""

import asyncio
import os
import shutil
import tempfile
import threading
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import Console
from rich.table import Table

from cli.board import Track, board, console
from cli.demo_checks import Wanted, failures, frames_between, probe
from cli.demo_orders import framing_order, overlay_order
from cli.jobs_shown import between_s, doing, follow, usd
from cli.said_plainly import INTERRUPTED, CommandFailed, said_plainly
from cli.sending import sent
from cli.serve import KERNELS, logged_to
from cli.until_told import Told, run_until_told
from client import ClientError, Cutroom, Job

if TYPE_CHECKING:
    from infra.local.stack.local_stack import LocalStack

OUT = Path("build/demo")
WIDTH_PX, HEIGHT_PX = 1080, 1920
WORKERS = 2


@dataclass(frozen=True, slots=True)
class _Part:
    """One of the two exports: what is asked, what must come of it, and where it goes."""

    name: str
    order: dict[str, Any]
    wanted: Wanted
    path: Path


@dataclass(frozen=True, slots=True)
class _Made:
    """A finished export, and what is wrong with it."""

    part: _Part
    job: Job
    wrong: tuple[str, ...]


class _Interrupted(Exception):
    """The demo was told to end while a call waited for the gateway."""


def sample() -> Path:
    """Return where the clip is that comes with cutroom."""
    import infra.local

    return Path(next(iter(infra.local.__path__))) / "samples" / "car-detection.mp4"


def demo(
    start: Annotated[float, typer.Option("--start", help="Of the framing, in s.")] = 4.0,
    end: Annotated[float, typer.Option("--end", help="Of the framing, in s.")] = 20.0,
    clip: Annotated[
        Path | None, typer.Option("--sample", exists=True, help="Another clip than ours.")
    ] = None,
    out: Annotated[Path, typer.Option("--out", file_okay=False)] = OUT,
) -> None:
    """Upload a clip, export framing and overlay side by side, check both files."""
    screen = console()
    with said_plainly():
        try:
            made = run_until_told(_demo(clip or sample(), start, end, out, screen))
        except Told:
            screen.print("interrupted; everything is stopped")
            raise typer.Exit(INTERRUPTED) from None
    screen.print(_table(made))
    wrong = [f"{each.part.name}: {why}" for each in made for why in each.wrong]
    for each in wrong:
        screen.print(f"[red]failed[/red] {each}")
    if wrong:
        raise typer.Exit(1)
    screen.print("Both files are what was asked for, frame by frame.")


async def _demo(
    clip: Path, start_s: float, end_s: float, out: Path, screen: Console
) -> list[_Made]:
    from infra.local.stack.config import StackConfig
    from infra.local.stack.local_stack import LocalStack
    from infra.local.stack.serving import StartFailed

    parts = _parts(clip, start_s, end_s, out)
    config = StackConfig(
        workers=WORKERS, warm_workers=WORKERS, kernel_cache=KERNELS, second_tenant=False
    )
    with tempfile.TemporaryDirectory(prefix="cutroom-demo-") as folder:
        stack = LocalStack(Path(folder), config)
        try:
            with logged_to(stack.logs / "stack.jsonl"):
                screen.print("starting object store, RunPod emulator and gateway …")
                async with stack:
                    return await _exports_or_logs(stack, clip, parts, screen)
        except (StartFailed, OSError) as error:
            raise CommandFailed(f"{error}; logs are in {_keep_logs(stack, out)}") from error


def _parts(clip: Path, start_s: float, end_s: float, out: Path) -> list[_Part]:
    source = probe(clip)
    has_audio = source.audio_codec is not None

    def part(name: str, order: dict[str, Any], frames: int) -> _Part:
        wanted = Wanted(frames, WIDTH_PX, HEIGHT_PX, has_audio)
        return _Part(name, order, wanted, out / f"{name}.mp4")

    kept = frames_between(clip, start_s, end_s)
    return [
        part("framing", framing_order(start_s, end_s), kept),
        part("overlay", overlay_order(), source.frames),
    ]


async def _exports_or_logs(
    stack: "LocalStack", clip: Path, parts: list[_Part], screen: Console
) -> list[_Made]:
    """Do the exports; where they fail, save the logs before the workers and theirs go."""
    try:
        return await _exports(stack, clip, parts, screen)
    except CommandFailed as error:
        kept = _keep_logs(stack, parts[0].path.parent)
        raise CommandFailed(f"{error}; logs are in {kept}") from error


async def _exports(
    stack: "LocalStack", clip: Path, parts: list[_Part], screen: Console
) -> list[_Made]:
    """Do both in threads, which end by themselves where the stack has gone."""
    ending = threading.Event()

    def sleep(pause_s: float) -> None:
        if ending.wait(pause_s):
            raise _Interrupted

    with Cutroom(stack.base_url, stack.api_key, sleep=sleep) as client:
        try:
            with board(screen) as on:
                asset = await asyncio.to_thread(sent, client, clip, on)
                source = {"asset_id": asset.asset_id}
                tracks = [(part, on.track(part.name)) for part in parts]
                async with asyncio.TaskGroup() as group:
                    tasks = [
                        group.create_task(asyncio.to_thread(_export, client, source, *each))
                        for each in tracks
                    ]
        except* (ClientError, CommandFailed) as failed:
            raise CommandFailed(str(failed.exceptions[0])) from failed
        finally:
            ending.set()
    return [task.result() for task in tasks]


def _export(client: Cutroom, source: dict[str, Any], part: _Part, track: Track) -> _Made:
    order = part.order | {
        "source": source,
        "output_width": part.wanted.width_px,
        "output_height": part.wanted.height_px,
    }
    job = client.submit(f"export.{part.name}", order, labels={"demo": part.name})
    track.tell(doing(job), 0.0)
    done = follow(client, job.id, track)
    path = client.download(done.output("video"), part.path)
    track.tell("checking", 1.0)
    wrong = tuple(failures(probe(path), part.wanted))
    track.tell("done", 1.0)
    return _Made(part, done, wrong)


def _keep_logs(stack: "LocalStack", out: Path) -> Path:
    kept = out / "logs"
    shutil.rmtree(kept, ignore_errors=True)
    shutil.copytree(stack.logs, kept)
    for log_file in (stack.data / "workers").glob("*/worker.log"):
        shutil.copy(log_file, kept / f"{log_file.parent.name}.log")
    return kept


def _table(made: list[_Made]) -> Table:
    table = Table(title="exports", title_justify="left")
    for name in ("export", "frames", "queued", "ran", "estimated", "actual", "file"):
        table.add_column(name, justify="left" if name in ("export", "file") else "right")
    for each in made:
        job, cost = each.job, each.job.cost
        table.add_row(
            each.part.name,
            str((job.result or {}).get("frames", "–")),
            f"{between_s(job.created_at, job.started_at):.1f} s",
            f"{between_s(job.started_at, job.finished_at):.1f} s",
            usd(cost.estimated_usd if cost else None),
            usd(cost.actual_usd if cost else None),
            os.fspath(each.part.path),
        )
    return table
