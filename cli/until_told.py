"""Async work that Ctrl-C and SIGTERM end: once, and tidily."""

import asyncio
import signal
from collections.abc import Coroutine
from typing import Any, TypeVar

T = TypeVar("T")


class Told(Exception):
    """The work was told to end by a signal, and has."""

    def __init__(self, number: signal.Signals) -> None:
        super().__init__(number.name)
        self.number = number


def run_until_told(work: Coroutine[Any, Any, T]) -> T:
    """Run the work and return its result; call it from the main thread.

    The first signal cancels it. Later ones change nothing, so that what it has started is
    always ended. Raises `Told` once a cancelled work is done.
    """
    return asyncio.run(_run(work))


async def _run(work: Coroutine[Any, Any, T]) -> T:
    loop, task = asyncio.get_running_loop(), asyncio.ensure_future(work)
    heard: list[signal.Signals] = []

    def tell(number: signal.Signals) -> None:
        if not heard:
            task.cancel()
        heard.append(number)

    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        loop.add_signal_handler(number, tell, number)
    await asyncio.wait({task})
    if heard and task.cancelled():
        raise Told(heard[0])
    return task.result()
