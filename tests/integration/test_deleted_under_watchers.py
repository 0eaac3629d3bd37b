"""A job that another gateway on the store ends, deletes and erases while it is watched here."""

import asyncio

import pytest

from tests.support.live import Live, heard, live, until


@pytest.fixture
async def served(tmp_path):
    async with live(tmp_path) as served:
        yield served


async def erased_elsewhere(served: Live, job_id: str) -> None:
    """Do so by a gateway whose bell nobody hears here, between two looks at the log."""
    other = served.world.boot()
    cases = other.app.state.job_use_cases
    await cases.cancel("default", job_id)
    await other.perform()
    await cases.delete("default", job_id)
    await other.perform()
    assert await served.world.stores.jobs.get(job_id) is None


async def test_whoever_watches_is_shown_out_and_no_seat_stays_taken(served):
    job_id = await served.world.submit()
    url = f"/v1/jobs/{job_id}"
    before = asyncio.all_tasks()
    watching = [
        asyncio.create_task(each)
        for each in (
            heard(served.socket(f"{url}/live")),
            heard(served.socket(f"/sampled/{job_id}")),
            served.streamed(job_id),
            served.http.get(f"{url}/events?after=0&wait_s=25"),
            served.http.get(url, headers={"Prefer": "wait=25"}),
        )
    ]
    await until(lambda: served.watching(job_id) == len(watching))
    await until(lambda: served.log.reads > 0)
    await erased_elsewhere(served, job_id)
    live_socket, sampled, stream, poll, read = await asyncio.gather(*watching)
    await until(lambda: served.watching(job_id) == 0)
    assert (live_socket[1], sampled[1]) == (4404, 4404)
    assert [seq for seq, _, _ in stream] in ([], [0])
    assert poll.status_code == 404
    assert (read.status_code, read.json()["id"]) == (200, job_id)
    assert {
        task.get_name() for task in asyncio.all_tasks() - before if "feed" in str(task)
    } == set()
