"""Whatever happens to jobs, and in whatever order: what is counted of them adds up.

Two gateways on one SQLite file, callers, workers and a clock; batches that fail before they
are written, and batches whose answer is lost after.
"""

import asyncio
import shutil
import sqlite3
from collections import Counter
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.adapters.sql.engine import Row, SqlEngine, Statement
from gateway.adapters.sqlite.connections import open_reader, open_writer, run
from gateway.adapters.sqlite.engine import SqliteEngine
from gateway.adapters.sqlite.migrate import migrate
from gateway.core.idempotency import binding
from gateway.core.lifecycle import Refused
from gateway.services.claim_job import ToldToStop
from gateway.services.submit_job import JobRequest
from shared.errors import CutroomError, TryAgainLater
from shared.work import MANIFEST
from tests.support.jobs import NOON, stores_on
from tests.support.world import LIMIT_S, Worker, World

TENANTS = ("default", "other")
OPEN_JOBS = 5
FINE, UNWRITTEN, UNHEARD = "fine", "unwritten", "unheard"


class Shaky(SqlEngine):
    """An engine whose next batches fail as they are told to."""

    def __init__(self, engine: SqlEngine) -> None:
        self._engine = engine
        self.faults: list[str] = []

    async def batch(self, statements: Sequence[Statement]) -> list[list[Row]]:
        fault = self.faults.pop(0) if self.faults else FINE
        if fault == UNWRITTEN:
            raise TryAgainLater("not written", public="Later.")
        rows = await self._engine.batch(statements)
        if fault == UNHEARD:
            raise TryAgainLater("written, and the answer lost", public="Later.")
        return rows

    async def fetch(self, sql: str, params: Any = ()) -> list[Row]:
        return await self._engine.fetch(sql, params)

    async def aclose(self) -> None:
        await self._engine.aclose()


class Party:
    """Everybody who has a say, each as a method of two numbers that choose what about."""

    def __init__(self, world: World, asset_id: str) -> None:
        self.world = world
        self.asset_id = asset_id
        self.known: list[tuple[str, str]] = []
        self.workers: list[Worker] = []
        self.made: list[str] = []

    def _job(self, n: int) -> tuple[str, str]:
        return self.known[-1 - n % len(self.known)] if self.known else ("default", "nobody")

    def _worker(self, n: int) -> Worker:
        if not self.workers:
            raise Refused("nobody works")
        return self.workers[-1 - n % len(self.workers)]

    async def submit(self, n: int, m: int) -> None:
        tenant, source = TENANTS[m == 7], None
        if m % 3 == 0 and self.made:
            source = {"job_id": self.made[-1 - m % len(self.made)], "output": "video"}
        elif m % 3 == 1:
            source = {"asset_id": self.asset_id}
        asked = JobRequest(
            kind="test.copy", input={"n": n % 2, "source": source}, labels={"n": str(n)}
        )
        submitted = await self.world.cases.submit(
            tenant,
            asked,
            trace="t",
            bind=binding("r", f"k{m}" if n % 2 else None, asked.model_dump(mode="json")),
            job_id=f"wanted{n % 3}" if n > 5 else None,
        )
        self.known.append((tenant, submitted.job.id))

    async def cancel(self, n: int, _: int) -> None:
        await self.world.cases.cancel(*self._job(n))

    async def retry(self, n: int, m: int) -> None:
        tenant, job_id = self._job(n)
        key = f"r{m}" if m % 2 else None
        made = await self.world.cases.retry(tenant, job_id, key=key, trace="t")
        self.known.append((tenant, made.job.id))

    async def delete(self, n: int, _: int) -> None:
        await self.world.cases.delete(*self._job(n))

    async def claim(self, n: int, m: int) -> None:
        submitted = list(self.world.compute.submitted.items())
        if submitted:
            worker = Worker(self.world, *submitted[-1 - n % len(submitted)])
            await worker.claim(nonce=f"n{m}" if m > 5 else None)
            self.workers.append(worker)

    async def progress(self, n: int, m: int) -> None:
        await self._worker(n).report("progress", stage="render", progress=m / 10)

    async def put(self, n: int, _: int) -> None:
        await self._worker(n).put("video", MANIFEST)

    async def finish(self, n: int, _: int) -> None:
        await self._done(self._worker(n))

    async def work(self, n: int, m: int) -> None:
        """Everything that goes well with a job, one after the other."""
        await self.world.gateway.perform()
        await self.claim(n % 2, m)
        await self.progress(0, m)
        await self._done(self._worker(0))

    async def _done(self, worker: Worker) -> None:
        await worker.finish()
        self.made.append(worker.job_id)

    async def fail(self, n: int, m: int) -> None:
        await self._worker(n).fail(("worker_lost", "internal", "timeout")[m % 3])

    async def once_more(self, n: int, m: int) -> None:
        """A failure that is worth another attempt, and that one's claim."""
        await self.fail(n, 0)
        self.world.clock.move(70)
        await self.world.gateway.tick()
        await self.claim(0, m)

    async def perform(self, _: int, __: int) -> None:
        await self.world.gateway.perform()

    async def tick(self, n: int, m: int) -> None:
        self.world.clock.move((0, 1, 5, 20, 70, 150, 1000, 4000)[n])
        await self.world.gateway.tick()

    async def outage(self, n: int, m: int) -> None:
        self.world.compute.be_unavailable(n % 2 == 1)
        self.world.objects.available = m % 2 == 0

    async def restart(self, _: int, __: int) -> None:
        self.world.gateway = self.world.boot()
        await self.world.gateway.start()


OFTEN = (
    "submit",
    "submit",
    "perform",
    "claim",
    "claim",
    "work",
    "work",
    "delete",
    "retry",
    "once_more",
)
DEEDS = [*(name for name in vars(Party) if not name.startswith("_")), *OFTEN]
FAULTS = [*[FINE] * 8, UNWRITTEN, UNHEARD]
A_DEED = st.tuples(st.sampled_from(DEEDS), st.integers(0, 7), st.integers(0, 7))
A_STEP = st.tuples(
    st.lists(A_DEED, min_size=1, max_size=3), st.lists(st.sampled_from(FAULTS), max_size=8)
)


@pytest.fixture(scope="module")
def empty(tmp_path_factory) -> Path:
    database = tmp_path_factory.mktemp("empty") / "cutroom.db"
    migrate(database, now=NOON)
    with closing(open_writer(database)) as writer:
        for tenant in TENANTS:
            writer.execute("INSERT INTO tenants (id, created_at) VALUES (?, '2026')", (tenant,))
        writer.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    return database


@settings(max_examples=settings.default.max_examples // 3)
@given(steps=st.lists(A_STEP, min_size=5, max_size=30))
def test_what_is_counted_of_jobs_adds_up_and_in_the_end_nothing_is_left(empty, steps):
    with TemporaryDirectory() as folder:
        shutil.copy(empty, Path(folder, "cutroom.db"))
        asyncio.run(play(Path(folder), steps))


async def play(folder: Path, steps: Any) -> None:
    database = folder / "cutroom.db"
    engine = SqliteEngine(
        database, connect_writer=lambda: open_writer(database, synchronous="NORMAL")
    )
    async with engine:
        with closing(open_reader(database)) as reader:
            shaky = Shaky(engine)
            world = World(stores_on(shaky), folder, limits={"open_jobs_per_tenant": OPEN_JOBS})
            await world.gateway.start()
            gateways = [world.gateway, world.boot()]
            party = Party(world, await world.an_asset())
            for at, (deeds, faults) in enumerate(steps):
                world.gateway = gateways[at % 2]
                shaky.faults = list(faults)
                await all_at_once(party, deeds)
                gateways[at % 2] = world.gateway
                must_add_up(reader)
            shaky.faults = []
            await clear_away(party, reader)
            must_add_up(reader)
            must_be_gone(reader)
            assert await world.objects.list_keys("output/", None, 100) == []


async def all_at_once(party: Party, deeds: Any) -> None:
    doing = (getattr(party, name)(n, m) for name, n, m in deeds)
    for outcome in await asyncio.gather(*doing, return_exceptions=True):
        if isinstance(outcome, Exception) and not isinstance(
            outcome, CutroomError | ToldToStop | Refused
        ):
            raise outcome


async def clear_away(party: Party, reader: sqlite3.Connection) -> None:
    """End and delete every job there is, heard of or not, and let all URLs die."""
    world = party.world
    await party.outage(0, 0)
    rows = run(reader, ("SELECT tenant, id FROM jobs", ()))
    party.known = [(row["tenant"], row["id"]) for row in rows]
    for what in ("cancel", "delete"):
        for n in range(len(party.known)):
            await all_at_once(party, [(what, n, 0)])
    for _ in range(8):
        world.clock.move(2 * LIMIT_S)
        await world.gateway.tick()


def counted(reader: sqlite3.Connection, sql: str) -> Counter[str]:
    return Counter({row["name"]: row["n"] for row in run(reader, (sql, ())) if row["n"]})


def must_add_up(reader: sqlite3.Connection) -> None:
    """Counters are what they count; logs have no gap, one end; each cost is closed once."""
    unfinished = "status IN ('queued', 'running')"
    assert counted(reader, "SELECT id AS name, open_jobs AS n FROM tenants") == counted(
        reader,
        f"SELECT tenant AS name, count(*) AS n FROM jobs WHERE {unfinished} GROUP BY tenant",  # noqa: S608 - our own words
    )
    assert counted(reader, "SELECT name, taken AS n FROM endpoints") == counted(
        reader,
        "SELECT endpoint AS name, count(*) AS n FROM jobs WHERE holds_slot = 1 "
        "GROUP BY endpoint",
    )
    assert counted(reader, "SELECT name, waiting AS n FROM endpoints") == counted(
        reader,
        "SELECT endpoint AS name, count(*) AS n FROM jobs WHERE waiting_for = 'slot' "
        "GROUP BY endpoint",
    )
    assert not run(reader, (WRONG_LOGS, ()))
    assert not run(reader, (WRONG_COSTS, ()))
    assert not run(reader, (WRONG_KEYS, ()))


WRONG_LOGS = """
SELECT j.id FROM jobs j LEFT JOIN events e ON e.job_id = j.id GROUP BY j.id HAVING
    max(e.seq) IS NOT j.seq
    OR (j.events_pruned = 0 AND count(*) <> j.seq + 1)
    OR (j.events_pruned = 1 AND count(*) <> 1)
    OR sum(e.type IN ('succeeded', 'failed', 'cancelled', 'expired'))
        <> (j.status NOT IN ('queued', 'running'))
"""
# A reserve for each attempt and one for the next of an unfinished job; none closed twice.
WRONG_COSTS = """
SELECT job_id FROM ledger GROUP BY job_id, fence HAVING
    sum(entry = 'reserve') <> 1 OR sum(entry <> 'reserve') > 1
UNION SELECT j.id FROM jobs j WHERE
    (SELECT max(fence) FROM ledger l WHERE l.job_id = j.id) NOT IN (j.fence, j.fence + 1)
"""
WRONG_KEYS = """
SELECT k.job_id FROM idempotency_keys k LEFT JOIN jobs j ON j.id = k.job_id
    WHERE j.id IS NULL OR j.deleted_at IS NOT NULL
"""


def must_be_gone(reader: sqlite3.Connection) -> None:
    """Of deleted jobs the costs alone stay, all of them closed, with whose they were."""
    tables = (
        *("jobs", "events", "attempts", "grants", "runpod_jobs", "idempotency_keys"),
        *("job_assets", "job_labels", "job_sources", "effects WHERE done_at IS NULL"),
    )
    left = {table: run(reader, (f"SELECT * FROM {table}", ())) for table in tables}  # noqa: S608 - our own names
    assert {table: rows for table, rows in left.items() if rows} == {}
    open_costs = "SELECT job_id FROM ledger GROUP BY job_id, fence HAVING count(*) <> 2"
    assert not run(reader, (open_costs, ()))
    assert not run(reader, ("SELECT 1 FROM ledger WHERE tenant IS NULL", ()))
