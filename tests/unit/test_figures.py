"""What a process counts of its own work, and that each part of it does count."""

import asyncio
from datetime import timedelta

import httpx
import pytest

from gateway.adapters.runpod import RunPodCompute
from gateway.adapters.sqlite.engine import SqliteEngine
from gateway.core.figures import BeatFigures, CallFigures, Histogram, JobFigures, Outcome
from gateway.core.job import Status
from gateway.services.pulse import Pulse
from shared.errors import CutroomError
from tests.support.jobs import NOON, a_job


class Seconds:
    """A clock that goes on by a step each time it is read."""

    def __init__(self, *steps: float) -> None:
        self._steps = iter(steps)
        self._now = 0.0

    def __call__(self) -> float:
        self._now += next(self._steps, 0.0)
        return self._now


def test_a_histogram_counts_each_value_under_its_bound_and_all_above():
    histogram = Histogram((1.0, 2.0))
    for value in (0.5, 1.0, 1.5, 7.0):
        histogram.note(value)
    assert list(histogram.cumulative()) == [("1.0", 2), ("2.0", 3), ("+Inf", 4)]
    assert histogram.total == 10.0


@pytest.mark.parametrize(
    ("answer", "outcome"),
    [
        (200, Outcome.OK),
        (404, Outcome.NOT_FOUND),
        (401, Outcome.REFUSED),
        (429, Outcome.UNAVAILABLE),
        (503, Outcome.UNAVAILABLE),
        (None, Outcome.NO_ANSWER),
    ],
)
async def test_each_call_to_runpod_is_counted_by_how_it_went(answer, outcome):
    def answering(_: httpx.Request) -> httpx.Response:
        if answer is None:
            raise httpx.ConnectError("gone")
        return httpx.Response(answer, json={"status": "IN_QUEUE"})

    calls, transport = CallFigures(), httpx.MockTransport(answering)
    compute = RunPodCompute(
        "http://h/v2", "key", transport=transport, calls=calls, seconds=Seconds(0, 0.3)
    )
    try:
        await compute.status("gpu", "job-1")
    except CutroomError:
        assert outcome is not Outcome.OK
    await compute.aclose()
    assert calls.ended == {("runpod", "status", outcome): 1}
    assert calls.durations["runpod", "status"].total == pytest.approx(0.3)


async def test_batches_are_counted_by_groups_and_one_that_failed_as_such(tmp_path):
    database = tmp_path / "cutroom.db"
    async with SqliteEngine(database) as engine:
        await engine.batch([("CREATE TABLE t (id TEXT PRIMARY KEY)", ())])
        await engine.batch([("INSERT INTO t (id) VALUES ('a')", ())])
        figures = engine.figures
    assert sum(figures.sizes.counts) == sum(figures.taken_s.counts) == 2
    assert sum(figures.waited_s.counts) == figures.sizes.total == 2
    assert figures.failed == 0


async def test_a_group_that_is_given_up_is_counted(tmp_path):
    def refuse():
        raise OSError("no such disk")

    async with SqliteEngine(tmp_path / "none.db", connect_writer=refuse) as engine:
        with pytest.raises(CutroomError):
            await engine.batch([("SELECT 1", ())])
        assert engine.figures.failed == 1


async def test_beats_tell_how_long_each_took_and_that_one_broke_off():
    figures, second = BeatFigures(), asyncio.Event()

    async def tick() -> None:
        if figures.failed == 1:
            second.set()
        raise RuntimeError("nobody foresaw this")

    async def perform() -> None:
        return None

    pulse = Pulse(tick_s=0, figures=figures, seconds=Seconds(0, 0.2, 0.05))
    async with pulse.beating(perform, tick):
        await second.wait()
    assert figures.ticks_s.total == pytest.approx(0.2)
    assert figures.late_s.total == pytest.approx(0.05)
    assert figures.failed >= 1


def test_jobs_are_counted_as_they_begin_and_end():
    figures, waits = JobFigures(), a_job()
    runs = a_job(status=Status.RUNNING, fence=1, started_at=NOON + timedelta(seconds=20))
    again = a_job(status=Status.QUEUED, fence=1, started_at=runs.started_at)
    done = a_job(
        status=Status.SUCCEEDED,
        fence=2,
        started_at=runs.started_at,
        finished_at=NOON + timedelta(seconds=50),
    )
    figures.changed(waits, runs, None)
    figures.changed(runs, again, "temporary")
    figures.changed(again, runs, None)
    figures.changed(runs, done, "succeeded")
    figures.settled("test.kind", 300)
    figures.settled("test.kind", 200)
    assert figures.attempts == {("test.kind", "temporary"): 1, ("test.kind", "succeeded"): 1}
    waited = figures.waited_s["test.kind"]
    assert (sum(waited.counts), waited.total) == (1, 20.0)
    assert figures.took_s["test.kind", "succeeded"].total == 50.0
    assert figures.settled_micro_usd == {"test.kind": 500}
