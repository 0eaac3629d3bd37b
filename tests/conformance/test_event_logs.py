"""What every EventLog promises."""

from datetime import timedelta

from gateway.core.happenings import ProgressReported
from tests.support.job_moves import change, running
from tests.support.jobs import NOON


async def test_events_are_read_in_order_by_page(stores):
    job = await running(stores)
    for n in range(1, 5):
        at = NOON + timedelta(seconds=3 * n)
        told = change(job, ProgressReported("prepare", n / 10), f"r{n}", at=at)
        await stores.jobs.commit(told)
        job = told.after
    page = await stores.events.read("j1", 1, 2)
    rest = await stores.events.read("j1", 3, 100)
    assert [event.seq for event in page + rest] == [2, 3, 4, 5]
