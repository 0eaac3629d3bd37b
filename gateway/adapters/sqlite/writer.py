"""The one thread that writes: it drains its queue and commits what it found as one group."""

import logging
import sqlite3
import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from gateway.adapters.sql.engine import ConstraintBroken, Row, Statement
from gateway.adapters.sqlite.asks import Ask, deliver
from gateway.adapters.sqlite.connections import ours, run_all, spoils_the_group
from gateway.core.figures import WriteFigures
from shared.errors import TryAgainLater

log = logging.getLogger(__name__)

Rows = list[list[Row]]
Outcome = Rows | Exception


_UNHOLDABLE = (ArithmeticError, TypeError, ValueError)  # what a value raises SQLite cannot hold

_Batch = Ask[Sequence[Statement], Rows]


@dataclass(slots=True)
class _Group:
    """What the writer found waiting, and when each batch had been handed in."""

    batches: list[_Batch] = field(default_factory=list)
    asked_at_s: list[float] = field(default_factory=list)


class GroupWriter:
    """Runs batches on one connection, many to a COMMIT, and answers after it.

    An fsync costs the same for one batch as for a hundred, so what arrived while the last
    one ran is committed together. Where one of them breaks a constraint they are all run
    again, each in a SAVEPOINT of its own, and that one is taken out alone. What spoils the
    transaction itself (full disk, I/O error, a lock that did not come free) fails all that
    were in it. `seconds` is a clock that only goes forward.
    """

    def __init__(
        self,
        open_connection: Callable[[], sqlite3.Connection],
        *,
        waiting_limit: int,
        group_limit: int,
        figures: WriteFigures | None = None,
        seconds: Callable[[], float] = time.monotonic,
    ) -> None:
        self._open_connection = open_connection
        self._waiting_limit = waiting_limit
        self._group_limit = group_limit
        self._figures = figures or WriteFigures()
        self._seconds = seconds
        self._waiting: deque[tuple[_Batch, float]] = deque()
        self._changed = threading.Condition()
        self._closed = False
        self._connection: sqlite3.Connection | None = None
        self._thread = threading.Thread(target=self._work, name="sqlite-writer", daemon=True)

    def start(self) -> None:
        """Begin to work; batches handed in before wait until then."""
        self._thread.start()

    async def batch(self, statements: Sequence[Statement]) -> Rows:
        """Return the batch's rows once it is durable."""
        ask: _Batch = Ask.of(statements)
        with self._changed:
            if self._closed:
                raise TryAgainLater("sqlite: closed", public="The service is stopping.")
            if len(self._waiting) >= self._waiting_limit:
                raise TryAgainLater(
                    "sqlite: too many writes wait", public="The service is busy. Try again."
                )
            self._waiting.append((ask, self._seconds()))
            self._changed.notify()
        return await ask.answer

    def close(self) -> None:
        """Refuse new batches, finish those that wait, and return when the thread has ended."""
        with self._changed:
            self._closed = True
            self._changed.notify()
        self._thread.join()

    def _work(self) -> None:
        while (group := self._take()).batches:
            began_at_s = self._seconds()
            outcomes = self._commit(group.batches)
            self._note(group, began_at_s)
            deliver(zip(group.batches, outcomes, strict=True))
        if self._connection is not None:
            self._connection.close()

    def _note(self, group: _Group, began_at_s: float) -> None:
        self._figures.sizes.note(len(group.batches))
        self._figures.taken_s.note(self._seconds() - began_at_s)
        for asked_at_s in group.asked_at_s:
            self._figures.waited_s.note(began_at_s - asked_at_s)

    def _take(self) -> _Group:
        """Wait for batches; none means that the writer is closed and drained."""
        with self._changed:
            while not self._waiting and not self._closed:
                self._changed.wait()
            group = _Group()
            while self._waiting and len(group.batches) < self._group_limit:
                batch, asked_at_s = self._waiting.popleft()
                group.batches.append(batch)
                group.asked_at_s.append(asked_at_s)
            return group

    def _commit(self, group: Sequence[_Batch]) -> list[Outcome]:
        """Run the group in one transaction; return what each batch is to hear."""
        try:
            connection = self._connection or self._open_connection()
            self._connection = connection
            connection.execute("BEGIN IMMEDIATE")
            outcomes = _run_together(connection, [ask.what for ask in group])
            connection.execute("COMMIT")
        except sqlite3.Error as error:
            self._figures.failed += 1
            log.warning("sqlite.group_failed", extra={"batches": len(group), "why": str(error)})
            self._roll_back()
            return [ours(error) for _ in group]
        except Exception as error:  # the thread ends here or nowhere, and it must answer
            self._figures.failed += 1
            log.exception("sqlite.writer_surprised")
            self._roll_back()
            return [ours(error) for _ in group]
        return outcomes

    def _roll_back(self) -> None:
        """Leave no transaction open; a connection that cannot even do that is let go."""
        if self._connection is None or not self._connection.in_transaction:
            return
        try:
            self._connection.execute("ROLLBACK")
        except sqlite3.Error:
            self._connection.close()
            self._connection = None


def _run_together(
    connection: sqlite3.Connection, batches: Sequence[Sequence[Statement]]
) -> list[Outcome]:
    """Run batches, with savepoints only where one of them is at fault: they cost time."""
    try:
        return [run_all(connection, batch) for batch in batches]
    except (sqlite3.Error, *_UNHOLDABLE) as error:
        if isinstance(error, sqlite3.Error) and spoils_the_group(error):
            raise
    connection.execute("ROLLBACK")
    connection.execute("BEGIN IMMEDIATE")
    return [_run_apart(connection, batch) for batch in batches]


def _run_apart(connection: sqlite3.Connection, statements: Sequence[Statement]) -> Outcome:
    """Run one batch inside its own savepoint; a batch at fault is undone alone."""
    connection.execute("SAVEPOINT batch")
    outcome: Outcome
    try:
        outcome = run_all(connection, statements)
    except sqlite3.IntegrityError as error:
        outcome = ConstraintBroken(str(error))
        outcome.__cause__ = error
    except sqlite3.Error as error:
        if spoils_the_group(error) or not connection.in_transaction:
            raise
        outcome = ours(error)
    except _UNHOLDABLE as error:
        outcome = ours(error)
    if isinstance(outcome, Exception):
        connection.execute("ROLLBACK TO batch")
    connection.execute("RELEASE batch")
    return outcome
