"""An ASGI app over real loopback HTTP, for as long as a block lasts."""

import asyncio
import socket
import ssl
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from typing import Any

import httpx
import uvicorn
from anyio.from_thread import start_blocking_portal
from typing_extensions import override

from infra.local.stack.ports import listener as listening_socket

Asgi = Any  # uvicorn's own type of an app is as wide


class _Server(uvicorn.Server):
    """A uvicorn that says when it listens, stops at once, and leaves signals to pytest."""

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self.listening: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self.leaving = asyncio.Event()

    @override
    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        try:
            await super().startup(sockets)
        except SystemExit as error:  # uvicorn's word for a lifespan that failed
            raise RuntimeError("the app did not start; its log says why") from error
        self.listening.set_result(None)

    @override
    async def main_loop(self) -> None:
        await self.on_tick(0)
        await self.leaving.wait()  # uvicorn's own loop looks each 0.1 s

    @override
    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


@asynccontextmanager
async def serving(app: Asgi, *, shutdown_s: int = 2, **config: Any) -> AsyncIterator[str]:
    """Yield `http://127.0.0.1:<free port>`, answering there in this event loop.

    The app's lifespan has run when the block begins and is closed when it ends; a stream
    still open then is cancelled after `shutdown_s`. `config` goes to `uvicorn.Config`.
    Nothing here blocks the loop, so the block must not either: call a blocking client
    through `asyncio.to_thread`, or use `serving_in_thread`.
    """
    with listening_socket() as listener:
        settings = {"log_config": None, "access_log": False, "lifespan": "auto"} | config
        server = _Server(uvicorn.Config(app, timeout_graceful_shutdown=shutdown_s, **settings))
        task = asyncio.create_task(server.serve(sockets=[listener]))
        try:
            await asyncio.wait({task, server.listening}, return_when=asyncio.FIRST_COMPLETED)
            if task.done():
                task.result()
            yield f"http://127.0.0.1:{listener.getsockname()[1]}"
        finally:
            server.leaving.set()
            server.should_exit = True
            if not task.done():
                await task


@contextmanager
def serving_in_thread(app: Asgi, **config: Any) -> Iterator[str]:
    """Yield the same address, answered by a loop in a thread of its own.

    For blocking clients and for fixtures that outlive one test's loop. What the app keeps
    must not be bound to the test's loop.
    """
    with (
        start_blocking_portal() as portal,
        portal.wrap_async_context_manager(serving(app, **config)) as base_url,
    ):
        yield base_url


def client_here(**named: Any) -> httpx.AsyncClient:
    """A client of what is served here: through no proxy, and it trusts nobody.

    A client of its own accord reads of all authorities first, which takes 20 ms and more.
    """
    nobody = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    return httpx.AsyncClient(trust_env=False, verify=nobody, **named)
