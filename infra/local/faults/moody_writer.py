"""The gateway's writing connection to SQLite, which can be put into a mood from outside.

Nothing is pretended: each mood is a setting of SQLite's own, and so are the errors.
"""

import json
import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import Any, Literal

MOOD = "mood.json"

# `full`: the file may not grow. `read_only`: it may not be written. `restless`: each commit
# moves the log into the file, so that a kill finds it at that.
Mood = Literal["fine", "full", "read_only", "restless"]


def set_mood(folder: Path, mood: Mood) -> None:
    """Let the next transactions be so."""
    draft = folder / f".{MOOD}"
    draft.write_text(json.dumps(mood), "utf-8")
    draft.replace(folder / MOOD)


class MoodyConnection:
    """A connection as the writer uses it, in the mood of its folder."""

    def __init__(self, connection: sqlite3.Connection, folder: Path) -> None:
        self._connection = connection
        self._file = folder / MOOD
        self._mood: Mood = "fine"

    @property
    def in_transaction(self) -> bool:
        """As the connection has it."""
        return self._connection.in_transaction

    def execute(self, sql: str, params: Any = ()) -> sqlite3.Cursor:
        """Run a statement; a mood comes and goes before a transaction."""
        if sql.startswith("BEGIN"):
            self._fall_into(self._wanted())
        return self._connection.execute(sql, params)

    def close(self) -> None:
        """Close the connection."""
        self._connection.close()

    def _wanted(self) -> Mood:
        try:
            mood: Mood = json.loads(self._file.read_text("utf-8"))
        except FileNotFoundError:
            return "fine"
        return mood

    def _fall_into(self, mood: Mood) -> None:
        if mood == self._mood:
            return
        self._mood = mood
        pages = self._pragma("page_count") if mood == "full" else 2**31 - 2
        self._pragma(f"max_page_count = {pages}")
        self._pragma(f"query_only = {int(mood == 'read_only')}")
        self._pragma(f"wal_autocheckpoint = {1 if mood == 'restless' else 1000}")

    def _pragma(self, words: str) -> Any:
        row = self._connection.execute(f"PRAGMA {words}").fetchone()
        return row[0] if row else None


def moody(
    connect: Callable[[], sqlite3.Connection], folder: Path
) -> Callable[[], MoodyConnection]:
    """Return what opens such connections."""
    return lambda: MoodyConnection(connect(), folder)
