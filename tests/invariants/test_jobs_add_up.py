"""Whatever happens to jobs, and in whatever order: what is counted of them adds up.

Two gateways, each with connections of its own, on one SQLite file; callers, workers, RunPod
and a clock; batches that fail before they are written, and batches whose answer is lost
after; performers that die, gateways that lose their memory. After every step the tables are
held against the rules of `tests/support/audit.py`, against what they said before, and
against what was promised.

`HYPOTHESIS_PROFILE=deep` plays for longer: see `docs/architecture.md`.
"""

import asyncio
import shutil
import sqlite3
from collections import Counter
from collections.abc import Callable
from contextlib import AsyncExitStack, closing
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from hypothesis import given, seed, settings
from hypothesis import strategies as st

from gateway.adapters.memory.compute import MemoryCompute
from gateway.adapters.memory.objects import MemoryObjectStore
from gateway.adapters.memory.url_signer import MemoryUrlSigner
from gateway.adapters.sqlite.connections import open_reader, open_writer
from gateway.adapters.sqlite.migrate import migrate
from gateway.settings.groups import Limits, Timings
from gateway.wiring_ports import Ports
from tests.support.audit import History, must_add_up, rows_of
from tests.support.databases import engine_on
from tests.support.house import AsItIs, Door, Outside
from tests.support.jobs import NOON, HandClock
from tests.support.party import FINE, TENANTS, UNHEARD, UNWRITTEN, Party, Shaky, is_a_refusal
from tests.support.world import LIMIT_S
from tests.support.wrong_ports import (
    Absent,
    BlindOfTwo,
    Credulous,
    Forgetful,
    Silent,
    with_jobs,
    with_objects,
)

FIELDS = {
    "limits": Limits(open_jobs_per_tenant=5),
    # A day passes now and then: what was bound stays bound.
    "timings": Timings(idempotency_keys_kept_s=10**7),
}
OFTEN = (
    *("submit", "submit", "perform", "claim", "claim", "work", "work"),
    *("delete", "retry", "once_more", "resubmit", "tick", "tick", "render", "render"),
    *("fail", "spoil", "cancel", "finish"),
)
DEEDS = [name for name in vars(Party) if not name.startswith("_") and name != "promises_hold"]
FAULTS = [*[FINE] * 8, UNWRITTEN, UNHEARD]
A_DEED = st.tuples(st.sampled_from([*DEEDS, *OFTEN]), st.integers(0, 7), st.integers(0, 7))
A_STEP = st.tuples(
    st.lists(A_DEED, min_size=1, max_size=3), st.lists(st.sampled_from(FAULTS), max_size=8)
)
STEPS = st.lists(A_STEP, min_size=15, max_size=50)
# About ten reserves: the ends of most games come near it.
DAY_CAP_MICRO_USD = 400_000
# After ten games Hypothesis varies those it has, and hardly plays another: it begins anew.
GAMES_A_ROUND = 10
ROUNDS = {"dev": 1, "ci": 4, "deep": 100}
ENOUGH_ROUNDS = 4
EVERY_EVENT = {
    *("queued", "started", "stage", "progress", "warning", "requeued"),
    *("succeeded", "failed", "cancelled", "expired"),
}


@pytest.fixture(scope="module")
def empty(tmp_path_factory) -> Path:
    """A database with two tenants and nothing of theirs."""
    database = tmp_path_factory.mktemp("empty") / "cutroom.db"
    migrate(database, now=NOON)
    with closing(open_writer(database)) as writer:
        for tenant in TENANTS:
            writer.execute(
                "INSERT INTO tenants (id, created_at, day_cap_micro_usd) VALUES (?, '2026', ?)",
                (tenant, DAY_CAP_MICRO_USD),
            )
        writer.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    return database


def test_d138_what_is_counted_of_jobs_adds_up_and_in_the_end_nothing_is_left(empty):
    happened: Counter[str] = Counter()

    rounds = ROUNDS[settings.get_current_profile_name()]

    @settings(max_examples=GAMES_A_ROUND)
    @given(steps=STEPS)
    def played(steps: Any) -> None:
        happened.update(play_in_a_folder(empty, steps))

    for each in range(rounds):
        again = seed(each)(played) if settings.default.derandomize else played
        again()
    # Games in which something never happens prove nothing of it.
    assert rounds < ENOUGH_ROUNDS or set(happened) >= EVERY_EVENT


def play_in_a_folder(
    empty: Path, steps: Any, broken: Callable[[Ports], Ports] = AsItIs
) -> Counter[str]:
    with TemporaryDirectory() as folder:
        shutil.copy(empty, Path(folder, "cutroom.db"))
        return asyncio.run(play(Path(folder), steps, broken))


async def play(
    folder: Path, steps: Any, broken: Callable[[Ports], Ports] = AsItIs
) -> Counter[str]:
    """Play all steps, looking after each; return how many events of each type there were."""
    database = folder / "cutroom.db"
    outside = an_outside()
    async with AsyncExitStack() as stack:
        reader = stack.enter_context(closing(open_reader(database)))
        engines = [Shaky(await stack.enter_async_context(engine_on(database))) for _ in "ab"]
        doors = [Door(each, folder, outside, broken=broken, **FIELDS) for each in engines]
        for door in doors:
            await door.gateway.start()
        party, history = Party(doors, await doors[0].an_asset()), History()
        for deeds, faults in steps:
            for at, engine in enumerate(engines):
                engine.faults = list(faults[at::2])
            await all_at_once(party, deeds)
            must_add_up(reader)
            history.look(reader)
            party.promises_hold(reader)
        for engine in engines:
            engine.faults = []
        happened = Counter(line[0] for line in history.events.values())
        await clear_away(party, reader)
        must_add_up(reader)
        must_be_gone(reader)
        assert await outside.objects.list_keys("output/", None, 100) == []
    return happened


def an_outside() -> Outside:
    clock = HandClock()
    signer = MemoryUrlSigner(secret=b"s", clock=clock)
    compute = MemoryCompute()
    return Outside(clock, compute, MemoryObjectStore(signer), signer)


async def all_at_once(party: Party, deeds: Any) -> None:
    doing = (getattr(party, name)(n, m) for name, n, m in deeds)
    for outcome in await asyncio.gather(*doing, return_exceptions=True):
        if isinstance(outcome, BaseException) and not is_a_refusal(outcome):
            raise outcome


async def clear_away(party: Party, reader: sqlite3.Connection) -> None:
    """End and delete every job there is, heard of or not, and let all URLs die."""
    await party.outage(0, 0)
    party.known = rows_of(reader, "SELECT tenant, id FROM jobs")
    for what in ("cancel", "delete"):
        for n in range(len(party.known)):
            await all_at_once(party, [(what, n, 0)])
    for _ in range(8):
        party.outside.clock.move(2 * LIMIT_S)
        for door in party.doors:
            await door.gateway.tick()


def must_be_gone(reader: sqlite3.Connection) -> None:
    """Of deleted jobs the costs alone stay, all of them closed, with whose they were."""
    tables = (
        *("jobs", "events", "attempts", "grants", "runpod_jobs", "idempotency_keys"),
        *("job_assets", "job_labels", "job_sources", "effects WHERE done_at IS NULL"),
    )
    left = {table: rows_of(reader, f"SELECT * FROM {table}") for table in tables}  # noqa: S608 - our own names
    assert {table: rows for table, rows in left.items() if rows} == {}
    open_costs = "SELECT job_id FROM ledger GROUP BY job_id, fence HAVING count(*) <> 2"
    assert not rows_of(reader, open_costs)
    assert not rows_of(reader, "SELECT 1 FROM ledger WHERE tenant IS NULL")


# What each of these does wrong is found: the rules can be broken, and are seen to be.


WORKED = [("submit", 0, 0), ("perform", 0, 0), ("claim", 0, 0)]
WRONG: dict[str, tuple[str, Callable[[Ports], Ports], list[list[tuple[str, int, int]]]]] = {
    "a compare-and-set that compares nothing": (
        "an ended job has one last event",
        with_jobs(BlindOfTwo),
        [[("submit", 0, 0)], [("submit", 0, 0)], [("cancel", 0, 0), ("cancel", 0, 2)]],
    ),
    "effects that are forgotten": (
        "what has ended is closed",
        with_jobs(Silent),
        [[("submit", 0, 0)], [("cancel", 0, 0)]],
    ),
    "keys that are forgotten": (
        "made two jobs",
        with_jobs(Forgetful),
        [[("submit", 1, 2)], [("resubmit", 0, 1)]],
    ),
    "jobs that are answered for and not written": (
        "a job that was accepted is gone",
        with_jobs(Absent),
        [[("submit", 0, 0)]],
    ),
    "a bucket that says all is there": (
        "succeeded without",
        with_objects(Credulous),
        [*([deed] for deed in WORKED), [("boast", 0, 0)]],
    ),
}


@pytest.mark.parametrize("wrong", WRONG)
def test_what_is_wrong_is_found(empty, wrong):
    seen_as, broken, steps = WRONG[wrong]
    with pytest.raises(AssertionError, match=seen_as):
        play_in_a_folder(empty, [(deeds, []) for deeds in steps], broken)
