"""The server that the other suites stand on: up when it says so, gone when it is left."""

import asyncio
from contextlib import asynccontextmanager

import httpx
import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, StreamingResponse
from starlette.routing import Route, WebSocketRoute
from starlette.websockets import WebSocket
from websockets.asyncio.client import connect

from tests.support.serving import serving, serving_in_thread


async def _hello(_: Request) -> PlainTextResponse:
    return PlainTextResponse("hello")


async def _forever(_: Request) -> StreamingResponse:
    async def lines():
        while True:
            yield b"line\n"
            await asyncio.sleep(0.01)

    return StreamingResponse(lines())


async def _echo(websocket: WebSocket) -> None:
    await websocket.accept()
    await websocket.send_text(await websocket.receive_text())
    await websocket.close()


def _app(log: list[str] | None = None) -> Starlette:
    @asynccontextmanager
    async def lifespan(_: Starlette):
        (log if log is not None else []).append("opened")
        yield
        (log if log is not None else []).append("closed")

    routes = [Route("/", _hello), Route("/forever", _forever), WebSocketRoute("/ws", _echo)]
    return Starlette(routes=routes, lifespan=lifespan)


async def test_an_app_answers_while_the_block_lasts_and_not_after():
    async with serving(_app()) as base_url, httpx.AsyncClient() as client:
        answer = await client.get(base_url)
    async with httpx.AsyncClient() as client:
        with pytest.raises(httpx.ConnectError):
            await client.get(base_url)
    assert answer.text == "hello"


async def test_the_lifespan_is_opened_before_and_closed_after():
    log: list[str] = []
    async with serving(_app(log)):
        log.append("served")
    assert log == ["opened", "served", "closed"]


async def test_two_apps_have_two_ports():
    async with serving(_app()) as first, serving(_app()) as second:
        assert first != second


async def test_an_endless_stream_does_not_hold_the_block_open():
    async with httpx.AsyncClient() as client:
        async with serving(_app(), shutdown_s=0) as base_url:
            ask = client.build_request("GET", f"{base_url}/forever")
            answer = await client.send(ask, stream=True)
            lines = answer.aiter_lines()
            first = await anext(lines)
        with pytest.raises(httpx.RemoteProtocolError):
            async for _ in lines:
                pass
    assert first == "line"


async def test_a_websocket_is_served():
    async with (
        serving(_app()) as base_url,
        connect(base_url.replace("http", "ws") + "/ws") as socket,
    ):
        await socket.send("hi")
        assert await socket.recv() == "hi"


async def test_an_app_that_cannot_start_is_an_error_and_not_a_hang():
    @asynccontextmanager
    async def broken(_: Starlette):
        raise RuntimeError("no database")
        yield

    with pytest.raises(RuntimeError, match="did not start"):
        async with serving(Starlette(lifespan=broken)):
            pass


def test_a_blocking_client_is_served_from_a_thread():
    with serving_in_thread(_app()) as base_url:
        assert httpx.get(base_url).text == "hello"
