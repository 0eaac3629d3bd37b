"""Renders caught in the middle, which stand still until a test lets them go on."""

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass

import psutil

from infra.local.stack.local_stack import LocalStack

LOOK_S = 0.005
STOPPED_WITHIN_S = 30
ENDS = frozenset({"work.done", "final.heard"})
STILL = frozenset({psutil.STATUS_STOPPED, psutil.STATUS_ZOMBIE})


@dataclass(frozen=True, slots=True)
class HeldRender:
    """A job in the middle of its render, the process that renders, and whose that is."""

    job_id: str
    process: psutil.Process
    pod_id: str


@asynccontextmanager
async def held_render(
    stack: LocalStack, submit: Callable[[], Awaitable[str]]
) -> AsyncIterator[HeldRender]:
    """Submit a job and have its render stopped, by SIGSTOP, for as long as the block lasts.

    However long a render takes and however late it is noticed: one that was over before it
    could be stopped is followed by another job's.
    """
    while (held := await _caught(stack, await submit())) is None:
        pass
    try:
        yield held
    finally:
        with suppress(psutil.NoSuchProcess):
            held.process.resume()


async def _caught(stack: LocalStack, job_id: str) -> HeldRender | None:
    """Return a job's render once it stands still, None where it has ended by then."""
    while not _renders_or_has_ended(stack, job_id):  # noqa: ASYNC110 - nobody tells
        await asyncio.sleep(LOOK_S)
    with suppress(psutil.NoSuchProcess):
        for held in _renders(stack, job_id):
            held.process.suspend()
            await _stands_still(held.process)
            if ENDS.isdisjoint(_said_of(stack, job_id)):
                return held
            held.process.resume()
    return None


async def _stands_still(process: psutil.Process) -> None:
    async with asyncio.timeout(STOPPED_WITHIN_S):
        while process.status() not in STILL:  # noqa: ASYNC110 - nobody tells
            await asyncio.sleep(LOOK_S)


def _renders(stack: LocalStack, job_id: str) -> Iterator[HeldRender]:
    """Yield the processes that render now: children forked by the workers' zygotes."""
    for view in stack.emulator.workers:
        for each in psutil.Process(view.pid).children(recursive=True):
            if _is_forked_from_a_zygote(each):
                yield HeldRender(job_id, each, view.pod_id)


def _renders_or_has_ended(stack: LocalStack, job_id: str) -> bool:
    said = _said_of(stack, job_id)
    return "render" in said or not said.isdisjoint(ENDS)


def _said_of(stack: LocalStack, job_id: str) -> set[str]:
    """Return what workers have said of a job: events, and the stages it has begun."""
    logs = (stack.data / "workers").glob("*/worker.log")
    whole = [text for log in logs for text in log.read_text("utf-8").split("\n")[:-1]]
    about = [json.loads(text) for text in whole if job_id in text]
    return {line.get("stage") or line["event"] for line in about}


def _is_forked_from_a_zygote(process: psutil.Process) -> bool:
    parent = process.parent()
    return parent is not None and "gpu_worker.sandbox.zygote" in " ".join(parent.cmdline())
