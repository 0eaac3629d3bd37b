"""Each promise is seen to be broken where it is, and nothing is where it is not."""

import asyncio
import shutil
import sqlite3
from contextlib import closing
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from gateway.services.job_request import JobRequest
from infra.local.faults.promises import Bucket, Witness, broken_at_last, broken_promises
from tests.support.jobs import sqlite_stores
from tests.support.world import Worker, a_world

OUTPUT = "output/done/1/video.mp4"
WITNESS = Witness(accepted=("done", "stopped"), claims={("done", "n-r1")})


@dataclass
class Sound:
    """A database and a bucket of which every promise holds."""

    database: Path
    objects: dict[str, bytes]
    witness: Witness = WITNESS
    open_parts: tuple[str, ...] = ()

    @property
    def bucket(self):
        return Bucket(
            listed=lambda: list(self.objects),
            read=self.objects.get,
            open_parts=lambda: list(self.open_parts),
        )

    def write(self, statement):
        with closing(sqlite3.connect(self.database)) as db:
            assert db.execute(statement).rowcount > 0
            db.commit()

    def broken(self):
        return [each.what for each in broken_promises(self.database, self.bucket, self.witness)]

    def broken_at_last(self):
        return [each.what for each in broken_at_last(self.database, self.bucket)]


async def lived_through(folder):
    """Have one job succeed and one be cancelled in the queue, and let every URL die."""
    async with a_world(sqlite_stores, folder) as world:
        for job_id in ("done", "stopped"):
            asked = JobRequest(kind="test.copy", input={"n": 1})
            await world.cases.submit("default", asked, trace="t", job_id=job_id)
            await world.gateway.perform()
        worker = Worker(world, *next(iter(world.compute.submitted.items())))
        await worker.claim()
        await worker.finish()
        await world.cases.cancel("default", "stopped")
        await world.pass_time(3600, step_s=600)
        keys = await world.objects.list_keys("", None, 1000)
        return {key: await world.objects.read_range(key, 0, 2**20) for key in keys}


@pytest.fixture(scope="module")
def once(tmp_path_factory):
    folder = tmp_path_factory.mktemp("sound")
    return folder / "cutroom.db", asyncio.run(lived_through(folder))


@pytest.fixture
def sound(once, tmp_path):
    database, objects = once
    return Sound(Path(shutil.copy(database, tmp_path)), dict(objects))


def test_where_all_is_well_nothing_is_broken(sound):
    assert sound.broken() == sound.broken_at_last() == []
    assert list(sound.objects) == [OUTPUT]


BROKEN = {
    "a log with a gap": (
        "DELETE FROM events WHERE job_id = 'done' AND seq = 1",
        "its events have a gap",
    ),
    "no terminal event": (
        "UPDATE events SET type = 'progress' WHERE type = 'succeeded'",
        "it has not exactly one terminal event, at the end of its log",
    ),
    "two terminal events": (
        "UPDATE events SET type = 'failed' WHERE job_id = 'done' AND seq = 1",
        "it has not exactly one terminal event, at the end of its log",
    ),
    "a job that never ends": (
        "UPDATE jobs SET status = 'running' WHERE id = 'done'",
        "it has not ended: running",
    ),
    "an attempt charged twice": (
        "INSERT INTO ledger (job_id, fence, entry, micro_usd, at) "
        "VALUES ('done', 1, 'release', 0, '2026')",
        "an attempt's reserve is missing, doubled or closed twice",
    ),
    "a reserve that is lost": (
        "DELETE FROM ledger WHERE job_id = 'done' AND entry = 'reserve'",
        "an attempt's reserve is missing, doubled or closed twice",
    ),
    "a bill for no attempt": (
        "UPDATE ledger SET entry = 'settle' WHERE job_id = 'stopped' AND entry = 'release'",
        "something is billed that was no attempt, or an attempt is not billed",
    ),
    "an attempt that is not billed": (
        "UPDATE ledger SET entry = 'release' WHERE job_id = 'done' AND entry = 'settle'",
        "something is billed that was no attempt, or an attempt is not billed",
    ),
    "a budget of its own mind": (
        "UPDATE budget_periods SET spent_micro_usd = spent_micro_usd + 1",
        "its tenant's budget of a day or month is not what the ledger comes to",
    ),
    "a slot that is never given back": (
        "UPDATE endpoints SET taken = 1 WHERE name = 'gpu'",
        "the slots taken are not those of the jobs that hold one: {'gpu': 1} for {}",
    ),
    "a tenant with jobs that are none": (
        "UPDATE tenants SET open_jobs = 2 WHERE id = 'default'",
        "a tenant's count of open jobs is wrong: {'default': 2} for {}",
    ),
    "two attempts of one claim": (
        "INSERT INTO attempts (job_id, fence, nonce, claimed_at) "
        "VALUES ('done', 2, 'n-r1', '2026')",
        "two of its attempts are of one claim",
    ),
    "a key that leads nowhere": (
        "INSERT INTO idempotency_keys VALUES ('default', 'r', 'k', 'h', 'nobody', '2026')",
        "an idempotency key leads to a job that is not there",
    ),
}


@pytest.mark.parametrize("what", BROKEN)
def test_what_is_broken_in_the_database_is_named(sound, what):
    statement, named = BROKEN[what]
    sound.write(statement)
    assert named in sound.broken()


def test_a_job_that_was_accepted_and_is_not_there_is_lost(sound):
    sound.witness = replace(WITNESS, accepted=("done", "stopped", "lost"))
    assert sound.broken() == ["it was accepted and is lost"]


def test_a_job_that_was_deleted_and_is_there_was_not(sound):
    sound.witness = replace(WITNESS, erased=("done",))
    assert sound.broken() == ["it was deleted and is still there"]


def test_an_attempt_that_no_worker_made_is_billed_to_somebody(sound):
    sound.witness = replace(WITNESS, claims=frozenset())
    assert sound.broken() == ["it has an attempt that no worker made"]


def test_a_success_without_its_output_is_false(sound):
    del sound.objects[OUTPUT]
    assert sound.broken() == ["it succeeded and its output is not in the bucket"]


def test_a_success_whose_output_is_another_is_false(sound):
    sound.objects[OUTPUT] = b"something else"
    assert sound.broken() == ["it succeeded and its output is not as stated"]


def test_an_object_that_nobody_names_is_a_stray(sound):
    sound.objects["output/done/2/video.mp4"] = b"of an attempt that was lost"
    assert sound.broken_at_last() == ["a stray object is left: output/done/2/video.mp4"]


def test_an_effect_that_is_never_performed_is_left(sound):
    sound.write("UPDATE effects SET done_at = NULL WHERE kind = 'submit' AND job_id = 'done'")
    assert sound.broken_at_last() == ["an effect was never performed"]


def test_a_reserve_that_is_never_closed_is_left(sound):
    sound.write("DELETE FROM ledger WHERE entry = 'settle'")
    assert sound.broken_at_last() == ["a reserve was never closed"]


def test_an_upload_in_parts_that_was_ours_is_left_open(sound):
    sound.write(
        "INSERT INTO uploads (id, tenant, status, object_key, filename, content_type, "
        "size_bytes, created_at, expires_at, multipart_id) VALUES "
        "('u', 'default', 'aborted', 'k', 'f', 'video/mp4', 1, '2026', '2026', 'm1')"
    )
    sound.open_parts = ("m1", "m2")
    assert sound.broken_at_last() == ["uploads in parts are left open: 1"]
