"""I6: the worst case is reserved before anything is spent; reserved + spent passes no cap.

That a charging provider is asked once comes with the providers; what costs money until then
is a worker's time.
"""

import asyncio
from collections import Counter
from dataclasses import replace
from typing import Any

import pytest

from gateway.core.budgets import NO_CAPS
from gateway.settings import RunpodSettings
from gateway.settings.groups import BudgetSettings
from tests.support.audit import rows_of
from tests.support.house import House, HttpWorker, a_house, an_order
from tests.support.wrong_ports import InTheWay, with_jobs

# What one attempt of `test.copy` may cost: 100 s, 20 s of start and 5 s idle at $0.00031.
RESERVE_MICRO_USD = 38_750
ROOMY = RunpodSettings(api_key="r" * 40, gpu_endpoint="gpu", gpu_slots=100)


def a_budget(reserves: int) -> dict[str, Any]:
    """Return the settings under which a day has room for so many reserves."""
    return {"budget": BudgetSettings(day_usd=f"{reserves * RESERVE_MICRO_USD / 1e6:.6f}")}


def standing(house: House) -> tuple[int, int]:
    """What is reserved and what is spent of the tenant's day."""
    sql = (
        "SELECT reserved_micro_usd, spent_micro_usd FROM budget_periods "
        "WHERE tenant = 'default' AND length(period) > 7"
    )
    [(reserved, spent)] = rows_of(house.reader, sql) or [(0, 0)]
    return reserved, spent


def within(house: House, reserves: int) -> None:
    """Raise `AssertionError` where more counts than fits under the cap."""
    house.add_up()
    used = sum(standing(house))
    assert used <= reserves * RESERVE_MICRO_USD, f"{used} passes the cap"


class Auditor(InTheWay):
    """RunPod, which looks into the gateway's books before it takes a job."""

    seen: list[list[tuple[Any, ...]]]
    house: House

    async def submit(self, request: Any) -> str:
        sql = (
            "SELECT l.micro_usd, p.reserved_micro_usd >= l.micro_usd FROM ledger l "
            "JOIN jobs j ON j.id = l.job_id AND l.fence = j.fence + 1 "
            "JOIN budget_periods p ON p.tenant = j.tenant AND length(p.period) > 7 "
            "WHERE j.id = ? AND NOT EXISTS (SELECT 1 FROM ledger c WHERE c.job_id = l.job_id "
            "AND c.fence = l.fence AND c.entry <> 'reserve')"
        )
        rows = self.house.reader.execute(sql, (request.input["job_id"],)).fetchall()
        self.seen.append(rows)
        runpod_id: str = await self._port.submit(request)
        return runpod_id


async def test_i06_whenever_a_worker_is_asked_for_its_worst_case_is_reserved(tmp_path):
    auditor: list[Auditor] = []

    def audited(runpod: Any) -> Auditor:
        auditor.append(Auditor(runpod))
        return auditor[0]

    async with a_house(tmp_path, compute=audited) as house:
        auditor[0].seen, auditor[0].house = [], house
        worker = await house.dispatched()
        for _ in range(2):
            await worker.claim()
            await worker.fail("worker_lost")
            await house.pass_time(70)
            worker = house.worker_of(worker.job_id)
        assert auditor[0].seen == [[(RESERVE_MICRO_USD, 1)]] * 3
        house.add_up()


async def spend_at_once(house: House, racers: int) -> list[Any]:
    return await asyncio.gather(
        *(house.http[n % 2].post("/v1/jobs", json=an_order()) for n in range(racers))
    )


async def test_i06_d76_of_many_at_once_as_many_are_taken_as_the_budget_has_room_for(tmp_path):
    async with a_house(tmp_path, **a_budget(5)) as house:
        answers = await spend_at_once(house, 20)
        refused = [each for each in answers if each.status_code == 429]
        assert Counter(each.status_code for each in answers) == {202: 5, 429: 15}
        assert {each.json()["code"] for each in refused} == {"budget_exceeded"}
        assert all(int(each.headers["retry-after"]) > 0 for each in refused)
        assert standing(house) == (5 * RESERVE_MICRO_USD, 0)
        assert rows_of(house.reader, "SELECT count(*) FROM jobs") == [(5,)]
        within(house, 5)


async def test_i06_d66_d76_a_replay_at_a_spent_budget_is_the_job(tmp_path):
    async with a_house(tmp_path, **a_budget(1)) as house:
        named = {"Idempotency-Key": "k"}
        answers = [
            await http.post("/v1/jobs", json=an_order(), headers=named) for http in house.http
        ]
        fresh = await house.http[0].post("/v1/jobs", json=an_order())
        assert [each.status_code for each in (*answers, fresh)] == [202, 200, 429]


async def test_i06_what_was_not_spent_is_given_back_and_what_was_is_not(tmp_path):
    async with a_house(tmp_path, **a_budget(1)) as house:
        first = await house.submit()
        await house.http[1].post(f"/v1/jobs/{first}/cancel")
        await house.doors[0].gateway.perform()
        assert standing(house) == (0, 0)
        worker = await house.dispatched()
        await worker.claim()
        house.clock.move(10)
        await worker.finish()
        await house.doors[1].gateway.perform()
        [(spent,)] = rows_of(house.reader, "SELECT micro_usd FROM ledger WHERE entry='settle'")
        assert 0 < spent < RESERVE_MICRO_USD
        assert standing(house) == (0, spent)
        assert (await house.http[0].post("/v1/jobs", json=an_order())).status_code == 429
        within(house, 1)


async def test_i06_an_attempt_that_no_budget_has_room_for_is_not_made(tmp_path):
    async with a_house(tmp_path, **a_budget(1)) as house:
        worker = await house.dispatched()
        await worker.claim()
        house.clock.move(50)
        await worker.fail("worker_lost")
        await house.pass_time(70)
        job = await house.job(worker.job_id)
        assert (job["status"], job["error"]["code"]) == ("failed", "budget_exceeded")
        assert len(house.compute.submitted) == 1
        within(house, 1)


async def test_i06_a_job_reserves_no_more_than_its_caller_allows(house):
    allowed = {"max_cost_usd": f"{RESERVE_MICRO_USD * 1.5 / 1e6:.6f}"}
    worker = await house.dispatched(**allowed)
    await worker.claim()
    await house.pass_time(130)
    job = await house.job(worker.job_id)
    reserves = rows_of(house.reader, "SELECT micro_usd FROM ledger WHERE entry = 'reserve'")
    assert (job["status"], job["error"]["code"]) == ("failed", "budget_exceeded")
    assert reserves == [(RESERVE_MICRO_USD,)]


@pytest.mark.parametrize("end", ["succeeded", "failed", "cancelled", "lost"])
async def test_i06_d75_whatever_its_end_an_attempt_costs_what_it_ran_and_is_closed_once(
    house, end
):
    worker = await house.dispatched()
    await worker.claim()
    house.clock.move(10)
    await ENDS[end](house, worker)
    await house.pass_time(200)
    sql = (
        "SELECT entry, micro_usd > 0 FROM ledger WHERE job_id = ? AND fence = 1 ORDER BY entry"
    )
    entries = house.reader.execute(sql, (worker.job_id,)).fetchall()
    assert entries == [("reserve", 1), ("settle", 1)]


async def _finish(_: House, worker: HttpWorker) -> None:
    await worker.finish()


async def _fail(_: House, worker: HttpWorker) -> None:
    await worker.fail("internal")


async def _cancel(house: House, worker: HttpWorker) -> None:
    await house.http[1].post(f"/v1/jobs/{worker.job_id}/cancel")


async def _lose(house: House, _: HttpWorker) -> None:
    await house.pass_time(65)


ENDS = {"succeeded": _finish, "failed": _fail, "cancelled": _cancel, "lost": _lose}


async def test_i06_d106_a_worker_asked_for_twice_in_doubt_is_paid_once(house):
    house.compute.accept_and_time_out()
    job_id = await house.submit()
    await house.pass_time(10, step_s=1)
    workers = [
        HttpWorker(house, runpod_id, request)
        for runpod_id, request in house.compute.submitted.items()
    ]
    answers = [await each.claim(at=n % 2) for n, each in enumerate(workers)]
    assert [each.status_code for each in answers] == [200, 409]
    await workers[0].finish()
    await house.pass_time(100)
    costs = rows_of(house.reader, "SELECT job_id, fence, entry FROM ledger ORDER BY entry")
    assert costs == [(job_id, 1, "reserve"), (job_id, 1, "settle")]


async def test_i06_a_stop_forbids_every_new_reserve_at_once(house):
    await house.doors[0].stores.budgets.stop("default", house.clock.now())
    answers = [await http.post("/v1/jobs", json=an_order()) for http in house.http]
    assert {(each.status_code, each.json()["code"]) for each in answers} == {
        (429, "budget_exceeded")
    }
    assert rows_of(house.reader, "SELECT count(*) FROM ledger") == [(0,)]


class Lavish(InTheWay):
    """Knows no cap."""

    async def create(self, new: Any) -> Any:
        return await self._port.create(replace(new, caps=NO_CAPS))


async def test_i06_a_store_that_knows_no_cap_is_found_out(tmp_path):
    async with a_house(tmp_path, broken=with_jobs(Lavish), **a_budget(5)) as house:
        await spend_at_once(house, 20)
        with pytest.raises(AssertionError, match="passes the cap"):
            within(house, 5)
