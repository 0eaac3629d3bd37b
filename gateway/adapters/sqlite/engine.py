"""SQLite as a `SqlEngine`: one writer that commits in groups, a few readers beside it."""

import asyncio
import sqlite3
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Self

from typing_extensions import override

from gateway.adapters.sql.engine import Row, SqlEngine, Statement, Value
from gateway.adapters.sqlite.connections import open_reader, open_writer
from gateway.adapters.sqlite.readers import Readers
from gateway.adapters.sqlite.writer import GroupWriter
from gateway.core.figures import WriteFigures


class SqliteEngine(SqlEngine):
    """One database file; other processes may have it open too.

    `waiting_limit` bounds the batches that wait for the writer, `reading_limit` the reads
    in hand; past either the answer is `TryAgainLater`. `busy_timeout_s` is how long another
    process may hold the write lock. `figures`: what its writer has done so far.
    """

    def __init__(
        self,
        database: Path,
        *,
        busy_timeout_s: float = 5.0,
        readers: int = 4,
        waiting_limit: int = 1000,
        reading_limit: int = 1000,
        group_limit: int = 256,
        connect_writer: Callable[[], sqlite3.Connection] | None = None,
    ) -> None:
        self._readers = Readers(
            lambda: open_reader(database, busy_timeout_s=busy_timeout_s),
            threads=readers,
            reading_limit=reading_limit,
        )
        self.figures = WriteFigures()
        self._writer = GroupWriter(
            connect_writer or (lambda: open_writer(database, busy_timeout_s=busy_timeout_s)),
            waiting_limit=waiting_limit,
            group_limit=group_limit,
            figures=self.figures,
        )
        self._writer.start()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.aclose()

    @override
    async def batch(self, statements: Sequence[Statement]) -> list[list[Row]]:
        return await self._writer.batch(statements)

    @override
    async def fetch(self, sql: str, params: Sequence[Value] = ()) -> list[Row]:
        return await self._readers.read((sql, params))

    @override
    async def aclose(self) -> None:
        # The writer last: who closes last folds the log into the file, and a reader may not.
        await asyncio.to_thread(self._readers.close)
        await asyncio.to_thread(self._writer.close)
