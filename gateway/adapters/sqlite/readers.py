"""The threads that read, each on a connection of its own."""

import logging
import sqlite3
import threading
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import closing

from gateway.adapters.sql.engine import Row, Statement, Value
from gateway.adapters.sqlite.asks import Ask, deliver
from gateway.adapters.sqlite.connections import ours, run
from shared.errors import TryAgainLater

log = logging.getLogger(__name__)

_Read = Ask[Statement, list[Row]]
_Question = tuple[str, tuple[Value, ...]]


class Readers:
    """Runs statements that read; a thread is started where all others are busy.

    A thread pool's own futures, chained to those of the loop, take longer than most reads.
    One read answers all who asked the same before it began: what each gets is no older than
    its question, and a burst of requests under one API key looks that key up once.
    `reading_limit` bounds who waits and whose read is in hand.
    """

    def __init__(
        self,
        open_connection: Callable[[], sqlite3.Connection],
        *,
        threads: int,
        reading_limit: int,
    ) -> None:
        self._open_connection = open_connection
        self._threads_most = threads
        self._reading_limit = reading_limit
        self._waiting: deque[_Question] = deque()
        self._asking: dict[_Question, list[_Read]] = {}
        self._changed = threading.Condition()
        self._reading = 0
        self._idle = 0  # threads that wait and that nobody has woken
        self._closed = False
        self._threads: list[threading.Thread] = []

    async def read(self, statement: Statement) -> list[Row]:
        """Return the statement's rows."""
        ask: _Read = Ask.of(statement)
        question = statement[0], tuple(statement[1])
        with self._changed:
            if self._closed:
                raise TryAgainLater("sqlite: closed", public="The service is stopping.")
            # Counted until a thread is done with it, also when its caller has gone away.
            if self._reading >= self._reading_limit:
                raise TryAgainLater(
                    "sqlite: too many reads wait", public="The service is busy. Try again."
                )
            self._reading += 1
            if together := self._asking.get(question):
                together.append(ask)
            else:
                self._asking[question] = [ask]
                self._waiting.append(question)
                self._set_to_work()
        return await ask.answer

    def close(self) -> None:
        """Refuse new reads, finish those that wait, and return when all threads have ended."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()
        for thread in self._threads:
            thread.join()

    def _set_to_work(self) -> None:
        if self._idle:
            self._idle -= 1
            self._changed.notify()
        elif len(self._threads) < self._threads_most:
            self._start_one()

    def _start_one(self) -> None:
        name = f"sqlite-reader-{len(self._threads)}"
        thread = threading.Thread(target=self._work, name=name, daemon=True)
        self._threads.append(thread)
        thread.start()

    def _work(self) -> None:
        with closing(_Reader(self._open_connection)) as reader:
            for question, asks in self._asked():
                outcome = reader.outcome(question)
                with self._changed:
                    self._reading -= len(asks)
                deliver((ask, outcome) for ask in asks)

    def _asked(self) -> Iterator[tuple[_Question, list[_Read]]]:
        """Yield what this thread is to read and for whom, until all is closed and read."""
        while True:
            with self._changed:
                while not self._waiting and not self._closed:
                    self._idle += 1
                    self._changed.wait()
                if not self._waiting:
                    return
                question = self._waiting.popleft()
                asks = self._asking.pop(question)
            yield question, asks


class _Reader:
    """One connection, opened by the thread that reads on it when it first reads."""

    def __init__(self, open_connection: Callable[[], sqlite3.Connection]) -> None:
        self._open_connection = open_connection
        self._connection: sqlite3.Connection | None = None

    def outcome(self, statement: Statement) -> list[Row] | Exception:
        """Return the rows, or what is to be raised where they are waited for."""
        try:
            connection = self._connection or self._open_connection()
            self._connection = connection
            return run(connection, statement)
        except (sqlite3.Error, ArithmeticError, TypeError, ValueError) as error:
            return ours(error)
        except Exception as error:  # the thread ends here or nowhere, and it must answer
            log.exception("sqlite.reader_surprised")
            return ours(error)

    def close(self) -> None:
        """Let go of the database."""
        if self._connection is not None:
            self._connection.close()
