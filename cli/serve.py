"""`cutroom serve`: everything on this computer, until it is told to end."""

import json
import logging
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from cli.board import console
from cli.said_plainly import CommandFailed, said_plainly
from cli.server import SERVE_FILE
from cli.until_told import Told, run_until_told
from shared.logs import start_logging

if TYPE_CHECKING:
    from infra.local.stack.local_stack import LocalStack

KERNELS = Path("build/kernels")

CURL = """curl -H "Authorization: Bearer $(python3 -c \
'import json; print(json.load(open("{file}"))["api_key"])')" {base_url}/v1/kinds"""


def serve(
    port: Annotated[int, typer.Option("--port", help="The gateway's; 0 is a free one.")] = 0,
    workers: Annotated[int, typer.Option("--workers", min=1, max=64)] = 2,
    data: Annotated[
        Path, typer.Option("--data", file_okay=False, help="Jobs and objects stay here.")
    ] = Path("build/serve"),
    origins: Annotated[
        str,
        typer.Option(
            "--origins",
            envvar="CORS_ORIGINS",
            help="Whose pages may call and upload, with commas: http://localhost:3001",
        ),
    ] = "",
) -> None:
    """Run gateway, object store and RunPod emulator; write build/serve.json."""
    pages = tuple(each.strip().rstrip("/") for each in origins.split(",") if each.strip())
    with said_plainly():
        try:
            run_until_told(_serve(port, workers, data, pages))
        except Told:
            console().print("stopped")


async def _serve(port: int, workers: int, data: Path, pages: tuple[str, ...]) -> None:
    from infra.local.stack.config import StackConfig
    from infra.local.stack.local_stack import LocalStack
    from infra.local.stack.ports import PortTaken
    from infra.local.stack.serving import StartFailed

    _clear_the_way(SERVE_FILE)
    config = StackConfig(port=port, workers=workers, kernel_cache=KERNELS, cors_origins=pages)
    stack = LocalStack(data, config)
    try:
        with logged_to(stack.logs / "stack.jsonl"):
            async with stack:
                await _serve_on(stack)
    except (PortTaken, StartFailed, OSError) as error:
        raise CommandFailed(str(error)) from error


async def _serve_on(stack: "LocalStack") -> None:
    with announced(stack, SERVE_FILE):
        screen = console()
        screen.print(f"cutroom serves {stack.base_url}", markup=False)
        example = CURL.format(file=SERVE_FILE, base_url=stack.base_url)
        screen.print(example, markup=False, soft_wrap=True)
        screen.print("Ctrl-C ends it.")
        await stack.gateway.until_ended()
    raise CommandFailed(f"the gateway ended; see {stack.gateway.log_path}")


@contextmanager
def announced(stack: "LocalStack", file: Path) -> Iterator[None]:
    """Keep a file with the addresses and keys of a stack that answers, for its owner."""
    from infra.local.stack.credentials import write_private

    said = {
        "base_url": stack.base_url,
        "api_key": stack.api_key,
        "second_api_key": stack.second_api_key,
        "log": str(stack.gateway.log_path),
        "logs": str(stack.logs),
        "pid": os.getpid(),
    }
    file.parent.mkdir(parents=True, exist_ok=True)
    write_private(file, json.dumps(said, indent=2) + "\n")
    try:
        yield
    finally:
        _withdraw(file)


def _withdraw(file: Path) -> None:
    """Remove the file, unless another stack has written it since."""
    if _announcer(file) == os.getpid():
        file.unlink(missing_ok=True)


def _clear_the_way(file: Path) -> None:
    """Remove what a killed stack left. Raises `CommandFailed` where one still runs."""
    pid = _announcer(file)
    try:
        command = Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")
    except OSError:
        command = []
    if b"serve" in command:
        raise CommandFailed(f"`cutroom serve` runs in this folder already, as process {pid}")
    file.unlink(missing_ok=True)


def _announcer(file: Path) -> int | None:
    """Return the pid in a file, or None."""
    try:
        pid = json.loads(file.read_text(encoding="utf-8"))["pid"]
    except (FileNotFoundError, ValueError, KeyError, TypeError):
        return None
    return pid if isinstance(pid, int) else None


@contextmanager
def logged_to(path: Path) -> Iterator[None]:
    """Send this process's own log lines to a file."""
    path.parent.mkdir(parents=True, exist_ok=True)
    root = logging.getLogger()
    before = root.handlers[:]
    with path.open("a", encoding="utf-8") as file:
        start_logging(file)
        try:
            yield
        finally:
            root.handlers[:] = before
