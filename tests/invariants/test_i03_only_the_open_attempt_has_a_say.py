"""I3: only the current fence and nonce change a job; a repeat has its stored answer."""

import asyncio
import itertools
from typing import Any

import pytest

from gateway.settings import RunpodSettings
from tests.support.audit import rows_of
from tests.support.house import Answer, House, HttpWorker, a_house, an_output
from tests.support.wrong_ports import Deaf, Undead, with_jobs

STOP = (409, {"stop": True})
ROOMY = RunpodSettings(api_key="r" * 40, gpu_endpoint="gpu", gpu_slots=100)
WORDS: dict[str, dict[str, Any]] = {
    "heartbeat": {},
    "progress": {"stage": "render", "progress": 0.5},
    "warning": {"warning": {"code": "odd", "message": "x"}},
    "checkpoint": {"data": {"at": 1}},
    "probe": {"asset": "source", "sha256": "a" * 64, "probe": {}},
    "final": {"outcome": "succeeded", "result": {"n": 1}, "outputs": []},
}


def told(answer: Answer) -> tuple[int, Any]:
    return answer.status_code, answer.json()


def written(house: House) -> list[Any]:
    """Everything about jobs; a batch's token alone may come and go."""
    tables = ("jobs", "events", "attempts", "grants", "ledger", "effects", "assets")
    return [rows_of(house.reader, f"SELECT * FROM {each} ORDER BY 1, 2") for each in tables]  # noqa: S608 - our own names


async def everything_said_by(worker: HttpWorker) -> dict[str, tuple[int, Any]]:
    """Let a worker use each of its calls, at either gateway by turns."""
    gateways = itertools.cycle((0, 1))
    said = {
        word: told(await worker.report(word, next(gateways), **more))
        for word, more in WORDS.items()
    }
    said["outputs"] = told(await worker.outputs([an_output()], next(gateways)))
    return said


async def a_superseded(house: House) -> tuple[HttpWorker, HttpWorker]:
    """A job whose first attempt was lost, with the worker of each attempt."""
    stale = await house.dispatched()
    await stale.claim()
    await house.pass_time(130)
    fresh = house.worker_of(stale.job_id)
    assert (await fresh.claim(at=1)).json()["fence"] == 2
    return stale, fresh


async def test_i03_an_attempt_under_a_lower_fence_is_told_to_stop_whatever_it_says(house):
    stale, fresh = await a_superseded(house)
    before = written(house)
    assert await everything_said_by(stale) == dict.fromkeys([*WORDS, "outputs"], STOP)
    assert written(house) == before
    assert (await fresh.finish()).json()["cancel"] is False


async def test_i03_a_lost_attempt_is_told_to_stop_though_none_has_followed(house):
    worker = await house.dispatched()
    await worker.claim()
    await house.pass_time(65)
    before = written(house)
    assert await everything_said_by(worker) == dict.fromkeys([*WORDS, "outputs"], STOP)
    assert written(house) == before
    assert (await house.job(worker.job_id))["status"] == "queued"


async def test_i03_another_nonce_is_told_to_stop_while_the_attempt_lives(house):
    worker = await house.dispatched()
    await worker.claim()
    before = written(house)
    surplus = house.worker_of(worker.job_id)
    assert told(await surplus.claim("another", at=1)) == STOP
    assert written(house) == before


async def test_i03_a_token_of_one_attempt_speaks_for_no_other(house):
    stale, fresh = await a_superseded(house)
    bystander = await house.dispatched()
    await bystander.claim()
    before = written(house)
    for token, fence, job in (
        (stale.order["token"], 2, fresh),
        (fresh.order["token"], 3, fresh),
        (fresh.order["token"], 1, stale),
        (bystander.order["token"], 2, fresh),
        (fresh.request.input["token"], 2, fresh),
    ):
        forged = HttpWorker(house, "r0", job.request, {"fence": fence, "token": token})
        said = await everything_said_by(forged)
        assert {status for status, _ in said.values()} == {401}
    assert written(house) == before


async def test_i03_a_closed_attempts_nonce_opens_no_new_one(house):
    stale, _ = await a_superseded(house)
    again = house.worker_of(stale.job_id)
    assert told(await again.claim(f"n-{stale.runpod_id}")) == STOP
    assert told(await again.claim(f"n-{stale.runpod_id}", at=1)) == STOP


async def repeats_have_their_answers(house: House) -> None:
    """Each report again, at the other gateway, once its job has gone on: byte by byte."""
    worker = await house.dispatched()
    await worker.claim()
    first = {word: await worker.report(word, **more) for word, more in WORDS.items() if more}
    numbers = {word: n for n, word in enumerate(first, 1)}
    await house.http[0].post(f"/v1/jobs/{worker.job_id}/cancel")
    events, row = await house.types(worker.job_id), house.row(worker.job_id)
    for word, answer in first.items():
        again = await worker.report(word, 1, report_no=numbers[word], **WORDS[word])
        assert (again.status_code, again.content) == (200, answer.content), word
    assert await house.types(worker.job_id) == events
    assert house.row(worker.job_id) == row


async def test_i03_a_repeated_report_has_its_stored_answer_and_does_nothing(house):
    await repeats_have_their_answers(house)


async def claimed_by_one(house: House, jobs: int = 12, claimers: int = 4) -> None:
    """Deliver each submission several times, to both gateways: one work order for a job."""
    workers = [await house.dispatched() for _ in range(jobs)]
    copies = [
        HttpWorker(house, f"{worker.runpod_id}-{n}", worker.request)
        for n in range(claimers)
        for worker in workers
    ]
    answers = await asyncio.gather(
        *(copy.claim(at=n % 2) for n, copy in enumerate(copies)),
    )
    orders = [each.json()["fence"] for each in answers if each.status_code == 200]
    assert orders == [1] * jobs, "more than one attempt under one fence"
    assert {told(each) == STOP for each in answers if each.status_code != 200} == {True}
    house.add_up()


async def test_i03_d65_of_many_who_claim_a_job_one_gets_it(tmp_path):
    async with a_house(tmp_path, runpod=ROOMY) as house:
        await claimed_by_one(house)


async def test_i03_a_gate_that_takes_every_attempt_for_the_open_one_is_found_out(tmp_path):
    async with a_house(tmp_path, broken=with_jobs(Undead)) as house:
        worker = await house.dispatched()
        await worker.claim()
        await worker.fail("worker_lost")
        said = await everything_said_by(worker)
        assert STOP not in [said["heartbeat"], said["outputs"]]


async def test_i03_a_gateway_that_forgets_its_answers_is_found_out(tmp_path):
    async with a_house(tmp_path, broken=with_jobs(Deaf)) as house:
        with pytest.raises(AssertionError):
            await repeats_have_their_answers(house)
