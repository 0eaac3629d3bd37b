"""What bodies come in: their type, their size, and lies about either; byte for byte."""

import pytest

from tests.attack.refusals import told
from tests.attack.sending import credential, good
from tests.attack.tables import bodies_s4, bodies_v1, bodies_work
from tests.support.raw_http import chunked, head
from tests.support.target import JSON, a_target

MIB = 2**20
UNSUPPORTED = (415, "unsupported_media_type", "")
TOO_LARGE = (413, "payload_too_large", "")
ROUTES = {
    each.path: each for each in (*bodies_v1.ROUTES, *bodies_s4.ROUTES, *bodies_work.ROUTES)
}
LIMITS = {
    "/v1/jobs": MIB,
    "/v1/work/{running_id}/reports": MIB,
    "/api/export/overlay": 3 * MIB // 2,
    "/api/videos/upload-url": 3 * MIB // 2,
}
OTHER_TYPES = {
    "none": (),
    "nothing": ("",),
    "text": ("text/plain",),
    "a form": ("application/x-www-form-urlencoded",),
    "a form in parts": ("multipart/form-data; boundary=x",),
    "Latin-1": ("application/json; charset=latin-1",),
    "UTF-16": ("application/json; charset=utf-16",),
    "two charsets": ("application/json; charset=utf-8; charset=utf-16",),
    "a parameter": ("application/json; version=1",),
    "the same twice": ("application/json", "application/json"),
    "two": ("application/json", "text/plain"),
    "a list": ("application/json, text/plain",),
    "anything": ("*/*",),
    "any application": ("application/*",),
    "half a name": ("json",),
    "more of a name": ("application/jsonp",),
    "a suffix alone": ("application/+json/x",),
    "text that is JSON": ("text/json",),
    "bytes": (b"\xff\xfe",),
    "long": ("application/json" + "x" * 10_000,),
}
TYPES = ("application/json;charset=UTF-8", "APPLICATION/JSON", "application/merge-patch+json")


@pytest.fixture(scope="module", params=["h11", "httptools"])
def target(request, tmp_path_factory):
    """A gateway behind each of the parsers that uvicorn may find."""
    with a_target(tmp_path_factory.mktemp("target"), http=request.param) as target:
        yield target


def first_lines(target, route, *headers):
    """Return a request up to its body, with what opens the route."""
    opened = credential(target, route)
    return head(route.method, target.has.address(route.path), [opened, *headers])


def sent(target, *data):
    """Send bytes and return the answer to them."""
    target.http.send(b"".join(data))
    return target.http.hear()


def goes_on(target):
    """Whether the service answers the next request, over whatever connection."""
    return target.ask("GET", "/healthz").status == 200


@pytest.mark.parametrize("route", ROUTES.values(), ids=lambda route: route.path)
def test_a_body_of_another_type_is_refused_on_every_route(target, route):
    before, body = target.written(), good(target, route)
    length = ("Content-Length", str(len(body)))
    found = {
        label: told(
            sent(
                target,
                first_lines(target, route, *(("Content-Type", each) for each in said), length),
                body,
            )
        )
        for label, said in OTHER_TYPES.items()
    }
    assert found == dict.fromkeys(OTHER_TYPES, UNSUPPORTED)
    assert target.http.is_open
    assert target.written() == before


def test_json_is_json_however_it_is_spelt(target):
    body = b"[]"
    route = ROUTES["/v1/jobs"]
    lines = [
        first_lines(target, route, ("Content-Type", each), ("Content-Length", "2"))
        for each in TYPES
    ]
    assert [told(sent(target, each, body))[0] for each in lines] == [422] * 3


@pytest.mark.parametrize("path", LIMITS)
@pytest.mark.parametrize("way", ["announced", "in chunks", "announced and never sent"])
def test_d09_a_body_over_its_limit_is_refused_and_the_connection_ends(target, path, way):
    route, over = ROUTES[path], b" " * (LIMITS[path] + 1)
    before = target.written()
    length = ("Content-Length", str(len(over)))
    whole = {
        "announced": (first_lines(target, route, JSON, length), over),
        "in chunks": (
            first_lines(target, route, JSON, ("Transfer-Encoding", "chunked")),
            chunked(over[:MIB], over[MIB:]),
        ),
        "announced and never sent": (
            first_lines(target, route, JSON, ("Content-Length", "9" * 15)),
        ),
    }
    answer = sent(target, *whole[way])
    assert told(answer) == TOO_LARGE
    assert answer.headers["connection"] == "close"
    assert not target.http.is_open
    assert goes_on(target)
    assert target.written() == before


@pytest.mark.parametrize("path", LIMITS)
@pytest.mark.parametrize("way", ["announced", "in chunks"])
def test_d09_a_body_at_its_limit_is_read_and_the_connection_goes_on(target, path, way):
    route, body = ROUTES[path], b"[" + b" " * (LIMITS[path] - 2) + b"]"
    whole = {
        "announced": (
            first_lines(target, route, JSON, ("Content-Length", str(len(body)))),
            body,
        ),
        "in chunks": (
            first_lines(target, route, JSON, ("Transfer-Encoding", "chunked")),
            chunked(body[:1], body[1:]),
        ),
    }
    assert told(sent(target, *whole[way])) == (422, "validation_failed", "body")
    assert target.http.is_open
    assert goes_on(target)


def test_a_body_that_is_asked_for_is_asked_for_only_where_it_is_taken(target):
    route = ROUTES["/v1/jobs"]
    expect = ("Expect", "100-continue")
    refused = sent(
        target, first_lines(target, route, JSON, ("Content-Length", "9" * 9), expect)
    )
    assert told(refused) == TOO_LARGE
    target.http.close()
    target.http.send(first_lines(target, route, JSON, ("Content-Length", "2"), expect))
    answer = sent(target, b"[]")  # the client of the standard library skips the 100
    assert told(answer) == (422, "validation_failed", "body")


def test_a_body_cut_short_does_nothing_and_gets_no_answer(target):
    before = target.written()
    for path in LIMITS:
        route = ROUTES[path]
        body = good(target, route)
        length = ("Content-Length", str(len(body) + 1))
        target.http.send(first_lines(target, route, JSON, length) + body)
        target.http.say_no_more()
        assert target.http.is_over()
        target.http.close()
    assert target.written() == before


def test_what_follows_a_body_is_another_request_and_never_part_of_it(target):
    route = ROUTES["/v1/jobs"]
    lines = first_lines(target, route, JSON, ("Content-Length", "2"))
    first = sent(target, lines, b"[]", head("GET", "/healthz"))
    assert told(first) == (422, "validation_failed", "body")
    assert target.http.hear().json() == {"status": "ok"}
    more = lines + b'[]{"kind": "x"}\r\n\r\n'
    assert set(target.http.statuses_of(more)) <= {422, 400}
    assert goes_on(target)


LENGTHS = {
    "below nothing": (("Content-Length", "-1"),),
    "a word": (("Content-Length", "two"),),
    "a plus": (("Content-Length", "+2"),),
    "hexadecimal": (("Content-Length", "0x2"),),
    "nothing": (("Content-Length", ""),),
    "two of them": (("Content-Length", "2"), ("Content-Length", "3")),
    "a list": (("Content-Length", "2, 3"),),
    "another coding": (("Transfer-Encoding", "gzip"),),
}
LINES = {
    "nothing": b"\0" * 100,
    "a secure hello": b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03"
    + bytes(100)
    + b"\r\n\r\n",
    "HTTP/2": b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    "no version": b"GET /v1/jobs\r\n\r\n",
    "a version of its own": b"GET /v1/jobs HTTP/9.9\r\n\r\n",
    "a blank in the address": b"GET /v1/a b HTTP/1.1\r\nHost: g\r\n\r\n",
    "a name with a blank": b"GET /v1/jobs HTTP/1.1\r\nHost: g\r\nX Y: z\r\n\r\n",
    "a header without a name": b"GET /v1/jobs HTTP/1.1\r\nHost: g\r\n: z\r\n\r\n",
    "a header without a colon": b"GET /v1/jobs HTTP/1.1\r\nHost: g\r\nnonsense\r\n\r\n",
    "a NUL in a header": b"GET /v1/jobs HTTP/1.1\r\nHost: g\r\nX: a\0b\r\n\r\n",
    "a long address": b"GET /" + b"a" * 200_000 + b" HTTP/1.1\r\nHost: g\r\n\r\n",
    "a long header": b"GET / HTTP/1.1\r\nHost: g\r\nX: " + b"a" * 200_000 + b"\r\n\r\n",
    "no size of a chunk": (
        b"POST /v1/jobs HTTP/1.1\r\nHost: g\r\nContent-Type: application/json\r\n"
        b"Transfer-Encoding: chunked\r\n\r\nzz\r\n[]\r\n0\r\n\r\n"
    ),
    "a size below nothing": (
        b"POST /v1/jobs HTTP/1.1\r\nHost: g\r\nContent-Type: application/json\r\n"
        b"Transfer-Encoding: chunked\r\n\r\n-2\r\n[]\r\n0\r\n\r\n"
    ),
}


@pytest.mark.parametrize("lengths", LENGTHS.values(), ids=LENGTHS)
def test_a_length_that_is_none_is_a_bad_request(target, lengths):
    before = target.written()
    lines = first_lines(target, ROUTES["/v1/jobs"], JSON, *lengths)
    assert target.http.statuses_of(lines + b"{}") in ([400], [501])
    assert goes_on(target)
    assert target.written() == before


@pytest.mark.parametrize("data", LINES.values(), ids=LINES)
def test_what_is_no_http_is_refused_and_disturbs_nobody(target, data):
    statuses = target.http.statuses_of(data)
    assert all(400 <= status < 500 for status in statuses), statuses
    assert goes_on(target)
