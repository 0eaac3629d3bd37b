"""The guarded fetcher on the wire: TLS held to the name, names that change, bad answers."""

import asyncio
import gzip
import socket
import ssl
import threading
from contextlib import asynccontextmanager
from itertools import chain, repeat

import pytest
import trustme

from gateway.adapters.http_outgoing import HttpOutgoing, SystemNames
from gateway.core.targets import TargetRefused, TargetRules
from gateway.ports.outgoing import OutgoingRequest, TargetUnreachable
from tests.support.receivers import (
    receiving,
    says,
    says_nothing,
    says_raw,
    says_without_end,
)

LOOPBACK = ["127.0.0.1"]
ALLOWED = TargetRules.allowing(["hooks.allowed"])
SHORT_S = 0.2


@pytest.fixture(scope="module")
def authority():
    return trustme.CA()


def tls_of(authority, *names):
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    authority.issue_cert(*names).configure_cert(context)
    return context


def trusting(authority):
    def trust():
        context = ssl.create_default_context()
        authority.configure_trust(context)
        return context

    return trust


async def to_loopback(_host, _port):
    return LOOPBACK


def a_get(port, scheme="http", **fields):
    return OutgoingRequest("GET", f"{scheme}://hooks.allowed:{port}/in?x=1", **fields)


def fetcher(**given):
    return HttpOutgoing(ALLOWED, resolve=to_loopback, **given)


async def test_the_name_stands_in_sni_in_host_and_in_what_the_certificate_is_held_to(authority):
    async with receiving(says(200), tls=tls_of(authority, "hooks.allowed")) as receiver:
        outgoing = fetcher(trust=trusting(authority))
        answer = await outgoing.send(a_get(receiver.port, "https"))
        [heard] = receiver.heard
    assert answer.status == 200
    assert (heard.sni, heard.headers["host"]) == (
        "hooks.allowed",
        f"hooks.allowed:{receiver.port}",
    )
    assert heard.line == "GET /in?x=1 HTTP/1.1"


@pytest.mark.parametrize("name", ["other.allowed", "127.0.0.1"])
async def test_a_certificate_of_another_name_is_refused_also_the_address_own(authority, name):
    async with receiving(says(200), tls=tls_of(authority, name)) as receiver:
        with pytest.raises(TargetUnreachable, match="certificate is not trusted"):
            await fetcher(trust=trusting(authority)).send(a_get(receiver.port, "https"))
        assert receiver.heard == []


async def test_a_certificate_of_nobody_we_trust_is_refused(authority):
    async with receiving(says(200), tls=tls_of(authority, "hooks.allowed")) as receiver:
        with pytest.raises(TargetUnreachable, match="certificate is not trusted"):
            await fetcher().send(a_get(receiver.port, "https"))


async def test_d16_a_name_that_changes_between_check_and_connection_leads_nowhere_new():
    """Rebinding: public when it is asked first, and ours ever after."""
    asked = []
    answers = chain([["127.0.0.9"]], repeat(LOOPBACK))
    rules = TargetRules.allowing(["127.0.0.8/29"])  # stands for the public internet

    async def rebinding(host, _port):
        asked.append(host)
        return next(answers)

    async with receiving(says(200)) as receiver:
        outgoing = HttpOutgoing(rules, resolve=rebinding)
        request = OutgoingRequest("GET", "https://rebind.example.com:8443/")
        with pytest.raises(TargetUnreachable):
            await outgoing.send(request)
        once = list(asked)
        with pytest.raises(TargetRefused):
            await outgoing.send(request)
        assert receiver.connections == 0
    assert once == ["rebind.example.com"]


async def test_d16_a_redirect_to_an_address_inside_is_not_followed():
    async with receiving(says(200)) as inside:
        away = says(302, location=f"http://127.0.0.1:{inside.port}/latest/meta-data/")
        async with receiving(away) as receiver:
            answer = await fetcher().send(a_get(receiver.port))
        assert inside.connections == 0
    assert answer.status == 302


async def test_d16_no_proxy_of_the_environment_is_used(monkeypatch):
    async with receiving(says(200)) as proxy, receiving(says(204)) as receiver:
        for name in ("http_proxy", "https_proxy", "all_proxy", "HTTP_PROXY", "ALL_PROXY"):
            monkeypatch.setenv(name, f"http://127.0.0.1:{proxy.port}")
        answer = await fetcher().send(a_get(receiver.port))
        assert (answer.status, proxy.connections) == (204, 0)


async def test_an_answer_without_end_is_cut():
    async with receiving(says_without_end) as receiver:
        answer = await fetcher().send(a_get(receiver.port, answer_bytes=1000))
    assert (len(answer.body), answer.cut) == (1000, True)


async def test_a_packed_answer_is_not_unpacked():
    packed = gzip.compress(b"\0" * 10_000_000)
    async with receiving(says(200, packed, content_encoding="gzip")) as receiver:
        answer = await fetcher().send(a_get(receiver.port))
        [heard] = receiver.heard
    assert answer.body == packed
    assert heard.headers["accept-encoding"] == "identity"


BROKEN = {
    "silence": (says_nothing, "no answer in time"),
    "a body that stops short": (
        says_raw(b"HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nx"),
        "what it answers is no HTTP",
    ),
    "no HTTP": (says_raw(b"220 smtp ready\r\n"), "what it answers is no HTTP"),
    "nothing": (says_raw(b""), "what it answers is no HTTP"),
    "headers without end": (
        says_raw(b"HTTP/1.1 200 OK\r\n" + b"x: y\r\n" * 40_000),
        "what it answers is no HTTP",
    ),
}


@pytest.mark.parametrize("way", BROKEN)
async def test_an_answer_that_is_none_is_told_in_words_of_ours(way):
    speaks, why = BROKEN[way]
    async with receiving(speaks) as receiver:
        timeout_s = SHORT_S if speaks is says_nothing else 10.0
        with pytest.raises(TargetUnreachable) as refused:
            await fetcher().send(a_get(receiver.port, timeout_s=timeout_s))
    assert refused.value.why == why


async def test_plain_http_where_tls_was_expected_is_told():
    async with receiving(says(200)) as receiver:
        with pytest.raises(TargetUnreachable, match="TLS"):
            await fetcher().send(a_get(receiver.port, "https"))


async def test_a_handshake_that_does_not_come_is_given_up():
    async with receiving(says_nothing) as receiver:
        with pytest.raises(TargetUnreachable, match="no connection in time"):
            await fetcher(connect_s=SHORT_S).send(a_get(receiver.port, "https"))


async def test_both_families_of_a_name_are_tried():
    """Where a machine is without IPv6, its many addresses there must not use up the tries."""
    nowhere = [f"::ffff:127.0.0.{n}" for n in range(2, 9)]

    async def many(_host, _port):
        return [*nowhere, *LOOPBACK]

    async with receiving(says(204)) as receiver:
        answer = await HttpOutgoing(ALLOWED, resolve=many).send(a_get(receiver.port))
    assert answer.status == 204


async def test_a_name_that_takes_too_long_to_look_up_is_given_up():
    async def never(_host, _port):
        await asyncio.Event().wait()

    outgoing = HttpOutgoing(ALLOWED, resolve=never)
    with pytest.raises(TargetUnreachable, match="in time"):
        await outgoing.send(a_get(1, timeout_s=0.05))


@asynccontextmanager
async def names(*given):
    names = SystemNames(*given)
    yield names
    names.close()


async def test_the_system_knows_its_own_name():
    async with names() as look_up:
        assert "127.0.0.1" in await look_up("localhost", 80)


async def test_no_such_name_is_told_from_one_that_cannot_be_looked_up():
    def failing(host, *_given, **_named):
        raise socket.gaierror({"none": socket.EAI_NONAME}.get(host, socket.EAI_AGAIN), "x")

    async with names(failing) as look_up:
        assert await look_up("none", 443) == []
        with pytest.raises(TargetUnreachable, match="looked up"):
            await look_up("away", 443)


async def test_names_that_hang_hold_up_nothing_else_that_needs_a_thread():
    held = threading.Event()

    def hanging(*_given, **_named):
        held.wait()
        return []

    async with names(hanging) as look_up:
        waiting = [asyncio.create_task(look_up("slow", 443)) for _ in range(40)]
        assert await asyncio.to_thread(lambda: "free") == "free"
        held.set()
        assert await asyncio.gather(*waiting) == [[]] * 40
