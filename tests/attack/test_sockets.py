"""Sockets opened wrongly, at the wrong place, or to be abused."""

import socket
from contextlib import closing, suppress

import pytest
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.sync.client import connect
from websockets.typing import Subprotocol

from gateway.entrypoints.local import LARGEST_FRAME_BYTES
from tests.attack.refusals import told
from tests.attack.walk import sockets
from tests.support.raw_http import head
from tests.support.watchers import as_socket

PATIENCE_S = 20
V1_LIVE = "/v1/jobs/{job_id}/live"
REFUSED, UNAUTHENTICATED, NOT_FOUND, TOO_BIG = 1008, 4401, 4404, 1009

NO_POSITIONS = (
    *("", "x", "-2", "%201", "1%20", "%2B1", "1_0", "1.0", "1e1", "0x1", "%D9%A1", "%C2%B9"),
    *("NaN", "inf", "null", "1%00", "1%0A", "9" * 16, "9" * 400, "--1", "1,2"),
)
NO_IDS = (
    "nobody",
    "%3F",
    "..%2e",
    "%00",
    "%0A",
    "%FF%FE",
    "a b".replace(" ", "%20"),
    "x" * 5000,
)
NO_TICKETS = (
    *("", "x", "tj_", "tu_", "tj_default.9999999999." + "a" * 52, "tj_" + "x" * 4000),
    *("%00", "%FF", "tj_default.1.%0A", "ck_aaaaaaaa_" + "a" * 52),
)
NO_PROTOCOLS = (
    ["cutroom.ticket."],
    ["cutroom.v1", "cutroom.ticket."],
    ["cutroom.v1", "cutroom.ticket.x"],
    ["cutroom.v1", "cutroom.ticket.tj_default.9999999999." + "a" * 52],
    ["cutroom.v2", "graphql-ws"],
    [f"cutroom.v{n}" for n in range(200)],
)


def opened(target, path, *headers, protocols=None):
    """Return a socket to a path; as the tenant `default` where no header is given."""
    given = dict(headers) if headers else dict([target.key()])
    return connect(
        as_socket(target.base_url) + path,
        additional_headers=given,
        subprotocols=[Subprotocol(each) for each in protocols] if protocols else None,
        open_timeout=PATIENCE_S,
        proxy=None,
    )


def ended(connection):
    """Read a socket to its end: how many messages came, and the code it closed with."""
    count = 0
    try:
        while True:
            connection.recv(PATIENCE_S)
            count += 1
    except ConnectionClosed as closed:
        return count, closed.rcvd.code if closed.rcvd else 0


def heard(target, path, *headers, protocols=None):
    with opened(target, path, *headers, protocols=protocols) as connection:
        return ended(connection)


def watched(target):
    """Return the address of each socket there is, on a job that both surfaces show."""
    return [each.format(job_id=target.has.export_id) for each in sockets(target)]


NOBODY = ("X-Nobody", "1")


def test_there_are_the_sockets_that_are_told_of(target):
    assert sockets(target) == ["/api/jobs/{job_id}/ws", V1_LIVE, "/ws/export/{job_id}"]


def test_a_position_that_is_none_is_shown_out(target):
    path = V1_LIVE.format(job_id=target.has.done_id)
    found = {each: heard(target, f"{path}?after={each}") for each in NO_POSITIONS}
    assert found == dict.fromkeys(NO_POSITIONS, (0, REFUSED))


def test_who_is_refused_for_a_position_learns_nothing_of_the_job(target):
    paths = [V1_LIVE.format(job_id=each) for each in (target.has.done_id, "nobody")]
    found = {heard(target, f"{path}?after=x", NOBODY) for path in paths}
    assert found == {(0, REFUSED)}


def test_an_id_of_any_form_is_shown_out_in_silence(target):
    for template in sockets(target):
        paths = [template.replace("{job_id}", each) for each in NO_IDS]
        found = [heard(target, path) for path in paths]
        strangers = [heard(target, path, NOBODY) for path in paths]
        assert found == [(0, NOT_FOUND)] * len(paths), template
        assert strangers == [(0, UNAUTHENTICATED)] * len(paths), template


def test_another_tenants_job_is_like_one_that_is_not_there(target):
    theirs = target.key("stranger")
    assert {heard(target, path, theirs) for path in watched(target)} == {(0, NOT_FOUND)}


def test_a_key_without_the_scope_to_read_opens_no_socket(target):
    poor = target.key("default", "jobs", "uploads")
    assert {heard(target, path, poor) for path in watched(target)} == {(0, UNAUTHENTICATED)}


def test_a_ticket_that_is_none_opens_no_socket(target):
    found = {
        ticket: heard(target, f"{path}?ticket={ticket}", NOBODY)
        for path in watched(target)
        for ticket in NO_TICKETS
    }
    assert found == dict.fromkeys(NO_TICKETS, (0, UNAUTHENTICATED))


@pytest.mark.parametrize("number", range(len(NO_PROTOCOLS)))
def test_a_subprotocol_that_is_none_opens_no_socket(target, number):
    protocols = NO_PROTOCOLS[number]
    for path in watched(target):
        with opened(target, path, NOBODY, protocols=protocols) as connection:
            expected = "cutroom.v1" if "cutroom.v1" in protocols else None
            assert connection.subprotocol == expected
            assert ended(connection) == (0, UNAUTHENTICATED)


TOO_LARGE = {
    "text, a byte too long": "x" * (LARGEST_FRAME_BYTES + 1),
    "text of many bytes": "é" * LARGEST_FRAME_BYTES,
    "bytes, one too long": b"\0" * (LARGEST_FRAME_BYTES + 1),
    "a megabyte": b"\0" * 2**20,
    "in a piece too many": [b"\0" * 100] * 11,
}
IGNORED = (
    *("x" * LARGEST_FRAME_BYTES, b"\0" * LARGEST_FRAME_BYTES, [b"\0" * 100] * 5, "", b""),
    *('{"type": "cancel"}', '{"after": -1}', "\u202e", b"\xff\xfe", "ping"),
)


@pytest.mark.parametrize("frame", TOO_LARGE)
def test_a_frame_that_is_too_large_ends_its_socket(target, frame):
    for path in watched(target):
        with opened(target, path) as connection:
            connection.recv(PATIENCE_S)
            with suppress(ConnectionClosed):  # it may end before the last piece is sent
                connection.send(TOO_LARGE[frame])
            assert ended(connection) == (0, TOO_BIG)


def test_what_a_client_says_is_ignored(target):
    before = target.written()
    for path in watched(target):
        with opened(target, path) as connection:
            connection.recv(PATIENCE_S)
            for each in IGNORED:
                connection.send(each)
            assert connection.ping().wait(PATIENCE_S)
    assert target.written() == before


def frames_of(target, data):
    """Send raw bytes on an open socket and return what comes until its end."""
    host, port = target.base_url.removeprefix("http://").split(":")
    path = watched(target)[0]
    lines = head(
        "GET",
        path,
        [
            target.key(),
            ("Connection", "Upgrade"),
            ("Upgrade", "websocket"),
            ("Sec-WebSocket-Version", "13"),
            ("Sec-WebSocket-Key", "AAAAAAAAAAAAAAAAAAAAAA=="),
        ],
    )
    with closing(socket.create_connection((host, int(port)), PATIENCE_S)) as line:
        line.sendall(lines)
        heard = line.recv(4096)
        line.sendall(data)
        while more := line.recv(4096):
            heard += more
    return heard


# Whatever breaks the protocol ends the socket, with the code RFC 6455 (7.4.1) has for it.
BROKEN = {
    "without a mask": (b"\x81\x01x", 1002),
    "a reserved bit": (b"\xf1\x80\0\0\0\0", 1002),
    "no opcode": (b"\x83\x80\0\0\0\0", 1002),
    "a long ping": (b"\x89\xfe\x00\x7e\0\0\0\0" + b"x" * 126, 1002),
    "a ping in pieces": (b"\x09\x80\0\0\0\0", 1002),
    "no UTF-8": (b"\x81\x82\0\0\0\0\xff\xfe", 1007),
    "a close of one byte": (b"\x88\x81\0\0\0\0\x03", 1002),
    "an exabyte announced": (b"\x82\xff\x10\0\0\0\0\0\0\0\0\0\0\0", 1009),
}


@pytest.mark.parametrize("broken", BROKEN)
def test_what_breaks_the_protocol_ends_the_socket_with_its_code(target, broken):
    data, code = BROKEN[broken]
    heard = frames_of(target, data)
    assert heard.startswith(b"HTTP/1.1 101 ")
    assert b"\x88" in heard
    assert code.to_bytes(2) in heard.rpartition(b"\x88")[2]
    assert target.ask("GET", "/healthz").status == 200


def test_a_socket_at_an_address_that_has_none_is_refused_before_it_opens(target):
    for path in ("/v1/jobs", "/v1/nowhere/live", "/ws/export", "/api/jobs/a/b/ws", "/healthz"):
        with pytest.raises(InvalidStatus) as refused:
            opened(target, path)
        assert refused.value.response.status_code in {403, 404}, path


def test_a_plain_request_to_a_sockets_address_is_not_found_in_its_surfaces_words(target):
    for path in watched(target):
        for method in ("GET", "POST"):
            assert told(target.ask(method, path)) == (404, "not_found", ""), path


HANDSHAKES = {
    "no key": (("Sec-WebSocket-Version", "13"),),
    "a key that is none": (("Sec-WebSocket-Version", "13"), ("Sec-WebSocket-Key", "x")),
    "another version": (
        ("Sec-WebSocket-Version", "99"),
        ("Sec-WebSocket-Key", "AAAAAAAAAAAAAAAAAAAAAA=="),
    ),
    "no version": (("Sec-WebSocket-Key", "AAAAAAAAAAAAAAAAAAAAAA=="),),
}


@pytest.mark.parametrize("headers", HANDSHAKES.values(), ids=HANDSHAKES)
def test_a_handshake_that_is_none_is_a_bad_request(target, headers):
    upgrade = (("Connection", "Upgrade"), ("Upgrade", "websocket"))
    data = head("GET", watched(target)[0], [target.key(), *upgrade, *headers])
    [status] = target.http.statuses_of(data)
    assert status in {400, 426}
    assert target.ask("GET", "/healthz").status == 200
