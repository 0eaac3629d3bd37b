"""No gateway to be reached: what a worker had done by then is neither lost nor done twice."""

import asyncio
import json
from dataclasses import replace

import pytest

from infra.local.object_store.faults import Wrong
from tests.e2e.conftest import expect_one_success

pytestmark = [pytest.mark.processes, pytest.mark.asyncio(loop_scope="module")]

# Workers beat every 3 s; here an attempt that is silent for 7 s is lost.
LOST_AFTER_S = 7
LONGER_S = LOST_AFTER_S + 1


@pytest.fixture(scope="module")
def stack_config(stack_config):
    """An attempt is called lost earlier than in the other files."""
    lost = {
        "CUTROOM_TIMINGS_SUSPECT_AFTER_S": "4",
        "CUTROOM_TIMINGS_LOST_AFTER_S": str(LOST_AFTER_S),
    }
    settings = {**stack_config.settings, **lost}
    return replace(stack_config, settings=settings)


async def held_up(tried, name, delay_s):
    """Return a job that is putting this object, which takes a while."""
    tried.stack.object_faults.clear()
    job_id = await tried.submit()
    prefix = f"output/{job_id}/1/{name}"
    tried.stack.object_faults.add(Wrong.SLOW, method="PUT", key_prefix=prefix, delay_s=delay_s)
    await tried.until_spent()
    return job_id


async def until_published(tried, key):
    async with asyncio.timeout(30):
        while key not in await tried.published():  # noqa: ASYNC110 - nobody tells
            await asyncio.sleep(0.05)


def finished_by_manifest(tried):
    """The jobs of which a gateway's log says that their manifest was their last word."""
    lines = [
        json.loads(line)
        for each in tried.stack.gateways
        for line in each.log_path.read_text().splitlines()
        if "attempt.finished_by_manifest" in line
    ]
    return [line["job_id"] for line in lines]


async def test_one_that_begins_before_the_last_word_ends_with_its_repetition(tried):
    job_id = await held_up(tried, "manifest", 2)
    await tried.kill_gateways()
    await until_published(tried, f"output/{job_id}/1/manifest.json")
    await tried.start_gateways()
    await expect_one_success(tried, job_id)


async def test_the_manifest_speaks_for_a_worker_that_will_not(tried):
    job_id = await held_up(tried, "manifest", 2)
    await tried.kill_gateways()
    await until_published(tried, f"output/{job_id}/1/manifest.json")
    [worker] = tried.stack.emulator.workers
    tried.stack.emulator.kill_worker(worker.pod_id)
    await tried.start_gateways()
    await expect_one_success(tried, job_id)
    assert job_id in finished_by_manifest(tried)


async def test_one_shorter_than_the_workers_patience_costs_nothing(tried):
    job_id = await held_up(tried, "video", 2)
    await tried.kill_gateways()
    await until_published(tried, f"output/{job_id}/1/video.mp4")
    # By now the worker asks where the manifest goes, and goes on asking.
    await tried.start_gateways()
    await expect_one_success(tried, job_id)


async def test_silence_does_not_count_while_no_gateway_can_hear(tried):
    job_id = await held_up(tried, "video", LONGER_S + 4)
    await tried.kill_gateways()
    await asyncio.sleep(LONGER_S)  # longer than an attempt may be silent
    await tried.start_gateways()
    await expect_one_success(tried, job_id)
