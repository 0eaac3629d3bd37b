"""`GET /v1/jobs` over HTTP, on both stores; nothing beats beside."""

import pytest

from tests.support.jobs import STORES
from tests.support.world import a_world, calling

JOB = {"kind": "test.copy", "input": {"n": 1}}


@pytest.fixture(params=STORES.values(), ids=STORES.keys())
async def world(request, tmp_path):
    async with a_world(request.param, tmp_path) as world:
        yield world


@pytest.fixture
async def http(world):
    async with calling(world, await world.a_key()) as client:
        yield client


async def submitted(world, http, **fields):
    """Submit a job, a second after the one before."""
    world.clock.move(1)
    answer = await http.post("/v1/jobs", json={**JOB, **fields})
    assert answer.status_code == 202
    return answer.json()["id"]


async def listed(http, **params):
    answer = await http.get("/v1/jobs", params=params)
    assert answer.status_code == 200
    return answer.json()


async def ids(http, **params):
    return [job["id"] for job in (await listed(http, **params))["items"]]


async def test_nothing_is_an_empty_page(http):
    assert await listed(http) == {"items": [], "next_cursor": None}


async def test_items_are_the_jobs_that_each_get_shows(world, http):
    done_id, worker = await world.dispatched(labels={"clip": "7"})
    await worker.claim()
    await worker.finish()
    await world.gateway.perform()
    waiting = [await submitted(world, http) for _ in range(2)]
    items = (await listed(http))["items"]
    alone = [(await http.get(f"/v1/jobs/{job['id']}")).json() for job in items]
    assert [job["id"] for job in items] == [*reversed(waiting), done_id]
    assert items == alone
    assert items[-1]["outputs"][0]["url"] == alone[-1]["outputs"][0]["url"] != ""
    assert items[-1]["cost"]["actual_usd"] is not None


async def test_pages_follow_each_other_to_the_end(world, http):
    made = [await submitted(world, http) for _ in range(5)]
    first = await listed(http, limit=2)
    second = await listed(http, limit=2, cursor=first["next_cursor"])
    newer = await submitted(world, http)
    third = await listed(http, limit=2, cursor=second["next_cursor"])
    found = [job["id"] for page in (first, second, third) for job in page["items"]]
    assert found == made[::-1]
    assert third["next_cursor"] is None
    assert (await ids(http, limit=1)) == [newer]


async def test_twenty_are_a_page_where_no_limit_is_given(world, http):
    for _ in range(21):
        await world.submit()
    assert len(await ids(http)) == 20
    assert len(await ids(http, limit=100)) == 21


async def test_filters_narrow_and_hold_together(world, http):
    seven = await submitted(world, http, labels={"clip": "7", "project": "1"})
    eight = await submitted(world, http, labels={"clip": "8", "project": "1"})
    await http.post(f"/v1/jobs/{eight}/cancel")
    assert await ids(http, **{"label.clip": "7"}) == [seven]
    assert await ids(http, **{"label.project": "1"}) == [eight, seven]
    assert await ids(http, **{"label.project": "1", "label.clip": "8"}) == [eight]
    assert await ids(http, **{"label.project": "1", "status": "queued"}) == [seven]
    assert await ids(http, status="cancelled", kind="test.copy") == [eight]
    assert await ids(http, kind="no.such") == []
    assert await ids(http, parent_id="nobody") == []


async def test_another_tenant_sees_none_of_them_and_cannot_use_the_cursor(world, http):
    for _ in range(2):
        await submitted(world, http, labels={"a": "b"})
    cursor = (await listed(http, limit=1))["next_cursor"]
    other = await world.a_key("other")
    for query in ("", "?status=queued", "?label.a=b", "?kind=test.copy"):
        theirs = await http.get(f"/v1/jobs{query}", headers=other)
        assert theirs.json() == {"items": [], "next_cursor": None}
    stolen = await http.get("/v1/jobs", params={"cursor": cursor}, headers=other)
    assert (stolen.status_code, stolen.json()["code"]) == (422, "bad_cursor")


@pytest.mark.parametrize(
    "cursor", ["", "x", "%00", "é", "x" * 5000, "e30", "../../x", "bnVsbA=="]
)
async def test_what_is_no_cursor_of_this_list_is_422_bad_cursor(http, cursor):
    answer = await http.get("/v1/jobs", params={"cursor": cursor})
    problem = answer.json()
    assert (answer.status_code, problem["code"]) == (422, "bad_cursor")
    assert [error["field"] for error in problem["errors"]] == ["cursor"]


async def test_a_cursor_under_another_filter_is_422_bad_cursor(world, http):
    for _ in range(2):
        await submitted(world, http)
    cursor = (await listed(http, limit=1))["next_cursor"]
    answer = await http.get("/v1/jobs", params={"cursor": cursor, "status": "queued"})
    assert (answer.status_code, answer.json()["code"]) == (422, "bad_cursor")


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ("status=done", "status"),
        ("status=", "status"),
        ("status=queued&status=failed", "status"),
        ("kind=", "kind"),
        ("parent_id=", "parent_id"),
        ("limit=0", "limit"),
        ("limit=101", "limit"),
        ("limit=x", "limit"),
        ("limit=2&limit=3", "limit"),
        ("colour=red", "colour"),
        ("Status=queued", "Status"),
        ("label=clip", "label"),
        ("label.=7", "label."),
        ("label.clip=", "label.clip"),
        (f"label.{'x' * 65}=7", f"label.{'x' * 65}"),
        ("label.clip=7&label.clip=8", "label.clip"),
    ],
)
async def test_a_query_that_is_not_understood_is_422_and_named(http, query, field):
    answer = await http.get(f"/v1/jobs?{query}")
    problem = answer.json()
    assert (answer.status_code, problem["code"]) == (422, "validation_failed")
    assert [error["field"] for error in problem["errors"]] == [field]


async def test_sixteen_labels_may_be_asked_for_and_not_one_more(world, http):
    labels = {f"n{n:02}": "v" for n in range(16)}
    job_id = await submitted(world, http, labels=labels)
    query = {f"label.{name}": value for name, value in labels.items()}
    answer = await http.get("/v1/jobs", params={**query, "label.n16": "v"})
    many = await http.get("/v1/jobs", params={f"label.n{n}": "v" for n in range(2000)})
    assert await ids(http, **query) == [job_id]
    assert [error["field"] for error in answer.json()["errors"]] == ["label.n16"]
    assert (answer.status_code, many.status_code) == (422, 422)


async def test_a_list_needs_the_scope_read(world, http):
    poor = await world.a_key("default", "jobs")
    assert (await http.get("/v1/jobs", headers=poor)).status_code == 403


async def test_a_requeued_job_waits_for_its_time_and_has_no_position(world, http):
    job_id, worker = await world.dispatched()
    await worker.claim()
    await worker.fail("temporary")
    [job] = (await listed(http))["items"]
    assert (job["id"], job["status"], job["waiting_for"]) == (job_id, "queued", "retry_at")
    assert "position" not in job


async def test_positions_are_counted_among_all_who_wait(world, http):
    made = [await submitted(world, http) for _ in range(2)]
    await world.submit(tenant="other")
    world.clock.move(1)
    last = await submitted(world, http)
    items = (await listed(http))["items"]
    assert {job["id"]: job["position"] for job in items} == {made[0]: 0, made[1]: 1, last: 3}
