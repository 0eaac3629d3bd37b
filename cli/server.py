"""Which gateway a command speaks to, and under which key."""

import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated

import typer

from cli.said_plainly import CommandFailed
from client import Cutroom

SERVE_FILE = Path("build/serve.json")

Url = Annotated[
    str | None,
    typer.Option(
        "--url", envvar="CUTROOM_URL", help="The gateway; else what `cutroom serve` runs."
    ),
]
ApiKey = Annotated[
    str | None,
    typer.Option("--api-key", envvar="CUTROOM_API_KEY", help="Better given by environment."),
]


@dataclass(frozen=True, slots=True)
class Server:
    """A gateway and a key for it."""

    url: str
    api_key: str = field(repr=False)

    def client(self) -> Cutroom:
        """Return a client of it; close it after use."""
        return Cutroom(self.url, self.api_key)


def find_server(url: str | None, api_key: str | None, serve_file: Path = SERVE_FILE) -> Server:
    """Return what was given, completed by what `cutroom serve` left.

    A key found there is never sent to another address. Raises `CommandFailed`.
    """
    if url and api_key:
        return Server(url, api_key)
    local = _local(serve_file)
    if local is None:
        raise CommandFailed(
            "set CUTROOM_URL and CUTROOM_API_KEY, or start `cutroom serve` in this folder"
        )
    if url and url.rstrip("/") != local.url:
        raise CommandFailed(f"no key for {url}: set CUTROOM_API_KEY")
    return Server(local.url, api_key or local.api_key)


def _local(serve_file: Path) -> Server | None:
    try:
        found = json.loads(serve_file.read_text(encoding="utf-8"))
        return Server(found["base_url"], found["api_key"])
    except (FileNotFoundError, ValueError, KeyError, TypeError):
        return None
