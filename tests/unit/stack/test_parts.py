"""The small parts of the local stack: secrets, ports, servers."""

import errno
import json
import socket
import stat
from contextlib import asynccontextmanager

import httpx
import pytest
from starlette.applications import Starlette
from starlette.responses import PlainTextResponse
from starlette.routing import Route

from gateway.core import api_keys
from infra.local.stack.credentials import Credentials, write_private
from infra.local.stack.ports import LOOPBACK, PortTaken, ReservedPort, listener
from infra.local.stack.serving import StartFailed, serving


def test_secrets_are_made_up_anew_for_each_folder(tmp_path):
    first = Credentials.kept_at(tmp_path / "a.json")
    second = Credentials.kept_at(tmp_path / "b.json")
    assert first.api_key != second.api_key
    assert first.store_secret != second.store_secret


def test_secrets_of_an_earlier_start_are_taken_up_again(tmp_path):
    path = tmp_path / "credentials.json"
    first = Credentials.kept_at(path)
    first.with_second("ck_other").keep(path)
    assert Credentials.kept_at(path) == first.with_second("ck_other")


def test_secrets_are_for_their_owner_alone_and_not_in_a_repr(tmp_path):
    path = tmp_path / "credentials.json"
    known = Credentials.kept_at(path)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert known.api_key not in repr(known)
    assert known.token_secret not in repr(known)


def test_the_made_up_key_has_the_gateways_own_form(tmp_path):
    key = Credentials.kept_at(tmp_path / "credentials.json").api_key
    assert api_keys.id_of(key) == key.split("_")[1]


def test_a_private_file_is_replaced_whole(tmp_path):
    path = tmp_path / "file"
    write_private(path, json.dumps([1]))
    write_private(path, json.dumps([2]))
    assert json.loads(path.read_text()) == [2]
    assert [each.name for each in tmp_path.iterdir()] == ["file"]


def test_callers_of_a_reserved_port_are_refused():
    port = ReservedPort()
    try:
        with socket.socket() as caller:
            assert caller.connect_ex((LOOPBACK, port.number)) == errno.ECONNREFUSED
    finally:
        port.release()


async def test_a_server_takes_a_reserved_port_twice():
    port = ReservedPort()
    app = Starlette(routes=[Route("/", lambda _: PlainTextResponse("here"))])
    try:
        for _ in range(2):
            async with serving(app, port.number) as url, httpx.AsyncClient() as client:
                assert (await client.get(url)).text == "here"
                assert url == port.url
    finally:
        port.release()


@pytest.mark.parametrize("have", [ReservedPort, listener])
def test_a_port_that_is_taken_is_named(have):
    with socket.create_server((LOOPBACK, 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(PortTaken, match=f"port {port} of 127.0.0.1 is taken"):
            have(port)


async def test_an_app_that_does_not_start_is_an_error():
    @asynccontextmanager
    async def broken(_: Starlette):
        raise RuntimeError("no disk")
        yield

    with pytest.raises(StartFailed):
        async with serving(Starlette(lifespan=broken)):
            pass
