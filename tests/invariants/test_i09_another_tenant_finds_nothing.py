"""I9: another tenant's ids, keys, URLs and events are 404, and show up in no answer.

That every route with an id says 404 is held in `tests/attack`; here every answer that a
stranger can get, listings too, is searched for whatever is the owner's.
"""

import json
from collections.abc import Iterable, Mapping
from dataclasses import fields
from typing import Any

import pytest
from websockets.asyncio.client import connect

from tests.attack.walk import BODIES, of_default, walked
from tests.support.audit import rows_of
from tests.support.house import House, a_house, an_order
from tests.support.live import rest_of
from tests.support.serving import serving
from tests.support.target import Target, a_target
from tests.support.watchers import as_socket
from tests.support.wrong_ports import Indiscreet, with_jobs

# What every tenant sees alike: the service's own page of figures, for who may read it.
OF_THE_SERVICE = {"/metrics", "/healthz", "/readyz"}


def must_hold_nothing(answers: Mapping[str, bytes], theirs: Iterable[str]) -> None:
    """Raise `AssertionError` where an answer holds a text that is somebody else's."""
    found = {
        (name, each)
        for name, body in answers.items()
        for each in theirs
        if each.encode() in body
    }
    assert not found, f"shown to a stranger: {sorted(found)}"


@pytest.fixture(scope="module")
def target(tmp_path_factory):
    """A gateway with one of everything, all of it of the tenant `default`."""
    with a_target(tmp_path_factory.mktemp("target")) as target:
        yield target


def standing_texts(target: Target) -> set[str]:
    """Return all ids of the tenant that no stranger can have chosen, and its keys."""
    named = {each.name: getattr(target.has, each.name) for each in fields(target.has)}
    return whole({text for text in named.values() if isinstance(text, str) and len(text) > 2})


def whole(texts: Iterable[str]) -> set[str]:
    """As a value or as a part of an address: ids are as short as `id7` here."""
    return {f'"{text}"' for text in texts} | {f"/{text}" for text in texts}


def test_i09_no_answer_to_a_stranger_holds_anything_of_the_owners(target):
    stranger = target.key("stranger")
    target.ask("GET", "/v1/jobs", headers=[stranger])  # that its key was used is noted
    before = target.written()
    answers, statuses = {}, {}
    for place in walked(target):
        if place.template in OF_THE_SERVICE or place.template.startswith("/v1/work/"):
            continue
        if place.method != "GET" and not place.ids:
            continue  # it makes something of the stranger's own
        address = place.filled(of_default(target.has, place))
        body = BODIES.get(place.template)
        answer = target.ask(place.method, address, body, headers=[stranger])
        answers[str(place)] = answer.body
        statuses.update({str(place): answer.status} if place.ids else {})
    must_hold_nothing(answers, standing_texts(target))
    assert statuses == dict.fromkeys(statuses, 404)
    assert len(statuses) >= 20
    assert target.written() == before


def test_i09_the_owner_is_shown_what_the_stranger_is_not(target):
    """The same walk by the owner finds plenty: the texts searched for are the right ones."""
    answers = {
        str(place): target.ask("GET", place.filled(of_default(target.has, place))).body
        for place in walked(target)
        if place.method == "GET" and place.template not in OF_THE_SERVICE
        if not place.template.endswith("/live")
    }
    with pytest.raises(AssertionError, match="shown to a stranger"):
        must_hold_nothing(answers, standing_texts(target))


async def settled(house: House) -> dict[str, str]:
    """Let the tenant have a running and a done job, labelled; return its secrets by name."""
    label = {"labels": {"who": "private-label"}}
    done = await house.dispatched(**label)
    await done.claim()
    await done.finish()
    running = await house.dispatched(**label)
    await running.claim()
    [output] = (await house.job(done.job_id))["outputs"]
    return {
        "done": done.job_id,
        "running": running.job_id,
        "label": "private-label",
        "key": output["key"],
        "url": output["url"],
    }


async def asked_by_a_stranger(house: House, has: dict[str, str]) -> dict[str, Any]:
    """Ask for a tenant's jobs in every way there is, and refer to them; return all answers."""
    http = await house.client(house.doors[1], "other")
    gets = [f"/v1/jobs/{has[name]}{tail}" for name in ("done", "running") for tail in _TAILS]
    posts = [f"/v1/jobs/{has['running']}/{what}" for what in ("cancel", "retry", "ticket")]
    source = {"job_id": has["done"], "output": "video"}
    answers = {
        **{f"GET {path}": await http.get(path) for path in gets},
        **{f"POST {path}": await http.post(path) for path in posts},
        "DELETE": await http.delete(f"/v1/jobs/{has['done']}"),
        "POST a reference": await http.post(
            "/v1/jobs", json=an_order(input={"n": 1, "source": source})
        ),
    }
    statuses = {name: answer.status_code for name, answer in answers.items()}
    assert statuses == dict.fromkeys(answers, 404), "a stranger was let in"
    lists = ("/v1/jobs", "/v1/jobs?label.who=private-label", "/v1/usage")
    return {**answers, **{path: await http.get(path) for path in lists}}


_TAILS = ("", "/events", "/events?after=0&wait_s=5")


async def test_i09_a_tenants_jobs_are_404_in_every_way_and_in_no_list(house):
    has = await settled(house)
    before = house.row(has["running"])
    answers = await asked_by_a_stranger(house, has)
    must_hold_nothing(
        {name: each.content for name, each in answers.items()}, whole(has.values())
    )
    assert answers["/v1/jobs"].json()["items"] == []
    assert json.loads(answers["/v1/usage"].content)["rows"] == []
    assert house.row(has["running"]) == before
    assert rows_of(house.reader, "SELECT count(*) FROM jobs") == [(2,)]


async def test_i09_a_strangers_stream_is_404_and_its_socket_closes_without_a_word(house):
    has = await settled(house)
    stranger = house.keys["other"]
    async with serving(house.doors[0].gateway.app, lifespan="off") as url:
        live = f"{as_socket(url)}/v1/jobs/{has['running']}/live"
        async with connect(live, additional_headers=stranger, proxy=None) as socket:
            heard = await rest_of(socket)
    http = await house.client(house.doors[0], "other")
    sse = await http.get(
        f"/v1/jobs/{has['running']}/events", headers={"Accept": "text/event-stream"}
    )
    assert heard == ([], 4404)
    assert sse.status_code == 404


async def test_i09_a_url_of_ones_own_opens_nothing_of_anothers(house):
    has = await settled(house)
    http = await house.client(house.doors[1], "other")
    asked = {"filename": "a.mp4", "content_type": "video/mp4", "size_bytes": 5}
    mine = (await http.post("/v1/uploads", json=asked)).json()
    theirs = mine["url"].replace(mine["key"], has["key"])
    put = await house.objects.put(theirs, b"mine!", mine["headers"])
    got = await house.objects.get(theirs)
    assert (put.status_code, got.status_code) == (403, 403)
    assert (await house.objects.get(has["url"])).status_code == 200


ODD_IDS = ("..%2fx", "%2e%2e", "x%3Fy", "nobody", "r1", "*")


async def test_i09_d23_no_id_of_anothers_and_no_odd_one_reaches_runpod(house):
    has = await settled(house)
    calls = [len(house.compute.status_calls), len(house.compute.cancel_calls)]
    http = await house.client(house.doors[1], "other")
    ids = [has["running"], *house.compute.submitted, *ODD_IDS]
    answers = [
        await http.request(method, f"/v1/jobs/{each}{tail}")
        for each in ids
        for method, tail in (("GET", ""), ("POST", "/cancel"), ("DELETE", ""))
    ]
    await house.doors[1].gateway.perform()
    assert {answer.status_code for answer in answers} == {404}
    assert [len(house.compute.status_calls), len(house.compute.cancel_calls)] == calls


async def test_i09_d45_a_tenant_is_who_its_key_says_and_nothing_else(house):
    http = await house.client(house.doors[0], "other")
    named = ("tenant", "user_id", "tenant_id")
    refused = [
        await http.post("/v1/jobs", json=an_order(**{name: "default"})) for name in named
    ]
    sent = {"X-Tenant": "default", "X-User-Id": "default"}
    taken = await http.post("/v1/jobs?tenant=default", json=an_order(), headers=sent)
    owners = rows_of(house.reader, "SELECT DISTINCT tenant FROM jobs")
    assert [each.json()["errors"][0]["field"] for each in refused] == list(named)
    assert (taken.status_code, owners) == (202, [("other",)])


async def test_i09_a_store_that_finds_a_job_whoever_asks_is_found_out(tmp_path):
    async with a_house(tmp_path, broken=with_jobs(Indiscreet)) as house:
        has = await settled(house)
        with pytest.raises(AssertionError, match="a stranger was let in"):
            await asked_by_a_stranger(house, has)
