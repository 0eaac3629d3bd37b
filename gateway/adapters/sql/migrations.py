"""Numbered migrations as files: their order, their hashes, their statements."""

import hashlib
import re
import sqlite3
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from gateway.adapters.sql.engine import Statement
from shared.errors import OperatorMustAct

FOLDER = Path(__file__).parents[2] / "migrations"

LEDGER = """CREATE TABLE IF NOT EXISTS schema_migrations (
    name TEXT PRIMARY KEY,
    sha256 TEXT NOT NULL,
    applied_at TEXT NOT NULL
)"""
APPLIED = "SELECT name, sha256 FROM schema_migrations"

_PUBLIC = "The service is not ready."
_NAME = re.compile(r"^\d{4}_[a-z0-9_]+\.sql$")


@dataclass(frozen=True, slots=True)
class Migration:
    """One file: its name, its text, and the SHA-256 of its bytes."""

    name: str
    text: str
    sha256: str

    def statements(self) -> Iterator[str]:
        """Yield the statements one by one, comments before a statement included."""
        so_far = ""
        for line in self.text.splitlines(keepends=True):
            so_far += line
            if sqlite3.complete_statement(so_far):
                yield so_far.strip()
                so_far = ""
        if _without_comments(so_far).strip():
            raise OperatorMustAct(f"{self.name}: the last statement has no end", public=_PUBLIC)

    def record(self, applied_at: str) -> Statement:
        """Return the statement that says this file has been applied."""
        return (
            "INSERT INTO schema_migrations (name, sha256, applied_at) VALUES (?, ?, ?)",
            (self.name, self.sha256, applied_at),
        )


def load(folder: Path = FOLDER) -> list[Migration]:
    """Return the folder's migrations in order of their numbers.

    Raises `OperatorMustAct` for a misnamed file, or two files of one number.
    """
    found = []
    for path in sorted(folder.glob("*.sql")):
        if not _NAME.match(path.name):
            raise OperatorMustAct(f"{path.name} is no migration's name", public=_PUBLIC)
        data = path.read_bytes()
        found.append(Migration(path.name, data.decode(), hashlib.sha256(data).hexdigest()))
    numbers = [each.name[:4] for each in found]
    if len(set(numbers)) != len(numbers):
        raise OperatorMustAct(f"two migrations share a number: {numbers}", public=_PUBLIC)
    return found


def still_to_apply(migrations: Sequence[Migration], applied: dict[str, str]) -> list[Migration]:
    """Return those not yet applied, in order.

    `applied` maps names to hashes. Raises `OperatorMustAct` where an applied file has
    changed since, or a new one stands before one already applied: what the database then
    holds is anyone's guess.
    """
    last = max(applied, default="")
    to_apply = []
    for each in migrations:
        if each.name in applied:
            if applied[each.name] != each.sha256:
                raise OperatorMustAct(
                    f"{each.name} changed after it was applied", public=_PUBLIC
                )
        elif each.name < last:
            raise OperatorMustAct(f"{each.name} comes before {last}, applied", public=_PUBLIC)
        else:
            to_apply.append(each)
    return to_apply


def _without_comments(sql: str) -> str:
    return re.sub(r"--[^\n]*", "", sql)
