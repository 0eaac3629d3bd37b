"""I2: terminal is final: exactly one terminal event per job, nothing after it."""

import asyncio

import pytest

from gateway.core.decision import MOVES
from tests.support.house import House, HttpWorker, a_house
from tests.support.wrong_ports import BlindOfTwo, with_jobs

ENDS = ("succeeded", "failed", "cancelled", "expired")


async def succeed(_: House, worker: HttpWorker) -> None:
    assert (await worker.finish()).json()["cancel"] is False


async def fail(_: House, worker: HttpWorker) -> None:
    await worker.fail("internal")


async def cancel(house: House, worker: HttpWorker) -> None:
    await house.http[1].post(f"/v1/jobs/{worker.job_id}/cancel")


async def expire(house: House, worker: HttpWorker) -> None:
    house.clock.move(2 * 3600)
    await house.doors[1].gateway.tick()


ENDING = {"succeeded": succeed, "failed": fail, "cancelled": cancel, "expired": expire}


async def all_that_may_still_come(house: House, worker: HttpWorker) -> None:
    """Every word and every happening there is, at both gateways, and two days of ticks."""
    job = f"/v1/jobs/{worker.job_id}"
    for at in (0, 1):
        await worker.report("heartbeat", at)
        await worker.report("progress", at, stage="upload", progress=0.9)
        await worker.report("warning", at, warning={"code": "late", "message": "x"})
        await worker.report("checkpoint", at, data={"at": 1})
        await worker.final(at, outcome="stopped", result=None)
        await worker.fail("worker_lost", at)
        await worker.final(at, outputs=[])
        await worker.claim(at=at)
        await worker.claim("another", at)
        await house.http[at].post(f"{job}/cancel")
    for seconds in (20, 70, 3 * 3600, 20 * 3600):
        house.clock.move(seconds)
        for door in house.doors:
            await door.gateway.tick()
    await house.crash()


@pytest.mark.parametrize("end", ENDS)
async def test_i02_nothing_that_is_said_or_happens_after_an_end_changes_it(house, end):
    worker = await house.dispatched()
    await worker.claim()
    await worker.put()
    await ENDING[end](house, worker)
    before, log = await house.job(worker.job_id), await house.events(worker.job_id)
    await all_that_may_still_come(house, worker)
    after = await house.job(worker.job_id)
    same = ("status", "seq", "progress", "attempt", "result", "error", "finished_at")
    assert before["status"] == end
    assert {name: after[name] for name in same} == {name: before[name] for name in same}
    assert await house.events(worker.job_id) == log
    assert [event["type"] for event in log if event["type"] in ENDS] == [end]
    assert log[-1]["type"] == end


@pytest.mark.parametrize("end", ENDS)
def test_i02_no_status_that_is_an_end_leads_anywhere(end):
    assert MOVES[end] == frozenset()


async def raced(house: House) -> list[str]:
    """Let all ends of several jobs race at both gateways; return what each log ends with."""
    workers = [await house.dispatched() for _ in range(4)]
    for worker in workers:
        await worker.claim()
        worker.report_no = 5
    outputs = [[await worker.put()] for worker in workers]
    house.clock.move(3599.9)

    async def ends(worker: HttpWorker, put: list[object]) -> None:
        cancel = f"/v1/jobs/{worker.job_id}/cancel"
        await asyncio.gather(
            worker.final(0, outputs=put),
            worker.fail("internal", 1),
            *(http.post(cancel) for http in house.http),
            *(door.gateway.tick() for door in house.doors),
        )

    await asyncio.gather(*map(ends, workers, outputs))
    house.add_up()
    return [(await house.types(worker.job_id))[-1] for worker in workers]


async def test_i02_of_ends_that_race_one_is_written(house):
    assert set(await raced(house)) <= set(ENDS)


async def test_i02_a_store_that_compares_nothing_is_found_out(tmp_path):
    async with a_house(tmp_path, gateways=1, broken=with_jobs(BlindOfTwo)) as house:
        job_ids = [await house.submit() for _ in range(3)]
        asked = [f"/v1/jobs/{job_ids[0]}/cancel"] * 2
        await asyncio.gather(*(house.http[0].post(each) for each in asked))
        with pytest.raises(AssertionError, match="one last event"):
            house.add_up()
