"""What stands beside the address: parameters and headers that make no sense, or too much."""

import pytest

from gateway.api.request_ids import HEADER as REQUEST_ID
from tests.attack.refusals import told
from tests.attack.sending import good
from tests.attack.tables import bodies_s4, bodies_v1
from tests.attack.walk import OPEN, of_default, walked
from tests.support.target import JSON

NO_WHOLE = {
    "empty": "",
    "a word": "x",
    "a blank before it": "%201",
    "a blank behind it": "1%20",
    "a plus": "%2B1",
    "an underscore": "1_0",
    "a point": "1.0",
    "an exponent": "1e1",
    "hexadecimal": "0x1",
    "a zero before it": "01",
    "other digits": "%D9%A1",
    "wide digits": "%EF%BC%91",
    "superscript": "%C2%B9",
    "infinite": "inf",
    "NaN": "NaN",
    "truth": "true",
    "a list": "1,2",
    "a line": "1%0A",
    "a NUL": "1%00",
    "no UTF-8": "%FF",
    "2^53+1": str(2**53 + 1),
    "10^400": "1" + "0" * 400,
    "5,000 nines": "9" * 5000,
}
NO_TEXT = ("", "x" * 129, "%00" * 200)


def bad(*values):
    return {each[:20]: each for each in values}


NO_DAY = NO_WHOLE | bad(
    *("2026-02-29", "2026-13-01", "2026-11-31", "2026-11-00", "26-11-21", "2026-11-21%20"),
    *("2026-11-21T00:00:00Z", "20261121", "2026-W47-6", "1969-12-31", "3000-01-01", "today"),
)


# Each parameter by the address and what of it is refused, under which code.
QUERIES = [
    ("events", "after", NO_WHOLE | bad("-2", "-1e0"), "validation_failed"),
    (
        "events",
        "wait_s",
        {k: v for k, v in NO_WHOLE.items() if k != "a point"}
        | bad("-1", "25.1", "26", "-0.1", ".5", "1.", "1.5.5", "-inf", "1e-1", "0x1p3"),
        "validation_failed",
    ),
    ("list", "limit", NO_WHOLE | bad("0", "-1", "101"), "validation_failed"),
    ("list", "status", bad("", "QUEUED", "queued%00", "x", "a,b"), "validation_failed"),
    ("list", "kind", bad("", "x" * 129), "validation_failed"),
    ("list", "parent_id", bad("", "x" * 65), "validation_failed"),
    (
        "list",
        "cursor",
        bad("", "x", "%00", "%FF", "AAAA", "=", "a" * 300, "MDE5OGM3YTItNWQxMA", "١", "../x"),
        "bad_cursor",
    ),
    ("list", "label.a", bad("", "x" * 65), "validation_failed"),
    ("list", "label.", bad("x", ""), "validation_failed"),
    ("list", f"label.{'x' * 65}", bad("x"), "validation_failed"),
    ("list", "nope", bad("", "1"), "validation_failed"),
    ("list", "Limit", bad("1"), "validation_failed"),
    ("list", "__proto__", bad("1"), "validation_failed"),
    ("usage", "from", NO_DAY | bad("2000-01-01"), "validation_failed"),
    ("usage", "from=2026-11-21&to", NO_DAY | bad("2026-11-20"), "validation_failed"),
    ("usage", "by", bad("", "DAY", "day%00", "x", "day,kind"), "validation_failed"),
    ("usage", "nope", bad("", "1"), "validation_failed"),
]


def address(target, name):
    return {
        "events": f"/v1/jobs/{target.has.queued_id}/events",
        "list": "/v1/jobs",
        "usage": "/v1/usage",
    }[name]


@pytest.mark.parametrize(
    ("where", "name", "values", "code"), QUERIES, ids=[f"{q[0]}-{q[1][:9]}" for q in QUERIES]
)
def test_a_parameter_that_makes_no_sense_is_refused_by_its_name(
    target, where, name, values, code
):
    path = address(target, where)
    found = {
        label: told(target.ask("GET", f"{path}?{name}={raw}".replace("١", "%D9%A1")))
        for label, raw in values.items()
    }
    assert found == dict.fromkeys(values, (422, code, name.rpartition("&")[2]))


@pytest.mark.parametrize(
    ("where", "name"), [("events", "after"), ("events", "wait_s"), ("list", "limit")]
)
def test_a_parameter_that_is_given_twice_is_refused(target, where, name):
    path = address(target, where)
    found = {
        told(target.ask("GET", f"{path}?{query}"))
        for query in (f"{name}=1&{name}=2", f"{name}=1&{name}=1", f"{name}=1&a=b&{name}=")
    }
    assert {each[:2] for each in found} == {(422, "validation_failed")}


def test_a_query_of_thousands_is_answered_as_any_other(target):
    many = "&".join(f"a{n}=1" for n in range(5000))
    events = target.ask("GET", f"{address(target, 'events')}?{many}")
    listed = target.ask("GET", f"{address(target, 'list')}?{many}")
    again = target.ask("GET", f"{address(target, 'list')}?{'limit=1&' * 5000}")
    assert events.status == 200
    assert told(listed)[:2] == told(again)[:2] == (422, "validation_failed")
    assert len(listed.fields) == 100


LISTS = ("/v1/jobs", "/v1/usage", "/deliveries")


def test_a_parameter_of_no_meaning_changes_no_answer(target):
    odd = "?a=1&a=2&%00=%FF&[]=1&a[b]=c&;&&=&_method=DELETE&callback=x&debug=true&tenant=other"
    for place in (each for each in walked(target) if each.method == "GET"):
        path = place.filled(of_default(target.has, place))
        plain = target.ask("GET", path).status
        # Lists are narrowed by what they know alone: a slip must not widen them in silence.
        expected = 422 if path.endswith(LISTS) else plain
        assert target.ask("GET", path + odd).status == expected, path


NO_KEYS = {
    "too long": "x" * 129,
    "far too long": "x" * 8000,
    "empty": "",
    "a blank": " ",
    "a blank inside": "a b",
    "a tab inside": "a\tb",
    "an accent": "é",
    "a face": "😀",
    "bytes": b"\xff\xfe",
    "a soft hyphen": "a\u00adb",
    "no break": "a\u00a0b",
}
MAKES_JOBS = {
    (each.method, each.path): each
    for each in (*bodies_v1.ROUTES, *bodies_s4.ROUTES)
    if each.path in {"/v1/jobs", "/api/jobs", "/api/export/overlay", "/api/export/framing"}
}
KEYED = {**{path: path for _, path in MAKES_JOBS}, "retry": "/v1/jobs/{queued_id}/retry"}


def keyed(target, path, *keys):
    route = MAKES_JOBS.get(("POST", path))
    body = good(target, route) if route else None
    headers = [target.key(), *(("Idempotency-Key", each) for each in keys)]
    return target.ask("POST", target.has.address(path), body, headers=headers)


@pytest.mark.parametrize("path", KEYED.values(), ids=KEYED)
def test_a_key_that_is_none_makes_no_job(target, path):
    before = target.written()
    found = {label: told(keyed(target, path, text)) for label, text in NO_KEYS.items()}
    found["two"] = told(keyed(target, path, "one", "two"))
    found["the same twice"] = told(keyed(target, path, "one", "one"))
    assert found == dict.fromkeys(found, (422, "validation_failed", "idempotency-key"))
    assert target.written() == before


@pytest.mark.parametrize("path", [path for _, path in MAKES_JOBS])
def test_a_key_is_taken_to_its_last_character(target, path):
    longest = "".join(map(chr, range(33, 127))) + "x" * 34
    first, again = keyed(target, path, longest), keyed(target, path, longest)
    assert (len(longest), first.status, again.status) == (128, 202, 200)


NO_POSITIONS = ("", "x", "-2", "1.0", "1_0", "+1", "1e1", "0x1", "9" * 5000, str(2**53 + 1))


@pytest.mark.parametrize("accept", ["application/json", "text/event-stream"])
def test_a_last_event_id_that_is_none_is_refused_on_poll_and_stream(target, accept):
    found = {
        text[:20]: told(
            target.ask(
                "GET",
                address(target, "events"),
                headers=[target.key(), ("Accept", accept), ("Last-Event-ID", text)],
            )
        )
        for text in (*NO_POSITIONS, "١", b"\xff")
        for text in [text if isinstance(text, str) else text.decode("latin-1")]
    }
    assert found == dict.fromkeys(found, (422, "validation_failed", "last-event-id"))


PREFERENCES = (
    *("", ",", ";", "=", "wait", "wait=", "wait=x", "wait=-1", "wait=1.5", "wait=1e3"),
    *("wait=0x1", 'wait="', '"' * 900, "wait = \u0661", "w" * 5000),
    *("wait=" + "9" * 400, "respond-async", "handling=strict", "wait=\t", "\\" * 900),
)


def test_a_preference_that_is_none_is_as_if_nothing_were_said(target):
    path = f"/v1/jobs/{target.has.queued_id}"
    answers = [
        target.ask("GET", path, headers=[target.key(), ("Prefer", each)])
        for each in PREFERENCES
    ]
    assert [each.status for each in answers] == [200] * len(PREFERENCES)
    assert not any("preference-applied" in each.headers for each in answers)


REQUEST_IDS = (
    *("", "short", "x" * 65, "with a blank", 'quo"te-1234', "<b>12345678</b>", "${jndi:ldap}"),
    *("a\tb-12345678", "é" * 10, "../../etc/passwd", "%0d%0aX-Evil:1", "x" * 20_000, "{" * 20),
)


def test_a_request_id_of_another_form_is_not_repeated_anywhere(target):
    for text in REQUEST_IDS:
        answer = target.ask("GET", "/v1/nowhere", headers=[(REQUEST_ID, text)])
        given = answer.headers[REQUEST_ID.lower()]
        assert given == answer.json()["request_id"] != text
        assert [name.lower() for name, _ in answer.names].count(REQUEST_ID.lower()) == 1


NOT_OBEYED = (
    ("X-HTTP-Method-Override", "DELETE"),
    ("X-Method-Override", "DELETE"),
    ("X-Original-URL", "/metrics"),
    ("X-Rewrite-URL", "/metrics"),
    ("X-Forwarded-Host", "evil.test"),
    ("X-Forwarded-Proto", "gopher"),
    ("X-Forwarded-For", "127.0.0.1"),
    ("Forwarded", "for=127.0.0.1;host=evil.test"),
    ("X-Tenant", "other"),
    ("Accept", "text/html;q=" + "9" * 400),
    ("Accept", "\\"),
    ("Accept-Encoding", "x" * 4000),
    ("Accept-Language", "../../x"),
    ("Range", "bytes=-1"),
    ("If-None-Match", "*"),
    ("If-Modified-Since", "yesterday"),
    ("Cookie", "=" * 4000),
    ("Connection", "X-Request-ID"),
    ("Upgrade", "h2c"),
    ("Referer", "\u202e"),
    ("User-Agent", "() { :;}; echo vulnerable"),
)


def test_headers_of_no_meaning_change_no_answer(target):
    path = f"/v1/jobs/{target.has.done_id}"
    plain = target.ask("GET", path).json()
    for name, value in NOT_OBEYED:
        answer = target.ask("GET", path, headers=[target.key(), (name, value)])
        assert (answer.status, answer.json()) == (200, plain), (name, value)
    assert target.ask("GET", path).status == 200


def test_ninety_headers_are_read_and_too_many_are_refused_without_harm(target):
    some = [(f"X-Odd-{n}", "x" * 20) for n in range(200)]
    assert target.ask("GET", "/v1/kinds", headers=[target.key(), *some[:90]]).status == 200
    assert target.ask("GET", "/v1/kinds", headers=[target.key(), *some]).status == 431
    many = [(f"X-Odd-{n}", "x" * 20) for n in range(20_000)]
    lines = "".join(f"{name}: {value}\r\n" for name, value in many)
    data = f"GET /v1/kinds HTTP/1.1\r\nHost: gateway\r\n{lines}\r\n".encode()
    assert set(target.http.statuses_of(data)) <= {400, 401, 431}
    assert target.ask("GET", "/healthz").status == 200


def test_no_answer_tells_what_serves_it_or_lets_itself_be_framed_as_something_else(target):
    for place in walked(target):
        address = place.filled(of_default(target.has, place))
        answer = target.ask(place.method, address, headers=[JSON])
        assert not {"server", "x-powered-by", "set-cookie"} & answer.headers.keys()
        assert place.template in OPEN or answer.status == 401
