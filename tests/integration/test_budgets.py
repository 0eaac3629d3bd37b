"""What is spent, and what stops it: over HTTP, on both stores; nothing beats beside."""

import asyncio
import logging
import sqlite3
from contextlib import closing
from dataclasses import replace

import pytest

from gateway.adapters.sqlite.engine import SqliteEngine
from gateway.core.budgets import Budget, Caps, Standing
from gateway.core.effects import EffectKind
from gateway.core.job import Status
from gateway.services.budgets import Budgets
from gateway.settings import BudgetSettings
from tests.support.jobs import STORES, sqlite_stores, stores_on
from tests.support.s4 import KEYFRAME, an_s4
from tests.support.world import World, a_world, calling

RESERVE = 38_750  # 20 s of cold start, 100 s of limit, 5 s of idling at $0.00031
DAY, MONTH = "2026-11-21", "2026-11"
JOB = {"kind": "test.copy", "input": {"n": 1}}


def capped(reserves, **more):
    """Settings for so many reserves a month."""
    return {"budget": BudgetSettings(month_usd=f"{reserves * RESERVE / 1e6:.6f}"), **more}


def each_store(reserves, **more):
    """A world on each store, with a budget for so many reserves."""
    return [pytest.param((store, capped(reserves, **more)), id=store) for store in STORES]


@pytest.fixture
async def world(request, tmp_path):
    store, fields = request.param
    async with a_world(STORES[store], tmp_path, **fields) as world:
        yield world


@pytest.fixture
async def http(world):
    async with calling(world, await world.a_key()) as client:
        yield client


async def standing(world, period=MONTH):
    found = await world.stores.budgets.standings("default", [period])
    return found.get(period, Standing())


def desk(world):
    """What the operator has."""
    return Budgets(world.stores.budgets, world.clock, Caps())


@pytest.mark.parametrize("world", each_store(7), indirect=True)
async def test_i06_d76_d26_of_20_parallel_posts_with_budget_for_7_the_7_are_accepted(
    world, http
):
    answers = await asyncio.gather(*(http.post("/v1/jobs", json=JOB) for _ in range(20)))
    refused = [each for each in answers if each.status_code == 429]
    listed = (await http.get("/v1/jobs?limit=100")).json()["items"]
    assert sorted(each.status_code for each in answers) == [202] * 7 + [429] * 13
    assert {each.json()["code"] for each in refused} == {"budget_exceeded"}
    assert {each.headers["retry-after"] for each in refused} == {"86400"}
    assert "month's budget of $0.27125" in refused[0].json()["detail"]
    assert len(listed) == 7
    assert await standing(world) == Standing(7 * RESERVE)


class Other(World):
    """Another gateway, whose ids are its own."""

    def adapters(self):
        ports = super().adapters()
        return replace(ports, new_id=lambda: f"other-{ports.new_id()}")


async def test_i06_d76_two_gateways_on_one_file_never_pass_a_cap(tmp_path):
    fields = capped(7)
    async with (
        sqlite_stores(tmp_path) as stores,
        SqliteEngine(tmp_path / "cutroom.db") as other,
    ):
        worlds = [
            World(stores, tmp_path, **fields),
            Other(stores_on(other), tmp_path, **fields),
        ]
        answers = await asyncio.gather(
            *(worlds[n % 2].submit(labels={"n": str(n)}) for n in range(20)),
            return_exceptions=True,
        )
        made = [each for each in answers if isinstance(each, str)]
        with closing(sqlite3.connect(tmp_path / "cutroom.db")) as reader:
            counts = reader.execute(
                "SELECT (SELECT count(*) FROM jobs), (SELECT count(*) FROM ledger), "
                "(SELECT count(*) FROM events), (SELECT open_jobs FROM tenants "
                "WHERE id = 'default'), (SELECT sum(waiting) FROM endpoints)"
            ).fetchone()
        assert len(made) == 7
        assert counts == (7, 7, 7, 7, 7)
        assert await standing(worlds[1]) == Standing(7 * RESERVE)


@pytest.mark.parametrize("world", each_store(1), indirect=True)
async def test_d14_d106_a_repeat_under_the_key_is_answered_though_the_budget_is_used_up(
    world, http
):
    key = {"Idempotency-Key": "k"}
    answers = [await http.post("/v1/jobs", json=JOB, headers=key) for _ in range(3)]
    assert [each.status_code for each in answers] == [202, 200, 200]
    assert await standing(world) == Standing(RESERVE)


@pytest.mark.parametrize("world", each_store(1), indirect=True)
async def test_a_key_that_was_refused_for_the_budget_is_free(world, http):
    first = await http.post("/v1/jobs", json=JOB)
    refused = await http.post("/v1/jobs", json=JOB, headers={"Idempotency-Key": "k"})
    await http.post(f"/v1/jobs/{first.json()['id']}/cancel")
    await world.gateway.perform()
    accepted = await http.post("/v1/jobs", json=JOB, headers={"Idempotency-Key": "k"})
    assert [refused.status_code, accepted.status_code] == [429, 202]


@pytest.mark.parametrize("world", each_store(2), indirect=True)
async def test_d75_what_failed_was_cancelled_or_lost_is_spent_and_what_never_ran_is_not(world):
    failed, worker = await world.dispatched()
    await worker.claim()
    world.clock.move(10)
    await worker.fail("input_unreadable")
    cancelled, worker = await world.dispatched()
    await worker.claim()
    world.clock.move(20)
    await world.cases.cancel("default", cancelled)
    await world.pass_time(61, step_s=61)
    unclaimed = await world.submit()
    await world.cases.cancel("default", unclaimed)
    await world.gateway.perform()
    assert (await world.job(failed)).status is Status.FAILED
    assert await standing(world) == await standing(world, DAY) == Standing(0, 310 * 30)


@pytest.mark.parametrize("world", each_store(2), indirect=True)
async def test_i06_an_attempt_heard_of_too_late_never_costs_more_than_its_reserve(world):
    _, worker = await world.dispatched()
    await worker.claim()
    world.clock.move(3 * 3600)
    await world.gateway.tick()
    await world.pass_time(300, step_s=60)
    assert await standing(world) == Standing(0, RESERVE)


@pytest.mark.parametrize("world", each_store(1), indirect=True)
async def test_a_job_whose_next_attempt_has_no_room_fails_for_the_budget(world, http):
    job_id, worker = await world.dispatched()
    await worker.claim()
    await worker.fail("worker_lost")
    job = (await http.get(f"/v1/jobs/{job_id}")).json()
    await world.gateway.perform()
    assert (job["status"], job["attempt"]) == ("failed", 1)
    assert (job["error"]["code"], job["error"]["retryable"]) == ("budget_exceeded", False)
    assert await world.events(job_id) == ["queued", "started", "failed"]
    assert await standing(world) == Standing(0, 0)


@pytest.mark.parametrize("world", each_store(2), indirect=True)
async def test_a_job_whose_next_attempt_has_room_goes_on(world):
    job_id, worker = await world.dispatched()
    await worker.claim()
    await worker.fail("worker_lost")
    assert (await world.job(job_id)).status is Status.QUEUED
    assert await standing(world) == Standing(2 * RESERVE)
    await world.pass_time(5)
    second = world.newest_worker()
    await second.claim()
    world.clock.move(10)
    await second.finish()
    await world.gateway.perform()
    assert await standing(world) == Standing(0, 310 * 10)


@pytest.mark.parametrize("world", each_store(9), indirect=True)
async def test_a_reserve_over_the_callers_own_limit_is_refused_by_that_field(world, http):
    refused = await http.post("/v1/jobs", json={**JOB, "max_cost_usd": "0.038749"})
    accepted = await http.post("/v1/jobs", json={**JOB, "max_cost_usd": "0.03875"})
    assert refused.status_code == 422
    assert refused.json()["errors"] == [
        {"field": "max_cost_usd", "message": "one attempt of this may cost $0.03875"}
    ]
    assert accepted.status_code == 202
    assert await standing(world) == Standing(RESERVE)


@pytest.mark.parametrize("world", each_store(9), indirect=True)
async def test_a_further_attempt_counts_what_the_earlier_ones_have_cost(world):
    dear, worker = await world.dispatched(max_cost_usd="0.0420")
    await worker.claim()
    world.clock.move(11)
    await worker.fail("worker_lost")
    cheap, worker = await world.dispatched(max_cost_usd="0.0420")
    await worker.claim()
    world.clock.move(9)
    await worker.fail("worker_lost")
    assert (await world.job(dear)).error.code == "budget_exceeded"
    assert (await world.job(cheap)).status is Status.QUEUED


@pytest.mark.parametrize("world", each_store(9), indirect=True)
async def test_of_a_lost_attempt_all_its_reserve_counts_against_the_callers_limit(world):
    job_id, worker = await world.dispatched(max_cost_usd="0.0700")
    await worker.claim()
    await world.pass_time(61)
    assert (await world.job(job_id)).error.code == "budget_exceeded"


@pytest.mark.parametrize("world", each_store(9), indirect=True)
async def test_a_retry_has_the_limit_of_the_job_it_repeats(world, http):
    job_id = await world.submit(max_cost_usd="0.05")
    await world.cases.cancel("default", job_id)
    new_id = (await http.post(f"/v1/jobs/{job_id}/retry")).json()["id"]
    assert (await world.job(new_id)).max_cost_micro_usd == 50_000


@pytest.mark.parametrize("world", each_store(9), indirect=True)
async def test_another_limit_is_another_request_under_the_same_key(world, http):
    key = {"Idempotency-Key": "k"}
    bodies = [{**JOB, "max_cost_usd": said} for said in ("1", "1.00", "2")]
    answers = [await http.post("/v1/jobs", json=body, headers=key) for body in bodies]
    assert [each.status_code for each in answers] == [202, 200, 409]


@pytest.mark.parametrize("world", each_store(1), indirect=True)
async def test_a_dry_run_tells_the_cost_and_warns_of_what_would_refuse_the_job(world, http):
    asked = {**JOB, "dry_run": True}
    before = (await http.post("/v1/jobs", json=asked)).json()
    await http.post("/v1/jobs", json=JOB)
    after = (await http.post("/v1/jobs", json={**asked, "max_cost_usd": "0.01"})).json()
    assert (before["estimate"]["cost_usd"], before["estimate"]["reserve_usd"]) == (
        "0.0093",
        "0.03875",
    )
    assert before["warnings"] == []
    assert after["estimate"] == before["estimate"]
    assert [each.partition(":")[0] for each in after["warnings"]] == [
        "budget_exceeded",
        "max_cost_usd",
    ]
    assert await standing(world) == Standing(RESERVE)


@pytest.mark.parametrize("world", each_store(9), indirect=True)
async def test_a_stop_refuses_at_once_and_what_runs_goes_on(world, http):
    job_id, worker = await world.dispatched()
    await worker.claim()
    await desk(world).stop("default")
    refused = await http.post("/v1/jobs", json=JOB)
    world.clock.move(10)
    await worker.finish()
    await world.gateway.perform()
    assert (refused.status_code, refused.json()["code"]) == (429, "budget_exceeded")
    assert refused.headers["retry-after"] == "3600"
    assert (await world.job(job_id)).status is Status.SUCCEEDED
    await desk(world).resume("default")
    assert (await http.post("/v1/jobs", json=JOB)).status_code == 202


@pytest.mark.parametrize("world", each_store(2), indirect=True)
async def test_the_days_cap_is_free_again_at_midnight_and_the_months_is_not(world, http):
    await desk(world).set("default", day=RESERVE)
    assert (await http.post("/v1/jobs", json=JOB)).status_code == 202
    refused = await http.post("/v1/jobs", json=JOB)
    world.clock.move(12 * 3600)
    next_day = [(await http.post("/v1/jobs", json=JOB)).status_code for _ in range(2)]
    world.clock.move(24 * 3600)
    day_after = await http.post("/v1/jobs", json=JOB)
    assert (refused.status_code, refused.headers["retry-after"]) == (429, "43200")
    assert "day's budget" in refused.json()["detail"]
    assert next_day == [202, 429]
    assert "month's budget" in day_after.json()["detail"]


@pytest.mark.parametrize("world", each_store(5), indirect=True)
async def test_alerts_are_logged_and_announced_once_for_each_threshold(world, caplog):
    caplog.set_level(logging.WARNING)
    for _ in range(5):
        await world.submit()
        await world.gateway.perform()
    told = [each for each in caplog.records if each.getMessage() == "budget.alert"]
    assert [(each.tenant, each.period, each.percent) for each in told] == [
        ("default", MONTH, 80),
        ("default", MONTH, 100),
    ]
    assert (told[0].cap_usd, told[0].reserved_usd, told[0].spent_usd) == (
        "0.19375",
        "0.1550",
        "0.0000",
    )


@pytest.mark.parametrize("world", each_store(1), indirect=True)
async def test_an_alert_is_announced_to_its_tenant_with_the_figures(world):
    announced = []

    async def hear(effect):
        announced.append(effect.body)

    perform = world.gateway.perform
    performers = {**perform.performers, EffectKind.WEBHOOK: hear}
    await world.submit()
    await type(perform)(
        perform.queue, performers, perform.clock, perform.new_id, perform.lease_s
    )()
    assert [(each["tenant"], each["type"]) for each in announced] == [
        ("default", "budget.alert")
    ] * 2
    assert {each["data"]["percent"] for each in announced} == {80, 100}
    assert announced[0]["data"] | {"percent": 0} == {
        "period": MONTH,
        "percent": 0,
        "cap_usd": "0.03875",
        "reserved_usd": "0.03875",
        "spent_usd": "0.0000",
        "resets_at": "2026-12-01T00:00:00.000000Z",
    }


@pytest.mark.parametrize("world", each_store(9), indirect=True)
async def test_deleting_a_job_changes_neither_the_budget_nor_the_usage(world, http):
    job_id, worker = await world.dispatched()
    await worker.claim()
    world.clock.move(10)
    await worker.fail("input_unreadable")
    await world.gateway.perform()
    before = await http.get("/v1/usage?by=status")
    await world.cases.delete("default", job_id)
    await world.pass_time(1000, step_s=500)
    assert await world.stores.jobs.get(job_id) is None
    assert (await http.get("/v1/usage?by=status")).json() == before.json()
    assert await standing(world) == Standing(0, 3100)


@pytest.mark.parametrize("world", each_store(9), indirect=True)
async def test_usage_tells_what_was_spent_by_day_kind_and_status(world, http):
    _, worker = await world.dispatched()
    await worker.claim()
    world.clock.move(10)
    await worker.finish()
    await world.gateway.perform()
    world.clock.move(24 * 3600)
    await world.submit()
    by_day, by_kind, by_status = [
        (await http.get(f"/v1/usage?from=2026-11-01&to=2026-11-30&by={by}")).json()
        for by in ("day", "kind", "status")
    ]
    spent = {"jobs": 1, "attempts": 1, "reserved_usd": "0.0000", "spent_usd": "0.0031"}
    held = {"jobs": 1, "attempts": 0, "reserved_usd": "0.03875", "spent_usd": "0.0000"}
    both = {"jobs": 2, "attempts": 1, "reserved_usd": "0.03875", "spent_usd": "0.0031"}
    assert by_day["rows"] == [{"day": DAY, **spent}, {"day": "2026-11-22", **held}]
    assert by_kind["rows"] == [{"kind": "test.copy", **both}]
    assert by_status["rows"] == [
        {"status": "queued", **held},
        {"status": "succeeded", **spent},
    ]
    assert by_day["total"] == by_kind["total"] == by_status["total"] == both


@pytest.mark.parametrize("world", each_store(9), indirect=True)
async def test_usage_is_of_thirty_days_unless_said_and_another_tenants_is_its_own(world, http):
    await world.submit("other")
    asked = (await http.get("/v1/usage")).json()
    assert (asked["from"], asked["to"], asked["by"]) == ("2026-10-23", DAY, "day")
    assert asked["rows"] == []
    assert asked["total"]["jobs"] == 0


@pytest.mark.parametrize("world", each_store(9), indirect=True)
async def test_usage_needs_the_scope_read(world):
    headers = await world.a_key("default", "jobs", "uploads", "admin")
    async with calling(world, headers) as http:
        assert (await http.get("/v1/usage")).status_code == 403


@pytest.mark.parametrize("store", STORES)
async def test_d76_the_exports_product_says_it_in_its_own_words(tmp_path, store):
    async with an_s4(store, tmp_path, budget=BudgetSettings(day_usd="0")) as s4:
        key = await s4.uploaded()
        answer = await s4.job(input_video_key=key)
        await s4.project()
        await s4.clip(start_time=1.0)
        clip = await s4.framing(crop_keyframes=[KEYFRAME])
        jobs = (await s4.http.get("/v1/jobs")).json()["items"]
    assert {each.status_code for each in (answer, clip)} == {429}
    assert set(answer.json()) == {"detail", "code", "request_id"}
    assert answer.json()["code"] == clip.json()["code"] == "budget_exceeded"
    assert answer.headers["retry-after"] == "43200"
    assert jobs == []


@pytest.mark.parametrize("world", each_store(9), indirect=True)
async def test_the_operator_sees_what_is_set_and_what_is_used(world):
    budgets = desk(world)
    await world.submit()
    await budgets.set("default", day=50_000)
    await budgets.set("default", month=90_000)
    await budgets.set("default", day=None)
    shown = await budgets.show("default")
    assert shown.budget == Budget(None, 90_000)
    assert (shown.day, shown.month) == (DAY, MONTH)
    assert shown.used == {DAY: Standing(RESERVE), MONTH: Standing(RESERVE)}
