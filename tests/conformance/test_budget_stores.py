"""What every BudgetStore promises, and every JobStore and AttemptLog of reserves."""

import asyncio
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pytest

from gateway.core import effects
from gateway.core.budgets import (
    UNLIMITED_MICRO_USD,
    Alert,
    Budget,
    Caps,
    Limit,
    Standing,
)
from gateway.core.effects import EffectKind
from gateway.core.happenings import AttemptLost, CancelAsked, Claimed
from gateway.core.lifecycle import decide
from gateway.ports.budgets import OverBudget, UsageBy, UsageRow
from gateway.ports.job_store import Change, Committed, NewJob
from tests.support.jobs import NOON, a_job

DAY, MONTH = "2026-11-21", "2026-11"
RESERVE = 9000
FOR_SEVEN = Caps(month_micro_usd=7 * RESERVE)
LATE = datetime(2026, 11, 30, 23, 59, tzinfo=UTC)
NEXT = LATE + timedelta(hours=1)


async def create(stores, job_id="j1", caps=FOR_SEVEN, **fields):
    created_at = fields.get("created_at", NOON)
    job = a_job(job_id, **{"deadline_at": created_at + timedelta(days=2), **fields})
    await stores.jobs.create(NewJob(f"job:{job_id}", job, (), None, 1000, caps))
    return job


async def happen(stores, job, happening, at=NOON, caps=FOR_SEVEN):
    decision = decide(job, happening, at)
    what = Change(
        f"{job.id}:{decision.job.version}:{type(happening).__name__}",
        job,
        decision.job,
        decision.events,
        decision.effects,
        at,
        caps=caps,
    )
    return await stores.jobs.commit(what), decision.job


async def lost(stores, job, at=NOON, caps=FOR_SEVEN):
    """Claim the job and lose the attempt, so that another is to be reserved."""
    _, job = await happen(stores, job, Claimed(f"n{job.fence}", "r1"), at, caps)
    return await happen(stores, job, AttemptLost("worker_lost"), at, caps)


async def standing(stores, period, tenant="default"):
    return (await stores.budgets.standings(tenant, [period])).get(period)


async def alerts(stores, at=NOON):
    leases = await stores.effects.lease(at, at + timedelta(hours=1), f"op{at}", 100)
    found = [Alert(**e.effect.body) for e in leases if e.effect.kind is EffectKind.ALERT]
    return sorted((each.period, each.percent) for each in found)


async def test_i06_d76_of_20_racing_jobs_at_a_cap_for_7_the_7_are_made_and_nothing_leaks(
    stores,
):
    attempts = (create(stores, f"j{n}") for n in range(20))
    results = await asyncio.gather(*attempts, return_exceptions=True)
    there = [n for n in range(20) if await stores.jobs.get(f"j{n}")]
    costs = await stores.attempts.costs_of([f"j{n}" for n in range(20)])
    assert sum(isinstance(each, OverBudget) for each in results) == 13
    assert len(there) == 7
    assert sum(each.reserved_micro_usd for each in costs.values()) == 7 * RESERVE
    assert await standing(stores, DAY) == await standing(stores, MONTH) == Standing(7 * RESERVE)


@pytest.mark.parametrize(
    ("caps", "limit", "ends_at"),
    [
        (Caps(day_micro_usd=RESERVE), Limit.DAY, datetime(2026, 11, 22, tzinfo=UTC)),
        (Caps(month_micro_usd=RESERVE), Limit.MONTH, datetime(2026, 12, 1, tzinfo=UTC)),
    ],
)
async def test_a_refusal_says_which_cap_it_is_and_when_it_begins_anew(
    stores, caps, limit, ends_at
):
    await create(stores, "j1", caps)
    with pytest.raises(OverBudget) as refused:
        await create(stores, "j2", caps)
    found = refused.value.refusal
    assert (found.limit, found.ends_at) == (limit, ends_at)
    assert (found.cap_micro_usd, found.used_micro_usd, found.asked_micro_usd) == (RESERVE,) * 3


async def test_a_submission_that_is_repeated_is_counted_once(stores):
    for _ in range(2):
        await create(stores)
    assert await standing(stores, DAY) == Standing(RESERVE)


async def test_another_tenants_budget_is_its_own(stores):
    await create(stores, "j1", tenant="other")
    assert await standing(stores, DAY) is None
    assert await standing(stores, DAY, "other") == Standing(RESERVE)


async def test_i06_a_reserve_is_settled_once_in_the_periods_it_was_made_in(stores):
    job = await create(stores, created_at=LATE)
    await happen(stores, job, Claimed("n1", "r1"), LATE)
    for used in (500, 700):
        await stores.attempts.settle("j1", 1, used, NEXT)
    await stores.attempts.settle("j1", 1, None, NEXT)
    assert await standing(stores, "2026-11-30") == Standing(0, 500)
    assert await standing(stores, "2026-11") == Standing(0, 500)
    assert await stores.budgets.standings("default", ["2026-12-01", "2026-12"]) == {}


async def test_a_reserve_that_was_not_used_is_released(stores):
    job = await create(stores)
    await happen(stores, job, CancelAsked())
    await stores.attempts.settle("j1", 1, None, NOON)
    assert await standing(stores, DAY) == await standing(stores, MONTH) == Standing()


async def test_what_was_never_reserved_is_not_settled(stores):
    await create(stores)
    await stores.attempts.settle("j1", 2, 500, NOON)
    assert await standing(stores, DAY) == Standing(RESERVE)


async def test_a_further_attempt_is_reserved_on_the_day_of_its_batch(stores):
    job = await create(stores, created_at=LATE)
    _, job = await happen(stores, job, Claimed("n1", "r1"), LATE)
    done, _ = await happen(stores, job, AttemptLost("worker_lost"), NEXT)
    assert done is Committed.DONE
    assert await standing(stores, "2026-11-30") == Standing(RESERVE)
    assert await standing(stores, "2026-12-01") == Standing(RESERVE)


async def test_i06_a_further_attempt_that_has_no_room_changes_nothing(stores):
    job = await create(stores, caps=Caps(RESERVE))
    _, running = await happen(stores, job, Claimed("n1", "r1"))
    done, _ = await happen(stores, running, AttemptLost("worker_lost"), caps=Caps(RESERVE))
    assert done is Committed.NO_BUDGET
    assert await stores.jobs.get("j1") == running
    assert await standing(stores, DAY) == Standing(RESERVE)
    assert (await stores.attempts.costs("j1")).reserved_micro_usd == RESERVE


async def test_a_race_that_is_lost_reserves_nothing(stores):
    job = await create(stores)
    _, running = await happen(stores, job, Claimed("n1", "r1"))
    await happen(stores, running, CancelAsked())
    done, _ = await happen(stores, replace(running), AttemptLost("worker_lost"))
    assert done is Committed.LOST
    assert await standing(stores, DAY) == Standing(RESERVE)


async def test_a_tenants_own_cap_goes_before_the_usual_one_and_none_is_none(stores):
    await stores.budgets.set_caps("default", Budget(RESERVE), FOR_SEVEN, NOON)
    await create(stores, "j1", Caps(day_micro_usd=0))
    with pytest.raises(OverBudget):
        await create(stores, "j2")
    no_cap = Budget(UNLIMITED_MICRO_USD, UNLIMITED_MICRO_USD)
    await stores.budgets.set_caps("default", no_cap, FOR_SEVEN, NOON)
    await create(stores, "j3", Caps(0, 0))
    assert await stores.budgets.budget("default") == no_cap
    assert await stores.budgets.budget("other") == Budget()


async def test_a_stop_refuses_every_reserve_and_keeps_its_time_until_it_is_lifted(stores):
    job = await create(stores)
    await stores.budgets.stop("default", NOON)
    await stores.budgets.stop("default", NEXT)
    with pytest.raises(OverBudget) as refused:
        await create(stores, "j2")
    done, _ = await lost(stores, job)
    stopped_at = (await stores.budgets.budget("default")).stopped_at
    await stores.budgets.stop("default", None)
    await create(stores, "j3")
    assert refused.value.refusal.limit is Limit.STOP
    assert (done, stopped_at) == (Committed.NO_BUDGET, NOON)
    assert (await stores.budgets.budget("default")).stopped_at is None


async def test_setting_caps_leaves_a_stop_as_it_is(stores):
    await stores.budgets.stop("default", NOON)
    await stores.budgets.set_caps("default", Budget(1), Caps(), NOON)
    assert await stores.budgets.budget("default") == Budget(1, None, NOON)


async def test_thresholds_leave_one_alert_each_in_the_batch_that_reaches_them(stores):
    seen = []
    for n in range(5):
        await create(stores, f"j{n}", Caps(day_micro_usd=5 * RESERVE))
        seen.append(await alerts(stores, NOON + timedelta(seconds=10 * n)))
    assert seen == [[], [], [], [(DAY, 80)], [(DAY, 100)]]


async def test_an_alert_that_was_told_is_not_left_again_though_its_effect_is_gone(stores):
    await create(stores, "j1", Caps(day_micro_usd=RESERVE))
    assert await alerts(stores) == [(DAY, 100)]
    alert = Alert("default", DAY, 100, RESERVE)
    said = effects.announce(alert.name, "default", "budget.alert", {}, NOON)
    told = [await stores.budgets.tell(alert, said, NOON) for _ in range(2)]
    assert told == [True, False]
    await forget_effects(stores)
    await stores.attempts.settle("j1", 1, None, NOON)
    await create(stores, "j2", Caps(day_micro_usd=RESERVE))
    with pytest.raises(OverBudget):
        await create(stores, "j3", Caps(day_micro_usd=RESERVE))
    assert await alerts(stores, NEXT) == []


async def forget_effects(stores):
    later = NOON + timedelta(hours=1)
    for lease in await stores.effects.lease(later, NEXT, "forget", 100):
        await stores.effects.done(lease, later)
    await stores.job_pruning.prune(NEXT, 100)


async def test_a_budget_that_turns_a_job_away_for_want_of_the_last_bit_is_used_up(stores):
    caps = Caps(day_micro_usd=9 * RESERVE + 1, month_micro_usd=100 * RESERVE)
    for n in range(9):
        await create(stores, f"j{n}", caps)
    for _ in range(2):
        with pytest.raises(OverBudget):
            await create(stores, "more", caps)
    assert await alerts(stores) == [(DAY, 80), (DAY, 100)]


async def test_a_job_that_is_too_dear_is_no_alert(stores):
    with pytest.raises(OverBudget):
        await create(stores, "j1", Caps(day_micro_usd=RESERVE - 1))
    assert await alerts(stores) == []


async def test_a_cap_that_is_lowered_under_what_is_used_leaves_its_alerts(stores):
    await create(stores)
    await stores.budgets.set_caps("default", Budget(None, RESERVE + 1), Caps(), NOON)
    assert await alerts(stores) == [(MONTH, 80)]


async def test_usage_adds_up_the_ledger_by_day_kind_and_status(stores):
    first = await create(stores, "j1", created_at=NOON - timedelta(days=1), kind="k.one")
    await create(stores, "j2", kind="k.two")
    _, running = await happen(stores, first, Claimed("n1", "r1"))
    _, waiting = await happen(stores, running, AttemptLost("worker_lost"))
    await stores.attempts.settle("j1", 1, 500, NOON)
    await happen(stores, waiting, Claimed("n2", "r2"), NOON + timedelta(minutes=2))
    await create(stores, "j3", tenant="other")

    async def used(by):
        return await stores.budgets.usage("default", date(2026, 11, 20), date(2026, 11, 21), by)

    assert await used(UsageBy.DAY) == [
        UsageRow("2026-11-20", 1, 1, 0, 500),
        UsageRow("2026-11-21", 1, 1, 2 * RESERVE, 0),
    ]
    assert await used(UsageBy.KIND) == [
        UsageRow("k.one", 1, 2, RESERVE, 500),
        UsageRow("k.two", 1, 0, RESERVE, 0),
    ]
    assert await used(UsageBy.STATUS) == [
        UsageRow("queued", 1, 0, RESERVE, 0),
        UsageRow("running", 1, 2, RESERVE, 500),
    ]


async def test_usage_ends_with_its_days_and_keeps_what_was_deleted(stores):
    for n in range(4):
        at = datetime(2026, 11, 20, 12, tzinfo=UTC) + timedelta(days=n)
        job = await create(stores, f"j{n}", created_at=at)
        await happen(stores, job, CancelAsked(), at)
        await stores.attempts.settle(f"j{n}", 1, None if n == 1 else 500, at)
    await stores.job_removal.delete("default", "j2", NOON, effects.erase(job, at=NOON))
    before = await stores.budgets.usage(
        "default", date(2026, 11, 21), date(2026, 11, 22), UsageBy.STATUS
    )
    await stores.job_removal.erase("j2")
    for by, name in ((UsageBy.STATUS, "cancelled"), (UsageBy.KIND, "test.kind")):
        rows = await stores.budgets.usage("default", date(2026, 11, 21), date(2026, 11, 22), by)
        assert rows == [UsageRow(name, 2, 1, 0, 500)]
    assert before == [UsageRow("cancelled", 2, 1, 0, 500)]
    assert await standing(stores, "2026-11-22") == Standing(0, 500)
