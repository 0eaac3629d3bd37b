"""I5: same idempotency key and body → the same job, also when raced; another body → 409."""

import asyncio
from collections import Counter
from typing import Any

import pytest

from tests.support.audit import rows_of
from tests.support.house import House, a_house, an_order
from tests.support.wrong_ports import Forgetful, InTheWay, with_jobs

RACERS = 20


async def raced(house: House, path: str, key: str, body: Any) -> None:
    """Ask the same of both gateways many times at once; one job must come of it."""
    named = {"Idempotency-Key": key}
    answers = await asyncio.gather(
        *(house.http[n % 2].post(path, json=body, headers=named) for n in range(RACERS))
    )
    assert {each.json()["id"] for each in answers} == {answers[0].json()["id"]}, "several jobs"
    statuses = Counter(each.status_code for each in answers)
    assert statuses == {202: 1, 200: RACERS - 1}
    house.add_up()


def jobs_in(house: House) -> int:
    [(count,)] = rows_of(house.reader, "SELECT count(*) FROM jobs")
    return int(count)


async def test_i05_d66_many_equal_requests_at_once_are_one_job(house):
    await raced(house, "/v1/jobs", "k", an_order())
    assert jobs_in(house) == 1


async def test_i05_many_equal_retries_at_once_are_one_job(house):
    worker = await house.dispatched()
    await worker.claim()
    await worker.fail("internal")
    await raced(house, f"/v1/jobs/{worker.job_id}/retry", "k", None)
    assert jobs_in(house) == 2


async def test_i05_a_body_is_the_same_however_it_is_spelt_and_wherever_it_is_asked(house):
    bodies = (
        {"kind": "test.copy", "input": {"n": 1}},
        {"input": {"source": None, "n": 1}, "kind": "test.copy", "labels": {}},
        {"kind": "test.copy", "input": {}, "deadline_s": 3600},
    )
    named = {"Idempotency-Key": "k"}
    answers = [
        await house.http[n % 2].post("/v1/jobs", json=body, headers=named)
        for n, body in enumerate(bodies)
    ]
    assert [each.status_code for each in answers] == [202, 200, 200]
    assert len({each.json()["id"] for each in answers}) == 1


OTHERS: dict[str, dict[str, Any]] = {
    "another input": {"input": {"n": 2}},
    "another label": {"labels": {"a": "b"}},
    "another deadline": {"deadline_s": 60},
}


@pytest.mark.parametrize("other", OTHERS)
async def test_i05_another_body_under_the_key_is_409_and_makes_nothing(house, other):
    named = {"Idempotency-Key": "k"}
    await house.http[0].post("/v1/jobs", json=an_order(), headers=named)
    answers = [
        await http.post("/v1/jobs", json=an_order(**OTHERS[other]), headers=named)
        for http in house.http
    ]
    told = {(each.status_code, each.json()["code"]) for each in answers}
    assert told == {(409, "idempotency_conflict")}
    assert jobs_in(house) == 1


async def test_i05_of_different_bodies_that_race_for_a_key_one_gets_it(house):
    answers = await asyncio.gather(
        *(
            house.http[n % 2].post(
                "/v1/jobs",
                json=an_order(input={"n": 1 + n % 2}),
                headers={"Idempotency-Key": "k"},
            )
            for n in range(RACERS)
        )
    )
    statuses = Counter(each.status_code for each in answers)
    assert statuses == {202: 1, 200: RACERS // 2 - 1, 409: RACERS // 2}
    assert jobs_in(house) == 1


async def test_i05_d67_a_key_finds_its_job_after_a_crash_and_after_its_end(house):
    named = {"Idempotency-Key": "k"}
    first = await house.http[0].post("/v1/jobs", json=an_order(), headers=named)
    await house.crash(0)
    again = await house.http[0].post("/v1/jobs", json=an_order(), headers=named)
    await house.http[1].post(f"/v1/jobs/{first.json()['id']}/cancel")
    ended = await house.http[0].post("/v1/jobs", json=an_order(), headers=named)
    assert [each.status_code for each in (first, again, ended)] == [202, 200, 200]
    assert ended.json()["id"] == again.json()["id"] == first.json()["id"]
    assert ended.json()["status"] == "cancelled"


async def test_i05_d66_another_tenant_has_a_job_of_its_own_under_the_same_key(house):
    other = await house.client(house.doors[1], "other")
    named = {"Idempotency-Key": "k"}
    mine = await house.http[0].post("/v1/jobs", json=an_order(), headers=named)
    theirs = await other.post("/v1/jobs", json=an_order(), headers=named)
    assert (mine.status_code, theirs.status_code) == (202, 202)
    assert mine.json()["id"] != theirs.json()["id"]


class Held(InTheWay):
    """RunPod that takes no job while it is held."""

    def __init__(self, port: Any) -> None:
        super().__init__(port)
        self.asked, self.let_go = asyncio.Event(), asyncio.Event()

    async def submit(self, request: Any) -> Any:
        self.asked.set()
        await self.let_go.wait()
        return await self._port.submit(request)


async def test_i05_d14_the_answer_comes_before_runpod_takes_it_and_a_repeat_asks_no_more(
    tmp_path,
):
    async with a_house(tmp_path, compute=Held) as house:
        held: Any = house.compute
        named = {"Idempotency-Key": "k"}
        first = await house.http[0].post("/v1/jobs", json=an_order(), headers=named)
        performing = asyncio.create_task(house.doors[0].gateway.perform())
        await held.asked.wait()
        again = await house.http[1].post("/v1/jobs", json=an_order(), headers=named)
        await house.doors[1].gateway.perform()
        assert (first.status_code, again.status_code) == (202, 200)
        assert again.json()["id"] == first.json()["id"]
        assert not performing.done()
        held.let_go.set()
        await performing
        assert len(held.submit_calls) == 1
        house.add_up()


async def test_i05_a_store_that_knows_no_key_is_found_out(tmp_path):
    async with a_house(tmp_path, broken=with_jobs(Forgetful)) as house:
        with pytest.raises(AssertionError, match="several jobs"):
            await raced(house, "/v1/jobs", "k", an_order())
