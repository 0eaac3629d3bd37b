"""Answers that are held, lost or never given, as ASGI applications."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from typing import TypeVar

from starlette.responses import Response
from starlette.types import ASGIApp, Receive, Scope, Send

from infra.local.runpod.faults import Fault

Found = TypeVar("Found")

# A closed connection is seen by the server some turns of the loop after the kernel knew.
_SETTLE_TURNS = 4


class Bell:
    """Wakes everybody who waits for a change."""

    def __init__(self) -> None:
        self._rung = asyncio.Event()

    def ring(self) -> None:
        """Wake those who wait now."""
        rung, self._rung = self._rung, asyncio.Event()
        rung.set()

    async def wait_for(self, look: Callable[[], Found | None], hold_s: float) -> Found | None:
        """Return what `look` finds, asked after each ring, or None once `hold_s` is over."""
        with suppress(TimeoutError):
            async with asyncio.timeout(hold_s):
                while (found := look()) is None:
                    await self._rung.wait()
                return found
        return look()


class Caller:
    """Whether the other end of a request is still there."""

    def __init__(self) -> None:
        self.gone = False


@asynccontextmanager
async def watching(receive: Receive, bell: Bell) -> AsyncIterator[Caller]:
    """Follow the caller of a request whose body was read; ring when it hangs up."""
    caller = Caller()

    async def follow() -> None:
        while (await receive())["type"] != "http.disconnect":
            pass
        caller.gone = True
        bell.ring()

    task = asyncio.create_task(follow())
    try:
        yield caller
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task


async def settle() -> None:
    """Let the loop learn which connections are closed."""
    for _ in range(_SETTLE_TURNS):
        await asyncio.sleep(0)


async def start_json(send: Send, body: bytes) -> None:
    """Send the head of a 200 with a JSON body of this length."""
    headers = [
        (b"content-type", b"application/json"),
        (b"content-length", str(len(body)).encode()),
    ]
    await send({"type": "http.response.start", "status": 200, "headers": headers})


class Hang:
    """No answer, for as long as the caller waits."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Wait until the caller hangs up."""
        while (await receive())["type"] != "http.disconnect":
            pass


class Reset:
    """A connection that breaks before the answer is whole.

    ASGI has no word for breaking one: the server does it to an application that promised a
    body and ends without it.
    """

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Promise one byte and end."""
        await start_json(send, b"?")


def as_answer(fault: Fault) -> ASGIApp:
    """Return the answer a fault's `effect` names."""
    if fault.effect == "hang":
        return Hang()
    if fault.effect == "reset":
        return Reset()
    headers = {}
    if fault.retry_after_s is not None:
        headers["Retry-After"] = str(fault.retry_after_s)
    return Response(
        json.dumps({"error": "injected"}),
        status_code=int(fault.effect),
        headers=headers,
        media_type="application/json",
    )
