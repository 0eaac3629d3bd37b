"""A copy of the database while it is written to, and what goes on after it is put back."""

import asyncio
import os
import sqlite3
import stat
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, closing, contextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import pytest

from gateway.adapters.sqlite.backup import Restored, back_up, restore
from gateway.adapters.sqlite.connections import open_writer
from gateway.adapters.sqlite.engine import SqliteEngine
from gateway.core.job import FENCES_A_LIFE, Status
from gateway.core.object_keys import fence_of
from gateway.services.claim_job import ToldToStop
from shared.errors import NotFound, OperatorMustAct, Unauthenticated
from tests.support import audit
from tests.support.jobs import NOON, sqlite_stores, stores_on
from tests.support.world import VIDEO, Worker, World

LATER = NOON + timedelta(days=1)


@pytest.fixture
async def world(tmp_path) -> AsyncIterator[World]:
    async with sqlite_stores(tmp_path) as stores:
        world = World(stores, tmp_path)
        await world.gateway.start()
        yield world


@pytest.fixture
def database(tmp_path) -> Path:
    return tmp_path / "cutroom.db"


@pytest.fixture
def copy(tmp_path) -> Path:
    return tmp_path / "copies" / "backup.db"


@asynccontextmanager
async def resumed(before: World, database: Path) -> AsyncIterator[World]:
    """A gateway on a restored database, with the bucket and RunPod of the one before."""
    async with SqliteEngine(database) as engine:
        world = World(stores_on(engine), database.parent)
        world.clock, world.signer, world.compute = before.clock, before.signer, before.compute
        world.objects = before.objects
        world.gateway = world.boot()
        await world.gateway.start()
        yield world


@contextmanager
def reading(database: Path):
    with closing(sqlite3.connect(database)) as reader:
        yield reader


def must_add_up(database: Path) -> None:
    with reading(database) as reader:
        audit.must_add_up(reader)


def ledger_of(database: Path, job_id: str) -> list[tuple[int, str]]:
    with reading(database) as reader:
        rows = reader.execute(
            "SELECT fence, entry FROM ledger WHERE job_id = ? ORDER BY fence, entry", (job_id,)
        )
        return rows.fetchall()


# --- the copy


async def test_what_was_answered_before_a_backup_is_in_it_though_all_goes_on_writing(
    world, database, copy
):
    copy.parent.mkdir()
    answered: list[str] = []
    one_more, enough = asyncio.Semaphore(0), asyncio.Event()

    async def submitting(lane: int) -> None:
        while not enough.is_set():
            answered.append(await world.submit(key=f"{lane}-{len(answered)}"))
            one_more.release()
            await world.gateway.perform()

    lanes = [asyncio.create_task(submitting(lane)) for lane in range(4)]
    for size in (20, 40, 60):
        for _ in range(20):
            await one_more.acquire()
        before, target = list(answered), copy.with_name(f"{size}.db")
        await asyncio.to_thread(back_up, database, target)
        with reading(target) as reader:
            kept = {row[0] for row in reader.execute("SELECT id FROM jobs")}
        assert set(before) <= kept
        must_add_up(target)
    enough.set()
    await asyncio.gather(*lanes)
    assert len(answered) > 60


async def test_a_backup_is_one_private_file_whole_in_itself(world, database, copy):
    copy.parent.mkdir()
    job_id = await world.submit()
    back_up(database, copy)
    assert [each.name for each in copy.parent.iterdir()] == [copy.name]
    assert stat.S_IMODE(copy.stat().st_mode) == 0o600
    with reading(copy) as reader:
        assert reader.execute("PRAGMA journal_mode").fetchall() == [("delete",)]
        assert reader.execute("SELECT id FROM jobs").fetchall() == [(job_id,)]


async def test_a_backup_replaces_no_file(world, database, copy):
    copy.parent.mkdir()
    copy.write_text("mine")
    with pytest.raises(OperatorMustAct, match="something at"):
        back_up(database, copy)
    assert copy.read_text() == "mine"
    assert [each.name for each in copy.parent.iterdir()] == [copy.name]


def test_where_there_is_no_database_or_no_folder_nothing_is_made(tmp_path, database, copy):
    with pytest.raises(OperatorMustAct, match="no database"):
        back_up(database, tmp_path / "b.db")
    open_writer(database).close()
    with pytest.raises(OperatorMustAct, match="No such file"):
        back_up(database, copy)
    assert not (tmp_path / "b.db").exists()


def test_a_damaged_database_makes_no_backup(tmp_path, database):
    damage(database)
    with pytest.raises(OperatorMustAct):
        back_up(database, tmp_path / "b.db")
    assert [each.name for each in tmp_path.iterdir()] == [database.name]


def damage(database: Path) -> None:
    """Make a database whose index has lost what its table holds."""
    with closing(sqlite3.connect(database)) as writer:
        writer.execute("CREATE TABLE schema_migrations (name TEXT, sha256 TEXT)")
        writer.execute("CREATE TABLE t (a)")
        writer.executemany("INSERT INTO t VALUES (?)", [(f"{n:0500}",) for n in range(100)])
        writer.execute("CREATE INDEX t_a ON t (a)")
        writer.commit()
    data = bytearray(database.read_bytes())
    data[-4096 * 4 :] = os.urandom(4096 * 4)
    database.write_bytes(data)


# --- what is refused


async def test_nothing_is_restored_under_a_gateway_that_runs(world, database, copy):
    copy.parent.mkdir()
    job_id = await world.submit()
    back_up(database, copy)
    with pytest.raises(OperatorMustAct, match="in use"):
        restore(copy, database, now=LATER)
    assert (await world.job(job_id)).status is Status.QUEUED
    await world.submit()


def _not_there(copy: Path) -> None:
    copy.unlink()


def _no_database(copy: Path) -> None:
    copy.write_text("hello" * 1000)


def _somebody_elses(copy: Path) -> None:
    copy.unlink()
    with closing(sqlite3.connect(copy)) as writer:
        writer.execute("CREATE TABLE t (a)")


def _newer(copy: Path) -> None:
    with closing(sqlite3.connect(copy)) as writer:
        writer.execute("INSERT INTO schema_migrations VALUES ('9999_later.sql', '', '')")
        writer.commit()


def _changed(copy: Path) -> None:
    with closing(sqlite3.connect(copy)) as writer:
        writer.execute("UPDATE schema_migrations SET sha256 = '' WHERE name LIKE '0002%'")
        writer.commit()


def _orphaned(copy: Path) -> None:
    with closing(sqlite3.connect(copy)) as writer:
        writer.execute("DELETE FROM tenants")
        writer.commit()


@pytest.mark.parametrize(
    ("spoil", "why"),
    [
        (_not_there, "no file"),
        (_no_database, "not a database"),
        (_somebody_elses, "no database of a gateway's"),
        (_newer, "newer gateway"),
        (_changed, "changed after it was applied"),
        (_orphaned, "not there"),
    ],
)
async def test_what_is_no_sound_backup_of_ours_changes_nothing(tmp_path, spoil, why):
    database, copy = tmp_path / "cutroom.db", tmp_path / "backup.db"
    async with sqlite_stores(tmp_path) as stores:
        await World(stores, tmp_path).submit()
    back_up(database, copy)
    before = database.read_bytes()
    spoil(copy)
    with pytest.raises(OperatorMustAct, match=why):
        restore(copy, database, now=LATER)
    assert database.read_bytes() == before
    assert {each.name for each in tmp_path.iterdir()} <= {database.name, copy.name}


# --- the way back


async def test_where_nothing_is_left_a_backup_is_all_it_takes(tmp_path, copy):
    copy.parent.mkdir()
    async with sqlite_stores(tmp_path) as stores:
        job_id = await World(stores, tmp_path).submit()
        back_up(tmp_path / "cutroom.db", copy)
    elsewhere = tmp_path / "new" / "cutroom.db"
    done = restore(copy, elsewhere, now=LATER)
    assert (done.jobs_open, done.aside) == (1, None)
    assert stat.S_IMODE(elsewhere.stat().st_mode) == 0o600
    assert [each.name for each in elsewhere.parent.iterdir()] == [elsewhere.name]
    async with SqliteEngine(elsewhere) as engine:
        assert await stores_on(engine).jobs.get(job_id) is not None


async def test_what_stood_there_before_is_kept_beside_it(tmp_path):
    database, copy = tmp_path / "cutroom.db", tmp_path / "backup.db"
    async with sqlite_stores(tmp_path) as stores:
        world = World(stores, tmp_path)
        await world.submit()
        back_up(database, copy)
        lost = await world.submit()
    done = restore(copy, database, now=LATER)
    with reading(done.aside) as reader:
        assert (lost,) in reader.execute("SELECT id FROM jobs").fetchall()
    with reading(database) as reader:
        assert (lost,) not in reader.execute("SELECT id FROM jobs").fetchall()
    assert stat.S_IMODE(done.aside.stat().st_mode) == 0o600


async def test_no_two_restores_of_one_backup_give_out_the_same_numbers(tmp_path):
    database, copy = tmp_path / "cutroom.db", tmp_path / "backup.db"
    async with sqlite_stores(tmp_path) as stores:
        await World(stores, tmp_path).submit()
    back_up(database, copy)
    first = restore(copy, database, now=LATER)
    again = restore(copy, database, now=LATER + timedelta(minutes=1))
    assert again.fence_floor == first.fence_floor + FENCES_A_LIFE
    back_up(database, tmp_path / "second.db")
    with pytest.raises(OperatorMustAct, match="wait"):
        restore(tmp_path / "second.db", database, now=LATER + timedelta(minutes=1))


async def test_an_older_backup_is_brought_up_to_date(tmp_path):
    database, copy = tmp_path / "cutroom.db", tmp_path / "backup.db"
    async with sqlite_stores(tmp_path) as stores:
        await World(stores, tmp_path).submit()
    with closing(sqlite3.connect(database)) as writer:
        writer.executescript(
            "ALTER TABLE jobs DROP COLUMN fence_floor; DROP TABLE restores;"
            "DELETE FROM schema_migrations WHERE name LIKE '0015%';"
        )
    back_up(database, copy)
    restore(copy, database, now=LATER)
    with reading(database) as reader:
        assert reader.execute("SELECT count(*) FROM restores").fetchall() == [(1,)]


@dataclass(slots=True)
class LostTime:
    """A backup's worth of jobs, what came of them afterwards, and the restore that lost it.

    `working` has an attempt open in the backup, `waiting` none; after it both were claimed by
    `strays`, one of which has succeeded and one of which has put its output.
    """

    before: World
    database: Path
    done: Restored
    ended: str
    working: str
    waiting: str
    accepted_later: str
    strays: list[Worker]

    @property
    def fence(self) -> int:
        """The first number that is free of anything the lost attempts could have had."""
        return self.done.fence_floor + 1


@pytest.fixture
async def lost(tmp_path) -> LostTime:
    database, copy = tmp_path / "cutroom.db", tmp_path / "backup.db"
    async with sqlite_stores(tmp_path) as stores:
        before = World(stores, tmp_path)
        await before.gateway.start()
        ended, worker = await before.dispatched()
        await worker.claim()
        await worker.finish()
        working, first = await before.dispatched()
        await first.claim()
        waiting = await before.submit()
        await before.pass_time(2)
        back_up(database, copy)
        await first.fail("temporary")
        await before.pass_time(5)
        second, third = before.newest_worker(), worker_of(before, waiting)
        await second.claim()
        await second.finish()
        await third.claim()
        await third.put("video")
        accepted_later = await before.submit()
    done = restore(copy, database, now=before.clock.now())
    strays = [second, third]
    return LostTime(before, database, done, ended, working, waiting, accepted_later, strays)


@pytest.fixture
async def after(lost) -> AsyncIterator[World]:
    async with resumed(lost.before, lost.database) as world:
        yield world


async def begin_anew(world: World, lost: LostTime) -> None:
    """Let the attempt that the backup knows be lost, and both jobs be done by new ones."""
    await world.pass_time(70, step_s=5)
    for job_id in (lost.working, lost.waiting):
        worker = worker_of(world, job_id)
        await worker.claim(nonce=f"anew-{job_id}")
        await worker.finish()
    await world.pass_time(400, step_s=20)


async def test_what_the_backup_knows_is_as_it_was_and_what_came_later_is_not_there(lost, after):
    must_add_up(lost.database)
    assert (lost.done.jobs_open, lost.done.lost_since) == (2, NOON + timedelta(seconds=2))
    statuses = [(await after.job(each)).status for each in (lost.ended, lost.working)]
    assert statuses == [Status.SUCCEEDED, Status.RUNNING]
    with pytest.raises(NotFound):
        await after.cases.cancel("default", lost.accepted_later)


async def test_attempts_of_the_lost_time_have_no_say(lost, after):
    for stray in lost.strays:
        stray.world = after
        with pytest.raises((Unauthenticated, ToldToStop)):
            await stray.report("progress", stage="render", progress=0.5)
        with pytest.raises((Unauthenticated, ToldToStop)):
            await stray.finish()
    assert (await after.job(lost.working)).progress == 0.0


async def test_the_attempt_that_the_backup_knows_may_still_end_its_job(lost, after):
    [first] = [each for each in workers_of(after) if each.job_id == lost.working][:1]
    order = await first.claim()  # the same nonce: the same attempt
    await first.finish()
    assert order.fence == 1
    assert (await after.job(lost.working)).status is Status.SUCCEEDED


async def test_jobs_begin_anew_above_every_number_of_the_lost_time_and_end_once(lost, after):
    await begin_anew(after, lost)
    for job_id in (lost.working, lost.waiting):
        job, events = await after.job(job_id), await after.events(job_id)
        assert (job.status, events.count("succeeded")) == (Status.SUCCEEDED, 1)
        assert fence_of(job.outputs[0].key) == job.fence == lost.fence
        found = await after.objects.head(job.outputs[0].key)
        assert found.size_bytes == len(VIDEO)


async def test_what_the_lost_attempts_have_put_is_swept_and_nothing_else(lost, after):
    await begin_anew(after, lost)
    for job_id in (lost.ended, lost.working, lost.waiting):
        job = await after.job(job_id)
        left = await after.objects.list_keys(f"output/{job_id}/", None, 100)
        assert left == [job.outputs[0].key]


async def test_each_attempt_is_paid_once_and_a_reserve_that_moved_is_given_back(lost, after):
    await begin_anew(after, lost)
    anew = [(lost.fence, "reserve"), (lost.fence, "settle")]
    assert ledger_of(lost.database, lost.working) == [(1, "reserve"), (1, "settle"), *anew]
    assert ledger_of(lost.database, lost.waiting) == [(1, "release"), (1, "reserve"), *anew]
    must_add_up(lost.database)


async def test_a_job_that_began_anew_has_all_its_attempts(lost, after):
    await after.pass_time(70, step_s=5)
    for n in range(3):
        worker = worker_of(after, lost.waiting)
        await worker.claim(nonce=f"anew-{n}")
        await worker.fail("temporary")
        await after.pass_time(70, step_s=5)
    job = await after.job(lost.waiting)
    assert (job.status, job.fence, job.attempts_made) == (Status.FAILED, lost.fence + 2, 3)


async def test_a_job_of_the_lost_time_is_erased_whole(lost, after):
    await begin_anew(after, lost)
    await after.cases.delete("default", lost.working)
    await after.pass_time(400, step_s=20)
    assert await after.objects.list_keys(f"output/{lost.working}/", None, 100) == []
    assert await after.stores.jobs.get(lost.working) is None


def workers_of(world: World) -> list[Worker]:
    """Whoever RunPod was asked for, the newest last."""
    return [Worker(world, *each) for each in world.compute.submitted.items()]


def worker_of(world: World, job_id: str) -> Worker:
    """The newest of them for one job."""
    return [each for each in workers_of(world) if each.job_id == job_id][-1]
