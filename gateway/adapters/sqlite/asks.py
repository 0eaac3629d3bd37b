"""What a caller asks of a thread, and the way of the answer back to its loop."""

import asyncio
import logging
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Generic, TypeVar

log = logging.getLogger(__name__)

Asked = TypeVar("Asked")
Answer = TypeVar("Answer")


@dataclass(frozen=True, slots=True, eq=False)
class Ask(Generic[Asked, Answer]):
    """Something that waits for a thread, and where its answer goes."""

    what: Asked
    loop: asyncio.AbstractEventLoop
    answer: "asyncio.Future[Answer]"

    @classmethod
    def of(cls, what: Asked) -> "Ask[Asked, Answer]":
        """Ask from within the running loop."""
        loop = asyncio.get_running_loop()
        return cls(what, loop, loop.create_future())


Answered = tuple[Ask[Asked, Answer], Answer | Exception]


def deliver(answers: Iterable[Answered[Asked, Answer]]) -> None:
    """Hand the answers to the callers' loops, waking each loop once."""
    by_loop: dict[asyncio.AbstractEventLoop, list[Answered[Asked, Answer]]] = {}
    for ask, outcome in answers:
        by_loop.setdefault(ask.loop, []).append((ask, outcome))
    for loop, mine in by_loop.items():
        try:
            loop.call_soon_threadsafe(_answer, mine)
        except RuntimeError:  # that loop is closed: nobody is left to hear it
            log.warning("sqlite.answer_unheard", extra={"answers": len(mine)})


def _answer(answers: Iterable[Answered[Asked, Answer]]) -> None:
    for ask, outcome in answers:
        if ask.answer.done():  # its caller was cancelled meanwhile
            continue
        if isinstance(outcome, Exception):
            ask.answer.set_exception(outcome)
        else:
            ask.answer.set_result(outcome)
