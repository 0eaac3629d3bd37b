"""Credentials that are none, or of somebody or something else, on every route there is."""

import json
from pathlib import Path

import pytest

from gateway.core.api_keys import SCOPES, id_of
from gateway.core.tickets import Tickets
from tests.attack.refusals import told
from tests.attack.tables import bodies_s4, bodies_v1, bodies_work
from tests.attack.walk import OPEN, Place, of_default, walked
from tests.support.contract import operations_of

ROUTES = {
    (each.method, each.path): each
    for each in (*bodies_v1.ROUTES, *bodies_s4.ROUTES, *bodies_work.ROUTES)
}
STRANGER = (401, "unauthenticated", "")
SCOPE_OF = {
    (method, path): operation["security"][0]["bearer"][0]
    for method, path, operation in operations_of(
        json.loads(Path("docs/openapi.json").read_text())
    )
    if any("bearer" in way for way in operation["security"])
}


def protected(target):
    return [place for place in walked(target) if place.template not in OPEN]


def of_tenants(target):
    """Return the addresses that a key opens; workers have tokens."""
    return [each for each in protected(target) if not each.template.startswith("/v1/work/")]


def good_body(target, place):
    """Return a body that is no reason to refuse the request, if the address reads one."""
    for route in ROUTES.values():
        if route.method == place.method and _is_at(place.template, route.path):
            return route.body(target.has)
    return None


def _is_at(template, path):
    pairs = zip(template.split("/"), path.split("/"), strict=False)
    same_length = template.count("/") == path.count("/")
    return same_length and all(one == other or one.startswith("{") for one, other in pairs)


def asked(target, place: Place, headers, query="", ids=None):
    address = place.filled(ids or of_default(target.has, place))
    body = good_body(target, place)
    return target.ask(place.method, address + query, body, headers=headers)


@pytest.fixture(scope="module")
def credentials(target):
    """Headers, and a query, of callers who may do nothing."""
    world, has = target.world, target.has
    key = target.key()[1].removeprefix("Bearer ")
    other = "b" if key[-1] == "a" else "a"
    revoked = target.key("default", *SCOPES[:3])[1].removeprefix("Bearer ")
    target.run(target.world.gateway.app.state.api_keys.revoke, id_of(revoked))
    del target.keys[("default", *SCOPES[:3])]
    elsewhere = Tickets(b"another gateway's secret", "tj_").issue(
        "default", has.queued_id, world.clock.now().replace(year=2030)
    )
    work = has.worker.order.token
    bearers = {
        "a wrong key": "ck_aaaaaaaa_" + "a" * 52,
        "a key with another end": key[:-1] + other,
        "half a key": key[: len(key) // 2],
        "a key and more": f"{key}a",
        "a key in capitals": key.upper(),
        "a revoked key": revoked,
        "an attempt's token": work,
        "a submission's token": has.submission_token,
        "a ticket of another secret": elsewhere,
        "no ticket of a job": "tj_",
        "no ticket of an upload": "tu_default.9999999999." + "a" * 52,
        "nothing": "",
        "a blank": " ",
        "a NUL's name": "%00",
        "no ASCII": "é😀",
        "long": "x" * 20_000,
        "SQL": "' OR '1'='1",
    }
    ways = {name: ([("Authorization", f"Bearer {text}")], "") for name, text in bearers.items()}
    keys = {f"{name}, as a key": ([("X-API-Key", text)], "") for name, text in bearers.items()}
    return {
        **ways,
        **keys,
        "no header": ([], ""),
        "Basic": ([("Authorization", "Basic ZGVmYXVsdDpkZWZhdWx0")], ""),
        "no scheme": ([("Authorization", key)], ""),
        "another scheme": ([("Authorization", f"Token {key}")], ""),
        "a bad key before a good one": (
            [("Authorization", "Bearer x"), ("Authorization", f"Bearer {key}")],
            "",
        ),
        "a bad key beside a good one": (
            [("Authorization", "Bearer x"), ("X-API-Key", key)],
            "",
        ),
        "a cookie": ([("Cookie", f"api_key={key}; token={key}")], ""),
        "a key in the query": ([], f"?api_key={key}&key={key}&token={key}&ticket={key}"),
        "bytes": ([("Authorization", b"Bearer \xff\xfe")], ""),
    }


def test_who_has_no_credential_is_told_the_same_everywhere(target, credentials):
    before = target.written()
    for place in protected(target):
        found = {
            label: told(asked(target, place, headers, query))
            for label, (headers, query) in credentials.items()
            if not (place.template.startswith("/v1/work/") and "token" in label)
        }
        assert found == dict.fromkeys(found, STRANGER), str(place)
    assert target.written() == before


def test_a_stranger_is_told_what_is_wanted_and_nothing_else(target):
    for place in protected(target):
        answer = asked(target, place, [])
        assert answer.headers["www-authenticate"] == "Bearer"
        assert answer.json()["detail"] in {
            "A valid API key is needed.",
            "A Bearer token is needed.",
        }


def test_a_key_without_the_scope_writes_nothing(target):
    keys = {scope: target.key("default", scope) for scope in SCOPES}
    before = target.written()
    for place in of_tenants(target):
        poor = set(SCOPES) - {SCOPE_OF[place.method.lower(), place.template]}
        found = {scope: told(asked(target, place, [keys[scope]])) for scope in poor}
        assert found == dict.fromkeys(poor, (403, "forbidden", "")), str(place)
    assert target.written() == before


def said(answer):
    """Return an answer without what is one request's own."""
    body = answer.json()
    body.pop("request_id")
    return answer.status, body, sorted({name.lower() for name, _ in answer.names})


def test_d111_what_is_another_tenants_is_answered_like_what_is_not_there(target):
    theirs = [target.key("stranger")]
    with_id = [place for place in of_tenants(target) if place.ids]
    before = target.written()
    for place in with_id:
        given = of_default(target.has, place)
        owned = asked(target, place, theirs)
        unknown = asked(
            target, place, theirs, ids=lambda name, given=given: _nobodys(name, given)
        )
        assert said(owned) == said(unknown), str(place)
        assert owned.status == 404, str(place)
    assert target.written() == before
    assert len(with_id) >= 15


def _nobodys(name, given):
    return given(name) if name in {"project_id", "clip_index"} else "nobody"


REFERENCES = {
    "an asset": ("POST", "/v1/jobs", "asset_id", "nobody"),
    "an output": ("POST", "/v1/jobs", "done_id", "nobody"),
    "an input of S4-5": ("POST", "/api/jobs", "video_key", "input/nobody/video.mp4"),
    "an input of S4-10": ("PUT", "/api/export/projects/7", "video_key", "input/nobody/v.mp4"),
    "an input of S4-11": (
        "PUT",
        "/api/export/projects/7/clips/0",
        "video_key",
        "input/nobody/video.mp4",
    ),
    "an id of S4-8": ("POST", "/api/videos/upload-url", "export_id", "nobody"),
}
BODIES = {
    "an asset": {
        "kind": "export.overlay",
        "input": {"source": {"asset_id": "HERE"}},
        "labels": {},
    },
    "an output": {
        "kind": "export.overlay",
        "input": {"source": {"job_id": "HERE", "output": "video"}},
    },
    "an input of S4-5": {
        "project_id": 1,
        "type": "overlay",
        "input_video_key": "HERE",
        "params": {},
    },
    "an input of S4-10": {"working_video_key": "HERE"},
    "an input of S4-11": {"source_video_key": "HERE"},
    "an id of S4-8": {"filename": "a.mp4", "job_id": "HERE"},
}


@pytest.mark.parametrize("reference", REFERENCES)
def test_what_is_another_tenants_cannot_be_referred_to(target, reference):
    method, path, owned, unknown = REFERENCES[reference]
    before = target.written()
    theirs = target.key("stranger")
    answers = [
        target.ask(
            method,
            path,
            json.dumps(BODIES[reference]).replace("HERE", text).encode(),
            headers=[theirs],
        )
        for text in (getattr(target.has, owned), unknown)
    ]
    assert said(answers[0]) == said(answers[1])
    assert answers[0].status == 404
    assert target.written() == before


def test_a_ticket_opens_what_it_was_given_for_and_nothing_else(target):
    has, before = target.has, target.written()
    # What writes under an upload's ticket is for its owner, and is not tried here.
    places = [
        each
        for each in of_tenants(target)
        if each.method == "GET" or not each.ids & {"upload_id"}
    ]
    job = target.ask("POST", f"/v1/jobs/{has.queued_id}/ticket").json()["ticket"]
    upload = target.ask("GET", f"/v1/uploads/{has.upload_id}").json()["ticket"]
    found = {
        label: {
            place.template
            for place in places
            if asked(target, place, [("Authorization", f"Bearer {ticket}")]).status != 401
        }
        for label, ticket in (("job", job), ("upload", upload))
    }
    assert found == {
        "job": {"/v1/jobs/{job_id}", "/v1/jobs/{job_id}/events"},
        "upload": {"/v1/uploads/{upload_id}"},
    }
    assert target.written() == before


TICKETS = {
    "another job's": lambda tickets, has, now: tickets.issue("default", has.done_id, now),
    "another tenant's": lambda tickets, has, now: tickets.issue("other", has.queued_id, now),
    "an upload's": lambda tickets, has, now: Tickets(tickets.secret, "tu_").issue(
        "default", has.queued_id, now
    ),
    "expired": lambda tickets, has, now: tickets.issue(
        "default", has.queued_id, now.replace(year=2020)
    ),
    "of another time": lambda tickets, has, now: tickets.issue(
        "default", has.queued_id, now.replace(year=2020)
    ).replace("default.", "default.9"),
    "of another tenant's name": lambda tickets, has, now: tickets.issue(
        "default", has.queued_id, now
    ).replace("default", "other"),
    "cut": lambda tickets, has, now: tickets.issue("default", has.queued_id, now)[:-1],
    "doubled": lambda tickets, has, now: tickets.issue("default", has.queued_id, now) * 2,
    "in capitals": lambda tickets, has, now: tickets.issue(
        "default", has.queued_id, now
    ).upper(),
}


@pytest.mark.parametrize("sort", TICKETS)
def test_a_ticket_that_is_not_good_opens_nothing_in_any_place(target, sort):
    tickets = target.world.gateway.app.state.job_tickets.tickets
    now = target.world.clock.now().replace(year=2030)
    ticket = TICKETS[sort](tickets, target.has, now)
    path = f"/v1/jobs/{target.has.queued_id}"
    answers = {
        told(target.ask("GET", f"{path}{tail}{query}", headers=headers))
        for tail in ("", "/events")
        for query, headers in (
            (f"?ticket={ticket}", []),
            ("", [("Authorization", f"Bearer {ticket}")]),
            ("", [("X-API-Key", ticket)]),
        )
    }
    assert answers <= {STRANGER, (404, "not_found", "")}
    assert (STRANGER in answers) != (sort == "another tenant's")
