"""Two things at once for one caller, where the end of either ends the other."""

import asyncio
from collections.abc import Coroutine
from typing import Any, TypeVar

from starlette.types import Receive

T = TypeVar("T")


async def either(one: Coroutine[Any, Any, T], other: Coroutine[Any, Any, T]) -> T:
    """Return what the first to end returns; nothing is left running.

    What it raises is raised as it is, which a task group would wrap.
    """
    doing = [asyncio.create_task(one), asyncio.create_task(other)]
    try:
        done, _ = await asyncio.wait(doing, return_when=asyncio.FIRST_COMPLETED)
        return next(task for task in doing if task in done).result()
    finally:
        for task in doing:
            task.cancel()
        await asyncio.gather(*doing, return_exceptions=True)


async def while_there(receive: Receive, work: Coroutine[Any, Any, T]) -> T | None:
    """Return what the work returns; None where the caller went first."""
    return await either(_maybe(work), _gone(receive))


async def _maybe(work: Coroutine[Any, Any, T]) -> T | None:
    return await work


async def _gone(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        continue
