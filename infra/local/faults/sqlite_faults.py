"""The database is busy, full, read-only, broken off in the middle of what it does."""

import asyncio
import contextlib
import random
import resource
import sqlite3
import sys
from collections.abc import AsyncIterator, Callable
from pathlib import Path

from infra.local.faults.customer import Customer, Order
from infra.local.faults.fault import Fault
from infra.local.faults.moody_writer import Mood, set_mood
from infra.local.faults.stage import NotSurvived, Stage

# Longer than the gateway waits for the lock; longer than it waits for a worker's word.
BUSY_S, LONG_S = 1.5, 12.0
PAD = "x" * 300_000
BURST, KILLS = 12, 4

Trouble = Callable[[Stage], contextlib.AbstractAsyncContextManager[None]]


@contextlib.asynccontextmanager
async def busy(stage: Stage) -> AsyncIterator[None]:
    """Another process of this machine holds the write lock."""
    locking = sqlite3.connect(stage.database, timeout=20, check_same_thread=False)
    with contextlib.closing(locking) as other:
        other.isolation_level = None
        await asyncio.to_thread(_lock, other)
        try:
            yield
        finally:
            other.execute("ROLLBACK")


def _lock(other: sqlite3.Connection) -> None:
    other.execute("BEGIN IMMEDIATE")


def mood(which: Mood) -> Trouble:
    """The writer is in this mood."""

    @contextlib.asynccontextmanager
    async def trouble(stage: Stage) -> AsyncIterator[None]:
        set_mood(stage.gateway_points, which)
        try:
            yield
        finally:
            set_mood(stage.gateway_points, "fine")

    return trouble


@contextlib.asynccontextmanager
async def no_writes(stage: Stage) -> AsyncIterator[None]:
    """The kernel lets the gateway write no file further than its first bytes: I/O errors."""
    pid = stage.stack.gateway.pid
    if pid is None:
        raise NotSurvived("the gateway does not run")
    _let_write(pid, 0)
    try:
        yield
    finally:
        with contextlib.suppress(ProcessLookupError):
            _let_write(pid, resource.RLIM_INFINITY)


def _let_write(pid: int, limit_bytes: int) -> None:
    resource.prlimit(pid, resource.RLIMIT_FSIZE, (limit_bytes, resource.RLIM_INFINITY))


def submitting(name: str, trouble: Trouble, for_s: float = BUSY_S) -> Fault:
    """A job is submitted meanwhile: it is not accepted, or it is and stays so."""

    async def play(customer: Customer) -> str:
        asset_id = await customer.asset()
        async with trouble(customer.stage):
            submitting = asyncio.create_task(customer.submit(asset_id=asset_id, pad=PAD))
            await asyncio.sleep(for_s)
        job = await customer.ended(await submitting)
        return f"accepted late; {job['status']} in attempt {job['attempt']}"

    return Fault(f"sqlite.{name}.submitting", play)


def ending(name: str, trouble: Trouble, for_s: float = BUSY_S) -> Fault:
    """A worker has its last word to say meanwhile."""

    async def play(customer: Customer) -> str:
        order = await customer.submit(seconds=1, pad=PAD)
        await customer.at_work(order)
        async with trouble(customer.stage):
            await asyncio.sleep(1 + for_s)
        job = await customer.ended(order)
        return f"{job['status']} in attempt {job['attempt']}"

    return Fault(f"sqlite.{name}.ending", play)


async def _killed_in_checkpoints(customer: Customer) -> str:
    """Each commit moves the log into the file, and kills find it at that."""
    stage, chance = customer.stage, random.Random(6)
    await customer.asset()
    set_mood(stage.gateway_points, "restless")
    orders: list[Order] = []

    async def burst() -> None:
        orders.append(await customer.submit(pad=PAD))

    for _ in range(KILLS):
        bursting = [asyncio.create_task(burst()) for _ in range(BURST // KILLS)]
        await asyncio.sleep(chance.uniform(0.02, 0.3))
        await stage.stack.gateway.kill()
        await asyncio.gather(*bursting)
    set_mood(stage.gateway_points, "fine")
    for order in orders:
        await customer.ended(order)
    return f"killed {KILLS} times; all {len(orders)} jobs succeeded"


async def _index_of_the_log_is_lost(customer: Customer) -> str:
    """The gateway dies, and the shared index of the write-ahead log with it."""
    stage = customer.stage
    order = await customer.submit(seconds=2)
    stage.stays_down = True
    await stage.stack.gateway.kill()
    index = Path(f"{stage.database}-shm")
    await asyncio.to_thread(index.unlink, missing_ok=True)
    stage.stays_down = False
    job = await customer.ended(order)
    return f"{job['status']} in attempt {job['attempt']}"


async def _killed_in_each_migration(customer: Customer) -> str:
    """A first start is killed in the middle of each migration in turn, and begun again."""
    database = customer.stage.folder / "migrated.sqlite3"
    number = 0
    while await _migrating(database, number) != 0:
        number += 1
        with contextlib.closing(sqlite3.connect(database)) as db:
            [sound] = db.execute("PRAGMA integrity_check").fetchone()
            if sound != "ok":
                raise NotSurvived(f"after {number} kills: {sound}")
    if number == 0 or _schema(database) != _schema(customer.stage.database):
        raise NotSurvived(f"another schema after {number} kills")
    return f"killed {number} times; the schema is whole"


async def _migrating(database: Path, number: int) -> int:
    program = (sys.executable, "-m", "infra.local.faults.killed_migration")
    child = await asyncio.create_subprocess_exec(*program, str(database), str(number))
    return await child.wait()


def _schema(database: Path) -> list[tuple[str, str]]:
    with contextlib.closing(sqlite3.connect(database)) as db:
        rows = db.execute("SELECT name, sql FROM sqlite_master ORDER BY name").fetchall()
    return [(name, sql) for name, sql in rows if not name.startswith("sqlite_")]


def sqlite_faults() -> list[Fault]:
    """Return all of them."""
    troubles: list[tuple[str, Trouble]] = [
        ("busy", busy),
        ("full", mood("full")),
        ("read_only", mood("read_only")),
        ("io_error", no_writes),
    ]
    return [
        *(submitting(name, trouble) for name, trouble in troubles),
        *(ending(name, trouble) for name, trouble in troubles),
        ending("busy_for_long", busy, LONG_S),
        Fault("sqlite.killed_in_checkpoints", _killed_in_checkpoints),
        Fault("sqlite.log_index_lost", _index_of_the_log_is_lost),
        Fault("sqlite.killed_in_each_migration", _killed_in_each_migration),
    ]
