"""Whether a delivery was told to stop, and the race of its work against that word."""

import asyncio
from collections.abc import Coroutine
from enum import StrEnum
from typing import Any, TypeVar

T = TypeVar("T")


class Why(StrEnum):
    """Who told a delivery to stop. Why the job ends is the gateway's to know."""

    CANCEL = "cancel"  # a report was answered with it
    SUPERSEDED = "superseded"  # 409: this attempt has no say any more
    DEADLINE = "deadline"  # the work order's time is up
    INTERRUPTED = "interrupted"  # RunPod cancelled the handler
    UNHEARD = "unheard"  # our own reporting broke: the gateway will think us lost


class ToldToStop(Exception):
    """The work was told to stop; it has been cancelled and has tidied up after itself."""

    def __init__(self, why: Why) -> None:
        super().__init__(why.value)
        self.why = why


class Told:
    """One delivery's ear: the first word counts, and repeating it changes nothing.

    RunPod may cancel a handler twice. A second cancellation in the middle of tidying up
    would leave a child or a file behind, so the work itself is never cancelled by RunPod:
    it is told, like by everyone else, and ends once.
    """

    def __init__(self) -> None:
        self._event = asyncio.Event()
        self.why: Why | None = None

    def stop(self, why: Why) -> None:
        """Say that the work must end; callable from anywhere in the event loop."""
        if self.why is None:
            self.why = why
            self._event.set()

    async def unless(self, work: Coroutine[Any, Any, T]) -> T:
        """Return what `work` returns; told to stop, cancel it, let it tidy up, and raise.

        Raises `ToldToStop`, or whatever `work` raised. Work that has ended counts as ended,
        even where the word to stop came in the same instant.
        """
        task = asyncio.create_task(work)
        heard = asyncio.create_task(self._event.wait())
        try:
            await asyncio.wait({task, heard}, return_when=asyncio.FIRST_COMPLETED)
            if task.done():
                return task.result()
        finally:
            heard.cancel()
            if not task.done():
                task.cancel()
                await asyncio.wait({task})
        if not task.cancelled() and (error := task.exception()) is not None:
            raise error
        raise ToldToStop(self.why or Why.INTERRUPTED)
