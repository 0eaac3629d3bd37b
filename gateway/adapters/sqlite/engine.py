"""SQLite as a `SqlEngine`: one writer that commits in groups, a few readers beside it."""

import asyncio
import sqlite3
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from queue import Empty, SimpleQueue
from typing import Self

from typing_extensions import override

from gateway.adapters.sql.engine import Row, SqlEngine, Statement, Value
from gateway.adapters.sqlite.connections import open_reader, open_writer, ours, run
from gateway.adapters.sqlite.writer import GroupWriter
from shared.errors import TryAgainLater


class SqliteEngine(SqlEngine):
    """One database file; other processes may have it open too.

    `waiting_limit` bounds the batches that wait for the writer, `reading_limit` the reads
    in hand; past either the answer is `TryAgainLater`. `busy_timeout_s` is how long another
    process may hold the write lock.
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
        self._database = database
        self._busy_timeout_s = busy_timeout_s
        self._reading_limit = reading_limit
        self._reading = 0
        self._idle: SimpleQueue[sqlite3.Connection] = SimpleQueue()
        self._readers = ThreadPoolExecutor(readers, thread_name_prefix="sqlite-reader")
        self._closed = False
        self._writer = GroupWriter(
            connect_writer or (lambda: open_writer(database, busy_timeout_s=busy_timeout_s)),
            waiting_limit=waiting_limit,
            group_limit=group_limit,
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
        if self._closed:
            raise TryAgainLater("sqlite: closed", public="The service is stopping.")
        if self._reading >= self._reading_limit:
            raise TryAgainLater(
                "sqlite: too many reads wait", public="The service is busy. Try again."
            )
        self._reading += 1
        read = asyncio.wrap_future(self._readers.submit(self._read, (sql, params)))
        # Counted until the thread is done with it, also when the caller has gone away.
        read.add_done_callback(self._read_done)
        return await asyncio.shield(read)

    @override
    async def aclose(self) -> None:
        self._closed = True
        await asyncio.to_thread(self._writer.close)
        await asyncio.to_thread(self._readers.shutdown)
        while not self._idle.empty():
            self._idle.get_nowait().close()

    def _read_done(self, read: "asyncio.Future[list[Row]]") -> None:
        self._reading -= 1
        if not read.cancelled():
            read.exception()  # seen, so that an abandoned read is no complaint at exit

    def _read(self, statement: Statement) -> list[Row]:
        """Run in a reader thread, on a connection that no other uses meanwhile."""
        try:
            connection = self._idle_reader()
            try:
                return run(connection, statement)
            finally:
                self._idle.put(connection)
        except sqlite3.Error as error:
            raise ours(error) from error
        except (ArithmeticError, TypeError, ValueError) as error:
            raise ours(error) from error

    def _idle_reader(self) -> sqlite3.Connection:
        try:
            return self._idle.get_nowait()
        except Empty:
            return open_reader(self._database, busy_timeout_s=self._busy_timeout_s)
