"""Secrets of a local stack: made up at its first start, kept for the next, for its owner."""

import json
import os
import secrets
from base64 import b32encode
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Self


def _api_key() -> str:
    name, secret = (
        b32encode(secrets.token_bytes(size)).decode().rstrip("=").lower() for size in (10, 32)
    )
    return f"ck_{name}_{secret}"


@dataclass(frozen=True, slots=True)
class Credentials:
    """What the parts of one stack know of each other; none of it is shown in a repr.

    `second_api_key` is another tenant's, and empty until the keys service has made it.
    """

    api_key: str = field(repr=False)
    token_secret: str = field(repr=False)
    store_key_id: str = field(repr=False)
    store_secret: str = field(repr=False)
    runpod_api_key: str = field(repr=False)
    second_api_key: str = field(default="", repr=False)

    @classmethod
    def kept_at(cls, path: Path) -> Self:
        """Return those of an earlier start, or new ones, which are then kept there."""
        try:
            return cls(**json.loads(path.read_text(encoding="utf-8")))
        except FileNotFoundError:
            made = cls(
                api_key=_api_key(),
                token_secret=secrets.token_hex(32),
                store_key_id=secrets.token_hex(16),
                store_secret=secrets.token_hex(32),
                runpod_api_key=f"rpa_{secrets.token_hex(20)}",
            )
            made.keep(path)
            return made

    def with_second(self, api_key: str) -> Self:
        """Return these with the other tenant's key."""
        return replace(self, second_api_key=api_key)

    def keep(self, path: Path) -> None:
        """Write them down, readable by their owner alone."""
        write_private(path, json.dumps(asdict(self)))


def write_private(path: Path, text: str) -> None:
    """Write a file of mode 0600, whole or not at all."""
    draft = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            file.write(text)
        draft.replace(path)
    finally:
        draft.unlink(missing_ok=True)
