"""What every Outgoing promises."""

from contextlib import asynccontextmanager

import pytest

from gateway.adapters.http_outgoing import HttpOutgoing
from gateway.adapters.memory.outgoing import MemoryOutgoing
from gateway.core.targets import TargetRefused, TargetRules
from gateway.ports.outgoing import OutgoingAnswer, OutgoingRequest, TargetUnreachable
from tests.support.receivers import receiving, says

LOOPBACK = "127.0.0.1"
# The name of a receiver that an operator allows, and of others.
NAMES = {
    "hooks.allowed": [LOOPBACK],
    "fallback.allowed": ["127.0.0.2", LOOPBACK],
    "closed.allowed": ["127.0.0.2"],
    "gone.allowed": [],
    "inside.example.com": [LOOPBACK],
    "both.example.com": ["8.8.8.8", "10.0.0.1"],
    "metadata.example.com": ["169.254.169.254"],
    "gone.example.com": [],
}
RULES = TargetRules.allowing([name for name in NAMES if name.endswith(".allowed")])


async def resolve(host, _port):
    return NAMES.get(host, [])


class InMemory:
    """An adapter in memory, with one receiver at a port of its own."""

    def __init__(self, status, body, headers):
        self.heard = []
        self.answer = OutgoingAnswer(status, headers, body)
        receivers = {(LOOPBACK, 9000): self._receive}
        self.port = 9000
        self.adapter = MemoryOutgoing(RULES, dict(NAMES), receivers)

    async def _receive(self, request):
        self.heard.append((request.method, request.body, dict(request.headers)))
        return self.answer


@asynccontextmanager
async def in_memory(status, body=b"", **headers):
    yield InMemory(status, body, headers)


class OverHttp:
    """The adapter over HTTP, beside a server on loopback."""

    def __init__(self, receiver):
        self._receiver = receiver
        self.port = receiver.port
        self.adapter = HttpOutgoing(RULES, resolve=resolve)

    @property
    def heard(self):
        return [
            (each.line.split()[0], each.body, each.headers) for each in self._receiver.heard
        ]


@asynccontextmanager
async def over_http(status, body=b"", **headers):
    async with receiving(says(status, body, **headers)) as receiver:
        yield OverHttp(receiver)


@pytest.fixture(params=[in_memory, over_http], ids=["memory", "http"])
def opened(request):
    return request.param


def a_post(url, **fields):
    return OutgoingRequest("POST", url, {"webhook-id": "evt_1"}, b'{"a": 1}', **fields)


async def test_what_is_sent_arrives_and_what_is_said_comes_back(opened):
    async with opened(200, b"thanks", x_word="yes") as world:
        answer = await world.adapter.send(a_post(f"http://hooks.allowed:{world.port}/in"))
        [(method, body, headers)] = world.heard
    assert (method, body, headers["webhook-id"]) == ("POST", b'{"a": 1}', "evt_1")
    assert (answer.status, answer.body, answer.cut) == (200, b"thanks", False)


@pytest.mark.parametrize("status", [204, 302, 307, 404, 410, 429, 500, 503])
async def test_any_status_is_an_answer_and_no_redirect_is_followed(opened, status):
    async with opened(status, location="http://hooks.allowed/elsewhere") as world:
        answer = await world.adapter.send(a_post(f"http://hooks.allowed:{world.port}/"))
        assert len(world.heard) == 1
    assert answer.status == status


@pytest.mark.parametrize(("wanted", "cut"), [(4, True), (5, True), (6, False), (7, False)])
async def test_no_more_of_an_answer_is_read_than_was_asked_for(opened, wanted, cut):
    async with opened(200, b"thanks") as world:
        url = f"http://hooks.allowed:{world.port}/"
        answer = await world.adapter.send(a_post(url, answer_bytes=wanted))
    assert (answer.body, answer.cut) == (b"thanks"[:wanted], cut)


async def test_the_next_address_of_a_name_is_called_where_one_takes_no_connection(opened):
    async with opened(200) as world:
        answer = await world.adapter.send(a_post(f"http://fallback.allowed:{world.port}/"))
    assert answer.status == 200


@pytest.mark.parametrize("name", ["closed.allowed", "gone.allowed", "unknown.example.com"])
async def test_where_nobody_answers_it_is_said_that_nobody_did(opened, name):
    async with opened(200) as world:
        port = f":{world.port}" if name == "closed.allowed" else ""
        with pytest.raises(TargetUnreachable):
            await world.adapter.send(a_post(f"https://{name}{port}/"))
        assert world.heard == []


REFUSED = (
    *("https://inside.example.com/", "https://both.example.com/"),
    *("https://metadata.example.com/latest/meta-data/", "https://127.0.0.1/"),
    *("https://[::ffff:127.0.0.1]/", "https://2130706433/", "http://8.8.8.8/"),
    *("https://user@hooks.allowed/", "https://hooks.allowed./", "file:///etc/passwd"),
)


@pytest.mark.parametrize("url", REFUSED)
async def test_d16_what_may_not_be_called_is_refused_before_and_while_sending(opened, url):
    async with opened(200) as world:
        with pytest.raises(TargetRefused):
            await world.adapter.check(url)
        with pytest.raises(TargetRefused):
            await world.adapter.send(a_post(url))
        assert world.heard == []


async def test_a_check_takes_what_may_be_called_and_calls_nobody(opened):
    async with opened(200) as world:
        await world.adapter.check(f"http://hooks.allowed:{world.port}/")
        assert world.heard == []


async def test_a_check_refuses_a_name_that_leads_nowhere(opened):
    async with opened(200) as world:
        with pytest.raises(TargetRefused, match="nowhere"):
            await world.adapter.check("https://gone.example.com/")


def test_a_request_shows_no_url_header_or_body():
    shown = repr(a_post("https://hooks.example.com/secret"))
    assert "secret" not in shown
    assert "evt_1" not in shown
    assert '"a"' not in shown
