"""I12: too much is refused (429, 413, 503 with Retry-After) before it is accepted, and one
tenant's backlog does not hold up another's job."""

import asyncio
from collections import Counter
from typing import Any

import httpx
import pytest

from gateway.settings.groups import Limits
from tests.support.audit import rows_in_tables, rows_of
from tests.support.house import DATABASE, House, HttpWorker, a_house, an_order
from tests.support.wrong_ports import Boundless, with_jobs

GPU_SLOTS = 4  # two workers, and one more job at hand for each


def must_be_told_when(answer: httpx.Response, status: int, code: str) -> None:
    assert (answer.status_code, answer.json()["code"]) == (status, code), answer.text
    assert int(answer.headers["retry-after"]) >= 1


async def flooded(house: House, jobs: int) -> list[httpx.Response]:
    """Submit many at once to both gateways, and let both dispatch at once."""
    answers = await asyncio.gather(
        *(house.http[n % 2].post("/v1/jobs", json=an_order()) for n in range(jobs))
    )
    await asyncio.gather(*(door.gateway.perform() for door in house.doors))
    return answers


def within(house: House, answers: list[httpx.Response], jobs: int) -> None:
    """Raise `AssertionError` where more was taken, or more asked for, than there is room."""
    statuses = Counter(each.status_code for each in answers)
    assert statuses[202] <= jobs, f"{statuses[202]} jobs were taken"
    assert len(house.compute.submitted) <= GPU_SLOTS, "more workers than slots"


async def test_i12_open_jobs_are_bounded_also_in_a_race(tmp_path):
    async with a_house(tmp_path, limits=Limits(open_jobs_per_tenant=6)) as house:
        answers = await flooded(house, 20)
        within(house, answers, 6)
        refused = [each for each in answers if each.status_code != 202]
        assert len(refused) == 14
        for each in refused:
            must_be_told_when(each, 429, "too_many_open_jobs")
        assert rows_of(house.reader, "SELECT count(*) FROM jobs") == [(6,)]
        house.add_up()


async def test_i12_workers_are_asked_for_up_to_the_slots_and_the_rest_waits_here(house):
    answers = await flooded(house, 12)
    within(house, answers, 12)
    waiting = [(await house.job(each.json()["id"]))["waiting_for"] for each in answers]
    assert len(house.compute.submitted) == GPU_SLOTS
    assert Counter(waiting) == {"worker": GPU_SLOTS, "slot": 12 - GPU_SLOTS}


async def test_i12_d147_a_backlog_of_one_tenant_does_not_hold_up_anothers_job(house):
    await flooded(house, 40)
    other = await house.client(house.doors[1], "other")
    theirs = (await other.post("/v1/jobs", json=an_order())).json()["id"]
    finished = 0
    while all(each.input["job_id"] != theirs for each in house.compute.submitted.values()):
        [(runpod_id, request)] = list(house.compute.submitted.items())[finished : finished + 1]
        worker = HttpWorker(house, runpod_id, request)
        await worker.claim()
        await worker.finish()
        await house.doors[finished % 2].gateway.perform()
        finished += 1
    assert finished == 1
    house.add_up()


async def test_i12_a_body_over_its_limit_is_413_and_leaves_nothing(house):
    before = rows_in_tables(house.folder / DATABASE)
    answers = [
        await house.http[0].post("/v1/jobs", json=an_order(labels={"a": "x" * 2**20})),
        await house.http[0].post("/v1/jobs", content=chunks(), headers=AS_JSON),
    ]
    assert {(each.status_code, each.json()["code"]) for each in answers} == {
        (413, "payload_too_large")
    }
    assert rows_in_tables(house.folder / DATABASE) == before


AS_JSON = {"Content-Type": "application/json"}


async def chunks() -> Any:
    """A body without an announced length, and without an end."""
    while True:
        yield b" " * 65536


async def test_i12_a_line_for_the_database_that_is_too_long_is_503(house):
    before = rows_in_tables(house.folder / DATABASE)
    house.doors[0].engine._writer._waiting_limit = 0
    refused = await house.http[0].post("/v1/jobs", json=an_order())
    taken = await house.http[1].post("/v1/jobs", json=an_order())
    must_be_told_when(refused, 503, "unavailable")
    assert taken.status_code == 202
    assert rows_in_tables(house.folder / DATABASE)["jobs"] == before["jobs"] + 1


async def test_i12_reads_at_once_are_bounded(house):
    job_id = await house.submit()
    house.doors[0].engine._readers._reading_limit = 0
    refused = await house.http[0].get(f"/v1/jobs/{job_id}")
    must_be_told_when(refused, 503, "unavailable")
    assert (await house.http[1].get(f"/v1/jobs/{job_id}")).status_code == 200


async def test_i12_who_may_wait_for_a_job_is_bounded(tmp_path):
    async with a_house(tmp_path, limits=Limits(watchers_per_job=2)) as house:
        job_id = await house.submit()
        path = f"/v1/jobs/{job_id}/events?after=0&wait_s=20"
        waiting = [asyncio.create_task(house.http[0].get(path)) for _ in range(2)]
        seats = house.doors[0].cases.seats
        while seats.watching(job_id) < 2:  # noqa: ASYNC110 - nobody tells of a seat
            await asyncio.sleep(0)
        refused = await house.http[0].get(path)
        at_once = await house.http[0].get(f"/v1/jobs/{job_id}/events")
        await house.http[0].post(f"/v1/jobs/{job_id}/cancel")
        heard = await asyncio.gather(*waiting)
        must_be_told_when(refused, 429, refused.json()["code"])
        assert at_once.status_code == 200
        assert {each.json()["events"][0]["type"] for each in heard} == {"cancelled"}


async def test_i12_requests_of_one_tenant_are_bounded_and_anothers_go_on(tmp_path):
    limits = Limits(requests_per_s=0.01, requests_burst=5)
    async with a_house(tmp_path, gateways=1, limits=limits) as house:
        answers = [await house.http[0].get("/v1/jobs") for _ in range(7)]
        other = await house.client(house.doors[0], "other")
        assert [each.status_code for each in answers] == [200] * 5 + [429] * 2
        must_be_told_when(answers[-1], 429, "rate_limited")
        assert (await other.get("/v1/jobs")).status_code == 200


async def test_i12_what_one_tenant_stores_is_bounded_before_it_is_put(tmp_path):
    async with a_house(tmp_path, limits=Limits(stored_bytes_per_tenant=10)) as house:
        asked = {"filename": "a.mp4", "content_type": "video/mp4", "size_bytes": 6}
        answers = await asyncio.gather(
            *(house.http[n % 2].post("/v1/uploads", json=asked) for n in range(6))
        )
        refused = [each for each in answers if each.status_code != 201]
        assert Counter(each.status_code for each in answers) == {201: 1, 429: 5}
        assert {each.json()["code"] for each in refused} == {"quota_exceeded"}
        house.add_up()


async def test_i12_a_store_that_knows_no_bounds_is_found_out(tmp_path):
    limits = Limits(open_jobs_per_tenant=6)
    async with a_house(tmp_path, broken=with_jobs(Boundless), limits=limits) as house:
        answers = await flooded(house, 20)
        with pytest.raises(AssertionError, match="jobs were taken"):
            within(house, answers, 6)
        with pytest.raises(AssertionError, match="more workers than slots"):
            within(house, answers, 20)
