"""Children of the zygote: a task in, messages out, a result or a failure, and no leftovers."""

import asyncio
import itertools
import logging
import signal
import socket
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from gpu_worker.sandbox.child_messages import (
    MESSAGE,
    OUT_OF_MEMORY_EXIT,
    ChildMessage,
    ChildTask,
    Done,
    Failed,
    framed,
    next_body,
)
from gpu_worker.sandbox.zygote_process import Exit, ZygoteProcess
from shared.errors import FAILURES, JobFailed

log = logging.getLogger(__name__)

_LOOKED_TOO_LONG = (
    "The file takes too long to look through: it holds far more than its pictures and sound "
    "need. Export it again and upload that."
)

Hear = Callable[[ChildMessage], None]


@dataclass(frozen=True, slots=True)
class Grace:
    """How long a child has to unwind, and how long its group has to be gone, in seconds."""

    unwind_s: float = 1.0
    gone_s: float = 3.0


@dataclass(slots=True)
class Children:
    """Runs tasks in the zygote's children, `at_once` of them; a dead zygote is started anew.

    `oom_kills`: how many processes the kernel has killed here for want of memory, or `None`
    where it does not say.
    """

    command: Sequence[str]
    environment: Mapping[str, str]
    at_once: int
    oom_kills: Callable[[], int | None]
    grace: Grace = Grace()
    _zygote: ZygoteProcess | None = field(default=None, init=False)
    _numbers: Iterator[int] = field(default_factory=lambda: itertools.count(1), init=False)
    _slots: asyncio.Semaphore = field(init=False)

    def __post_init__(self) -> None:
        self._slots = asyncio.Semaphore(self.at_once)

    def start(self) -> ZygoteProcess:
        """Start a zygote if none lives; call it in the thread that runs the event loop."""
        if self._zygote is None or not self._zygote.lives():
            self._zygote = ZygoteProcess(self.command, self.environment, self._zygote_lost)
        return self._zygote

    def close(self) -> None:
        """End the zygote and every child."""
        if self._zygote is not None:
            self._zygote.close()

    def _zygote_lost(self) -> None:
        # One that never came up would not the next time either: that is for the next task.
        if self._zygote is not None and self._zygote.ready:
            self.start()

    async def run(self, task: ChildTask, hear: Hear) -> Done:
        """Return what the child made. Cancelled, it ends the child and waits for that.

        Raises `JobFailed` with the child's own code, or with what its death tells.
        """
        async with self._slots:
            oom_kills = self.oom_kills()
            child = await self._begin(task)
            try:
                last_word = await child.listen(hear)
                await child.gone(self.grace.gone_s)
            finally:
                await child.end(self.grace)
        if isinstance(last_word, Done):
            return last_word
        if isinstance(last_word, Failed):
            code = last_word.code if last_word.code in FAILURES else "internal"
            raise JobFailed(code, last_word.public)
        raise self._silent_death(child.how(), oom_kills)

    async def _begin(self, task: ChildTask) -> "_Child":
        zygote, number = self.start(), next(self._numbers)
        ours, theirs = socket.socketpair()
        with theirs:
            exited = zygote.start(number, theirs)
        reader, writer = await asyncio.open_connection(sock=ours)
        writer.write(framed(task))
        return _Child(zygote, number, exited, reader, writer)

    def _silent_death(self, how: Exit, oom_kills: int | None) -> JobFailed:
        log.error("child.died", extra={"signal": how.signal_no, "code": how.code})
        detail = f"the child ended without a word: {how}"
        if how.lost:
            return JobFailed("worker_lost", detail=detail)
        if how.code == OUT_OF_MEMORY_EXIT:
            return JobFailed("out_of_memory", detail=detail)
        if how.signal_no == signal.SIGXCPU:
            return JobFailed("timeout", detail=detail)
        if how.signal_no == signal.SIGPROF:
            return JobFailed("input_unreadable", _LOOKED_TOO_LONG, detail=detail)
        if how.signal_no == signal.SIGKILL:
            now = self.oom_kills()
            by_another = now is not None and now == oom_kills
            return JobFailed("worker_lost" if by_another else "out_of_memory", detail=detail)
        return JobFailed("internal", detail=detail)


@dataclass(slots=True)
class _Child:
    """One child as the worker sees it."""

    zygote: ZygoteProcess
    number: int
    exited: "asyncio.Future[Exit]"
    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter

    async def listen(self, hear: Hear) -> Done | Failed | None:
        """Return its last word, or `None` if it has ended without one."""
        try:
            while (body := await next_body(self.reader)) is not None:
                message = MESSAGE.validate_json(body)
                if isinstance(message, Done | Failed):
                    return message
                hear(message)
        except ValueError as error:  # pydantic's too
            raise JobFailed("internal", detail=f"the child said nonsense: {error}") from error
        return None

    async def end(self, grace: Grace) -> None:
        """Have it unwind, then kill its group; at once where it has ended already."""
        try:
            if self.exited.done():
                return
            self.zygote.stop(self.number)
            if await self.gone(grace.unwind_s):
                return
            self.zygote.kill(self.number)
            if not await self.gone(grace.gone_s):
                log.error("child.will_not_die", extra={"number": self.number})
        finally:
            self.writer.transport.abort()

    async def gone(self, within_s: float) -> bool:
        """Wait until not one process of its group is left."""
        await asyncio.wait({self.exited}, timeout=within_s)
        return self.exited.done()

    def how(self) -> Exit:
        """Return how it ended; lost where even a kill did not end it in time."""
        return self.exited.result() if self.exited.done() else Exit(lost=True)
