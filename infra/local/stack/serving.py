"""An ASGI app on a loopback port, in this process, for as long as a block lasts."""

import asyncio
import socket
from collections.abc import AsyncIterator, Iterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager, contextmanager
from typing import Any, Self

import uvicorn
from typing_extensions import override

from infra.local.stack.ports import LOOPBACK, ReservedPort, listener

# How long a connection that is still busy may take to end.
SHUTDOWN_S = 2


class StartFailed(Exception):
    """A part of the stack did not come up; its log says why."""


class _Server(uvicorn.Server):
    """Leaves signals to the program it runs in, and says when it listens."""

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self.listening = asyncio.Event()

    @override
    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        try:
            await super().startup(sockets)
        except SystemExit as error:  # uvicorn's word for a lifespan that failed
            raise StartFailed("an app's lifespan failed") from error
        self.listening.set()

    @override
    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


@asynccontextmanager
async def serving(app: Any, port: int = 0) -> AsyncIterator[str]:
    """Yield the app's address; it has been started then, and is stopped after the block.

    `app` is any ASGI app, which is how wide uvicorn's own type of one is. Raises
    `StartFailed`.
    """
    with listener(port) as listening_on:
        config = uvicorn.Config(
            app, log_config=None, access_log=False, timeout_graceful_shutdown=SHUTDOWN_S
        )
        server = _Server(config)
        served = asyncio.create_task(server.serve(sockets=[listening_on]))
        listening = asyncio.create_task(server.listening.wait())
        try:
            await asyncio.wait({served, listening}, return_when=asyncio.FIRST_COMPLETED)
            if served.done():
                served.result()
            yield f"http://{LOOPBACK}:{listening_on.getsockname()[1]}"
        finally:
            listening.cancel()
            server.should_exit = True
            await asyncio.wait({served})


class Switched:
    """An ASGI app on a port that stays its own while it is switched off.

    Off, callers are refused by the kernel, as by a machine that runs no such program.
    """

    def __init__(self, app: Any) -> None:
        self._app = app
        self._port = ReservedPort()
        self.url = self._port.url
        self._serving: AbstractAsyncContextManager[str] | None = None

    async def __aenter__(self) -> Self:
        await self.on()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.off()
        self._port.release()

    async def on(self) -> None:
        """Answer; may be repeated."""
        if self._serving is None:
            self._serving = serving(self._app, self._port.number)
            await self._serving.__aenter__()

    async def off(self) -> None:
        """Answer nobody any more; may be repeated."""
        served, self._serving = self._serving, None
        if served is not None:
            await served.__aexit__(None, None, None)
