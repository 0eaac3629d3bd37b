"""Whatever becomes of jobs: the rows of a budget are what the ledger adds up to.

Two stores on one SQLite file, reserves and ends in any order, over days and months, under
caps that are moved meanwhile.
"""

import asyncio
import shutil
from contextlib import closing
from dataclasses import dataclass, field, replace
from datetime import timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.adapters.sqlite.connections import open_reader, open_writer, run
from gateway.adapters.sqlite.engine import SqliteEngine
from gateway.adapters.sqlite.migrate import migrate
from gateway.core import effects
from gateway.core.budgets import UNLIMITED_MICRO_USD, Budget, Caps
from gateway.core.decision import Refused
from gateway.core.happenings import AttemptFailed, AttemptLost, CancelAsked, Claimed
from gateway.core.job import Job
from gateway.core.lifecycle import decide
from gateway.ports.budgets import OverBudget
from gateway.ports.job_store import Change, Committed, NewJob
from tests.support.jobs import NOON, Stores, a_job, stores_on

RESERVE = 1000
NO_CAPS = Caps()
OFTEN = ("submit", "submit", "claim", "claim", "attempt", "attempt", "settle", "settle")
DEEDS = (*OFTEN, "fail", "lose", "cancel", "erase", "days", "cap", "stop", "resume")
STEPS = st.lists(
    st.tuples(st.sampled_from(DEEDS), st.integers(0, 4), st.integers(0, 7)),
    min_size=20,
    max_size=60,
)
# A row for each tenant, period and figure in which the counters differ from the ledger.
WRONG = """
WITH each_one AS (
    SELECT coalesce(r.tenant, j.tenant) AS tenant, substr(r.at, 1, 10) AS day,
        CASE WHEN c.entry IS NULL THEN r.micro_usd ELSE 0 END AS reserved,
        coalesce(c.micro_usd, 0) AS spent
    FROM ledger r LEFT JOIN jobs j ON j.id = r.job_id
    LEFT JOIN ledger c ON c.job_id = r.job_id AND c.fence = r.fence AND c.entry <> 'reserve'
    WHERE r.entry = 'reserve'
), summed AS (
    SELECT tenant, day AS period, sum(reserved) AS reserved, sum(spent) AS spent
    FROM each_one GROUP BY tenant, day
    UNION ALL SELECT tenant, substr(day, 1, 7), sum(reserved), sum(spent)
    FROM each_one GROUP BY tenant, substr(day, 1, 7)
)
SELECT tenant, period, reserved, spent FROM summed
    EXCEPT SELECT tenant, period, reserved_micro_usd, spent_micro_usd FROM budget_periods
UNION ALL
SELECT tenant, period, reserved_micro_usd, spent_micro_usd FROM budget_periods
    WHERE reserved_micro_usd + spent_micro_usd > 0 EXCEPT SELECT * FROM summed
"""


@dataclass
class Party:
    """Everybody who spends, each as a method of two numbers that choose what about."""

    each: list[Stores]
    now: Any = NOON
    turn: int = 0
    made: list[str] = field(default_factory=list)
    ops: int = 0

    @property
    def stores(self) -> Stores:
        self.turn += 1
        return self.each[self.turn % 2]

    def op(self) -> str:
        self.ops += 1
        return f"op{self.ops}"

    async def job(self, n: int) -> Job:
        job = (
            await self.stores.jobs.get(self.made[-1 - n % len(self.made)])
            if self.made
            else None
        )
        if job is None:
            raise Refused("there is none")
        return job

    async def submit(self, n: int, m: int) -> None:
        job = a_job(
            f"j{self.ops}-{n}-{m}",
            tenant=("default", "other")[m == 7],
            reserve_micro_usd=RESERVE + n,
            created_at=self.now,
            deadline_at=self.now + timedelta(days=7),
        )
        await self.stores.jobs.create(NewJob(self.op(), job, (), None, 1000, NO_CAPS))
        self.made.append(job.id)

    async def happen(self, job: Job, happening: Any) -> None:
        decision = decide(job, happening, self.now)
        done = await self.stores.jobs.commit(
            Change(
                self.op(),
                job,
                decision.job,
                decision.events,
                decision.effects,
                self.now,
                caps=NO_CAPS,
            )
        )
        assert done in {Committed.DONE, Committed.LOST, Committed.NO_BUDGET}

    async def claim(self, n: int, _: int) -> None:
        job = await self.job(n)
        due = replace(job, retry_at=self.now) if job.retry_at else job
        await self.happen(due, Claimed(f"n{self.ops}", "r"))

    async def attempt(self, n: int, m: int) -> None:
        """A claim, and how it ends."""
        await self.claim(n, m)
        await (self.lose if m % 2 else self.fail)(n, m)

    async def fail(self, n: int, m: int) -> None:
        code = ("worker_lost", "input_unreadable")[m == 7]
        await self.happen(await self.job(n), AttemptFailed(code, ""))

    async def lose(self, n: int, _: int) -> None:
        await self.happen(await self.job(n), AttemptLost("worker_lost"))

    async def cancel(self, n: int, _: int) -> None:
        await self.happen(await self.job(n), CancelAsked())

    async def settle(self, n: int, m: int) -> None:
        """As the effects do: what ended is settled, what never began is released."""
        job = await self.job(n)
        attempts = await self.stores.attempts.attempts(job.id)
        for attempt in attempts:
            if attempt.ended_at is not None:
                await self.stores.attempts.settle(
                    job.id, attempt.fence, m * RESERVE // 8, self.now
                )
        if job.is_final:
            await self.stores.attempts.settle(job.id, len(attempts) + 1, None, self.now)

    async def erase(self, n: int, m: int) -> None:
        job = await self.job(n)
        await self.settle(n, m)
        if job.is_final:
            erase = effects.erase(job, at=self.now)
            await self.stores.job_removal.delete(job.tenant, job.id, self.now, erase)
            await self.stores.job_removal.erase(job.id)

    async def days(self, n: int, _: int) -> None:
        self.now += timedelta(hours=7 * n)

    async def cap(self, n: int, m: int) -> None:
        budget = Budget(n * RESERVE * 2, m * RESERVE * 3)
        await self.stores.budgets.set_caps("default", budget, NO_CAPS, self.now)

    async def stop(self, _: int, m: int) -> None:
        if m > 5:
            await self.stores.budgets.stop("default", self.now)

    async def resume(self, _: int, __: int) -> None:
        await self.stores.budgets.stop("default", None)

    async def do(self, name: str, n: int, m: int) -> None:
        try:
            await getattr(self, name)(n, m)
        except (Refused, OverBudget):
            return


@pytest.fixture(scope="module")
def empty(tmp_path_factory) -> Path:
    database = tmp_path_factory.mktemp("empty") / "cutroom.db"
    migrate(database, now=NOON)
    with closing(open_writer(database)) as writer:
        for tenant in ("default", "other"):
            writer.execute("INSERT INTO tenants (id, created_at) VALUES (?, '2026')", (tenant,))
        writer.execute("INSERT INTO endpoints (name) VALUES ('gpu')")
        writer.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    return database


@settings(max_examples=settings.default.max_examples // 2)
@given(steps=STEPS)
def test_i06_the_rows_of_a_budget_are_what_the_ledger_adds_up_to(empty, steps):
    with TemporaryDirectory() as folder:
        shutil.copy(empty, Path(folder, "cutroom.db"))
        assert asyncio.run(play(Path(folder, "cutroom.db"), steps)) == []


async def play(database: Path, steps: Any) -> list[Any]:
    """Return what differs, or is over a cap, after the first step that made it so."""

    def engine() -> SqliteEngine:
        return SqliteEngine(
            database, connect_writer=lambda: open_writer(database, synchronous="NORMAL")
        )

    async with engine() as one, engine() as other:
        with closing(open_reader(database)) as reader:
            party = Party([stores_on(one), stores_on(other)])
            for start in range(0, len(steps), 2):
                before = used(reader), caps(reader)
                deeds = steps[start : start + 2]
                await asyncio.gather(*(party.do(*deed) for deed in deeds))
                over = over_a_cap(before, (used(reader), caps(reader)))
                if wrong := [*run(reader, (WRONG, ())), *over]:
                    return wrong
    return []


def used(reader: Any) -> dict[tuple[str, str], int]:
    """What counts against the cap of each period."""
    rows = run(reader, ("SELECT * FROM budget_periods", ()))
    return {
        (row["tenant"], row["period"]): row["reserved_micro_usd"] + row["spent_micro_usd"]
        for row in rows
    }


def caps(reader: Any) -> dict[tuple[str, int], int]:
    """The caps of each tenant by the length of a period's name."""
    rows = run(reader, ("SELECT * FROM tenants", ()))
    said = [(row["id"], row["day_cap_micro_usd"], row["month_cap_micro_usd"]) for row in rows]
    return {
        (tenant, length): UNLIMITED_MICRO_USD if cap is None else cap
        for tenant, day, month in said
        for length, cap in ((len("2026-11-21"), day), (len("2026-11"), month))
    }


def over_a_cap(before: Any, after: Any) -> list[tuple[str, str]]:
    """Periods in which more is used than before, and more than any cap there was meanwhile."""
    return [
        (tenant, period)
        for (tenant, period), amount in after[0].items()
        if amount > before[0].get((tenant, period), 0)
        and amount > max(each[1][tenant, len(period)] for each in (before, after))
    ]
