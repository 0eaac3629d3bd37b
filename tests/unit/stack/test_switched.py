"""A part that can be switched off keeps its address."""

import httpx
import pytest
from starlette.applications import Starlette
from starlette.responses import PlainTextResponse
from starlette.routing import Route

from infra.local.stack.serving import Switched
from tests.support.serving import client_here

APP = Starlette(routes=[Route("/", lambda _: PlainTextResponse("here"))])


async def test_off_it_refuses_and_on_it_answers_where_it_did():
    async with Switched(APP) as switch, client_here() as client:
        assert (await client.get(switch.url)).text == "here"
        for _ in range(2):
            await switch.off()
        with pytest.raises(httpx.ConnectError):
            await client.get(switch.url)
        for _ in range(2):
            await switch.on()
        assert (await client.get(switch.url)).text == "here"


async def test_afterwards_nobody_answers():
    async with Switched(APP) as switch:
        url = switch.url
    async with client_here() as client:
        with pytest.raises(httpx.ConnectError):
            await client.get(url)
