"""Behind a balancer an answer ends its connection, and nothing else does."""

import asyncio

from starlette.applications import Starlette
from starlette.responses import PlainTextResponse, StreamingResponse
from starlette.routing import Route, WebSocketRoute
from websockets.asyncio.client import connect

from infra.local.stack.gateway_server import OneRequestEach
from tests.support.serving import client_here, serving


async def _lines(_):
    async def two():
        yield "first\n"
        await asyncio.sleep(0)
        yield "second\n"

    return StreamingResponse(two())


async def _socket(websocket):
    await websocket.accept()
    await websocket.send_text("hello")
    await websocket.close()


APP = OneRequestEach(
    Starlette(
        routes=[
            Route("/", lambda _: PlainTextResponse("here")),
            Route("/lines", _lines),
            WebSocketRoute("/ws", _socket),
        ]
    )
)


async def test_each_request_of_one_client_has_a_connection_of_its_own():
    opened = []

    async def note(name, _info):
        opened.append(name)

    async with serving(APP) as url, client_here() as client:
        answers = [await client.get(url, extensions={"trace": note}) for _ in range(3)]
    assert [each.headers["connection"] for each in answers] == ["close"] * 3
    assert opened.count("connection.connect_tcp.complete") == 3


async def test_a_stream_is_sent_to_its_end():
    async with serving(APP) as url, client_here() as client:
        answer = await client.get(f"{url}/lines")
    assert answer.text == "first\nsecond\n"


async def test_a_websocket_is_still_one():
    async with serving(APP) as url, connect(url.replace("http", "ws") + "/ws") as websocket:
        said = await websocket.recv()
    assert said == "hello"
