"""The balancer: turn about, everything passed on as it came, nothing kept."""

import asyncio
import socket
import struct
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress

import httpx
import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, StreamingResponse
from starlette.routing import Route, WebSocketRoute
from starlette.websockets import WebSocket
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosedError

from infra.local.stack.balancer import Balancer
from infra.local.stack.ports import LOOPBACK, ReservedPort
from tests.support.serving import serving

Talk = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]
LINGER_0_S = struct.pack("ii", 1, 0)


def _app(name: str) -> Starlette:
    async def who(_: Request) -> PlainTextResponse:
        return PlainTextResponse(name)

    async def events(_: Request) -> StreamingResponse:
        async def lines() -> AsyncIterator[str]:
            yield f"data: {name}\n\n"
            await asyncio.Event().wait()

        return StreamingResponse(lines(), media_type="text/event-stream")

    async def echo(websocket: WebSocket) -> None:
        await websocket.accept()
        async for text in websocket.iter_text():
            await websocket.send_text(f"{name} {text}")

    return Starlette(
        routes=[Route("/", who), Route("/events", events), WebSocketRoute("/ws", echo)]
    )


def _port(url: str) -> int:
    return int(url.rpartition(":")[2])


@asynccontextmanager
async def _two() -> AsyncIterator[Balancer]:
    async with (
        serving(_app("a"), shutdown_s=0) as a,
        serving(_app("b"), shutdown_s=0) as b,
        Balancer([_port(a), _port(b)]) as balancer,
    ):
        yield balancer


@asynccontextmanager
async def _talking(talk: Talk) -> AsyncIterator[Balancer]:
    """One gateway of plain TCP behind the balancer."""
    server = await asyncio.start_server(talk, LOOPBACK, 0)
    async with Balancer([server.sockets[0].getsockname()[1]]) as balancer:
        yield balancer
    server.close()


async def _called(balancer: Balancer) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    return await asyncio.open_connection(LOOPBACK, _port(balancer.url))


async def _asked(url: str) -> str:
    async with httpx.AsyncClient(trust_env=False) as client:
        return (await client.get(url)).text


async def test_each_connection_goes_to_the_next_gateway():
    async with _two() as balancer:
        answers = [await _asked(balancer.url) for _ in range(4)]
    assert answers == ["a", "b", "a", "b"]
    assert [each.connections for each in balancer.passed] == [2, 2]


async def test_a_connection_stays_where_it_went():
    async with _two() as balancer, httpx.AsyncClient(trust_env=False) as client:
        answers = {(await client.get(balancer.url)).text for _ in range(4)}
    assert len(answers) == 1


async def test_a_gateway_that_does_not_accept_is_skipped():
    nobody = ReservedPort()
    async with serving(_app("b")) as b, Balancer([nobody.number, _port(b)]) as balancer:
        answers = await asyncio.gather(*(_asked(balancer.url) for _ in range(6)))
    nobody.release()
    assert set(answers) == {"b"}


async def test_a_caller_is_cut_off_where_no_gateway_accepts():
    nobody = ReservedPort()
    async with Balancer([nobody.number]) as balancer:
        with pytest.raises(httpx.TransportError):
            await _asked(balancer.url)
    nobody.release()


async def test_events_come_through_as_they_are_sent():
    async with (
        _two() as balancer,
        httpx.AsyncClient(trust_env=False) as client,
        client.stream("GET", f"{balancer.url}/events") as stream,
    ):
        line = await anext(stream.aiter_lines())
    assert line == "data: a"


async def test_a_websocket_goes_both_ways():
    async with (
        _two() as balancer,
        connect(balancer.url.replace("http", "ws") + "/ws") as websocket,
    ):
        await websocket.send("hello")
        said = await websocket.recv()
    assert said == "a hello"


async def test_a_gateway_that_dies_takes_its_connections_along_and_the_other_goes_on():
    async with serving(_app("b")) as b:
        dying = serving(_app("a"), shutdown_s=0)
        a = await dying.__aenter__()
        async with Balancer([_port(a), _port(b)]) as balancer:
            url = balancer.url.replace("http", "ws") + "/ws"
            async with connect(url) as lost, connect(url) as kept:
                await dying.__aexit__(None, None, None)
                with pytest.raises(ConnectionClosedError):
                    await lost.recv()
                await kept.send("still")
                said = await kept.recv()
            answers = {await _asked(balancer.url) for _ in range(3)}
    assert said == "b still"
    assert answers == {"b"}


async def test_a_half_closed_connection_still_gets_its_answer():
    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        asked = await reader.read()  # to the end of what the caller sends
        writer.write(asked.upper())
        writer.close()

    async with _talking(talk) as balancer:
        reader, writer = await _called(balancer)
        writer.write(b"question")
        writer.write_eof()
        answer = await reader.read()
        writer.close()
    assert answer == b"QUESTION"
    assert balancer.passed[0].to_gateway_bytes == len(b"question")
    assert balancer.passed[0].from_gateway_bytes == len(b"QUESTION")


async def test_a_callers_abort_is_an_abort_at_the_gateway():
    seen: asyncio.Future[Exception] = asyncio.get_running_loop().create_future()

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"go")
        try:
            await reader.read()
        except ConnectionResetError as error:
            seen.set_result(error)
        writer.close()

    async with _talking(talk) as balancer:
        reader, writer = await _called(balancer)
        await reader.readexactly(2)
        writer.get_extra_info("socket").setsockopt(
            socket.SOL_SOCKET, socket.SO_LINGER, LINGER_0_S
        )
        writer.transport.abort()
        async with asyncio.timeout(30):
            broke = await seen
    assert isinstance(broke, ConnectionResetError)


async def test_a_gateways_abort_is_an_abort_at_the_caller():
    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readexactly(2)
        writer.get_extra_info("socket").setsockopt(
            socket.SOL_SOCKET, socket.SO_LINGER, LINGER_0_S
        )
        writer.transport.abort()

    async with _talking(talk) as balancer:
        reader, writer = await _called(balancer)
        writer.write(b"go")
        with pytest.raises(ConnectionResetError):
            await reader.read()
        writer.close()


async def test_a_gateway_that_takes_nothing_holds_its_caller_up():
    """What waits here is bounded: the sender stalls long before all it has is taken."""
    ended = asyncio.Event()

    async def talk(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.transport.pause_reading()
        await ended.wait()
        writer.transport.abort()

    async with _talking(talk) as balancer:
        _, writer = await _called(balancer)
        writer.write(bytes(64 * 2**20))
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.3):
                await writer.drain()
        taken = balancer.passed[0].to_gateway_bytes
        ended.set()
        writer.transport.abort()
        with suppress(ConnectionError):
            await writer.wait_closed()
    assert taken < 16 * 2**20


async def test_a_closed_balancer_leaves_no_connection():
    ended = asyncio.Event()

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(ConnectionError):
            await reader.read()
        ended.set()
        writer.close()

    async with _talking(talk) as balancer:
        reader, writer = await _called(balancer)
        writer.write(b"here")
        await writer.drain()
    with pytest.raises(ConnectionError):
        await reader.read()
    async with asyncio.timeout(30):
        await ended.wait()
    writer.close()
