"""What the SQL stores need of a database: an atomic batch, and a read."""

from collections.abc import Sequence
from typing import Any, Protocol

Value = str | int | float | None
Statement = tuple[str, Sequence[Value]]
Row = dict[str, Any]


class ConstraintBroken(Exception):
    """A batch broke a constraint and was rolled back whole; its text names table and column."""


class SqlEngine(Protocol):
    """A database that speaks the SQL of `gateway/migrations`, placeholders spelled `?`."""

    async def batch(self, statements: Sequence[Statement]) -> list[list[Row]]:
        """Run the statements in order, all or none; return each one's rows (`RETURNING`).

        Answers only once the batch is durable. Raises `ConstraintBroken`, or
        `TryAgainLater` where the database is busy, full or out of reach: the caller may
        repeat a batch that begins with its `ops` row.
        """

    async def fetch(self, sql: str, params: Sequence[Value] = ()) -> list[Row]:
        """Return the rows of one reading statement, as committed."""

    async def aclose(self) -> None:
        """Finish what was begun and let go of the database."""
