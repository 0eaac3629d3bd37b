"""Two gateways on one database: whoever is asked, it is one service."""

import asyncio
import json
import re
from collections import Counter
from dataclasses import replace
from itertools import groupby

import pytest

from client.cutroom import Cutroom
from infra.local.object_store.faults import Wrong
from infra.local.runpod.faults import FaultKind
from tests.e2e.conftest import CATCHABLE, SAMPLE, expect_one_success
from tests.support.held_renders import held_render
from tests.support.serving import client_here
from tests.support.watchers import Cut, as_socket, by_live, by_poll, by_product, by_sse

pytestmark = [pytest.mark.processes, pytest.mark.asyncio(loop_scope="module")]

CALL = re.compile(r"/v1/work/[^/]+/(claim|outputs|reports)")


@pytest.fixture(scope="module")
def stack_config(stack_config):
    return replace(stack_config, gateways=2)


def answered(gateway):
    """How often a gateway's own log says that it took a claim, outputs, a report or a job."""
    lines = map(json.loads, gateway.log_path.read_text().splitlines())
    requests = [each for each in lines if each["event"] == "request.answered"]
    work = (CALL.fullmatch(each["path"]) for each in requests if each["status"] == 200)
    submits = sum((r["method"], r["path"]) == ("POST", "/v1/jobs") for r in requests)
    return Counter(found[1] for found in work if found) + Counter(jobs=submits)


def files_of(gateway):
    """What a gateway keeps on a disk of its own."""
    return [path for path in gateway.folder.rglob("*") if path.is_file()]


async def test_both_gateways_take_jobs_claims_outputs_and_reports(tried):
    calls = {"jobs", "claim", "outputs", "reports"}
    jobs = 0
    while jobs < 4 or not all(calls <= set(answered(g)) for g in tried.stack.gateways):
        jobs += 1
        assert jobs < 16
        job, _ = await tried.ended(await tried.submit(end_time=0.5))
        assert (job.status, job.attempt) == ("succeeded", 1)
    assert all(each.connections for each in tried.stack.balancer.passed)


async def test_d109_an_export_works_from_both_though_their_disks_are_apart(tried, tmp_path):
    first, second = tried.stack.gateways
    with (
        Cutroom(first.url, tried.stack.api_key) as one,
        Cutroom(second.url, tried.stack.api_key) as other,
    ):
        asset = await tried.call(one.upload, SAMPLE)
        made = []
        for gateway, elsewhere in ((one, other), (other, one)):
            order = tried.framing(source={"asset_id": asset.asset_id}, end_time=0.5)
            submitted = await tried.call(gateway.submit, "export.framing", order)
            job = await tried.call(elsewhere.wait, submitted.id)
            path = tmp_path / job.id
            await tried.call(elsewhere.download, job.output("video"), path)
            made.append((job.status, path.stat().st_size > 1000))
    assert made == [("succeeded", True)] * 2
    assert files_of(first) == files_of(second) == []


async def test_d109_d144_one_gateway_finishes_what_the_other_killed_mid_job_began(tried):
    first, second = tried.stack.gateways

    async def submit_to_the_first():
        order = tried.framing(**CATCHABLE)
        with Cutroom(first.url, tried.stack.api_key) as one:
            return (await tried.call(one.submit, "export.framing", order)).id

    async with held_render(tried.stack, submit_to_the_first) as render:
        await first.kill()
    with Cutroom(second.url, tried.stack.api_key) as other:
        job = await tried.call(other.wait, render.job_id)
    await first.restart()
    await expect_one_success(tried, render.job_id)
    assert (job.status, job.attempt) == ("succeeded", 1)


async def test_d144_all_gateways_killed_mid_job_lose_nothing(tried):
    async with tried.held() as render:
        await tried.kill_gateways()
        await tried.start_gateways()
    await expect_one_success(tried, render.job_id)


@pytest.mark.parametrize("number", [0, 1])
async def test_a_gateway_killed_mid_effect_leaves_it_to_the_other(tried, number):
    """One of the two cases kills who holds the effect; the other one, who does not."""
    tried.fault(kind=FaultKind.REFUSE_RUN, effect="hang")
    job_id = await tried.submitted_while(FaultKind.REFUSE_RUN)
    await tried.stack.gateways[number].kill()
    await expect_one_success(tried, job_id)
    await tried.stack.gateways[number].restart()


async def test_a_repeated_key_is_one_job_whoever_is_asked(tried):
    headers = {"Authorization": f"Bearer {tried.stack.api_key}", "Idempotency-Key": "raced"}
    order = {"kind": "export.framing", "input": tried.framing(end_time=0.5)}
    async with client_here(headers=headers, timeout=30) as http:
        urls = [each.url for each in tried.stack.gateways] * 4
        answers = await asyncio.gather(
            *(http.post(f"{url}/v1/jobs", json=order) for url in urls)
        )
    assert sorted({each.status_code for each in answers}) == [200, 202]
    assert len({each.json()["id"] for each in answers}) == 1


def as_shown(event):
    """What the exports surface makes of a line of the log, as far as is compared here."""
    job = event["job"]
    done = job["status"] == "succeeded"
    word = {"queued": "pending", "running": "processing", "succeeded": "complete"}
    return {
        "status": word[job["status"]],
        "progress": 100 if done else int(job["progress"] * 100 + 1e-6),
        "stage": job["stage"],
        "updated_at": event["at"],
    }


def is_subsequence(some, everything):
    rest = iter(everything)
    return all(each in rest for each in some)


async def heard_by_all(tried, http, job_id, cuts, shown_cuts):
    """Watch a job in every way at once, until each watcher has heard its end."""
    key = {"Authorization": f"Bearer {tried.stack.api_key}"}
    base_url = tried.stack.base_url
    sockets = as_socket(base_url)
    return await asyncio.gather(
        by_poll(http, job_id, cuts[0]),
        by_sse(http, job_id, cuts[1]),
        by_sse(http, job_id, cuts[2]),
        by_live(base_url, key, job_id, cuts[3]),
        by_live(base_url, key, job_id, cuts[4]),
        by_product(f"{sockets}/ws/export/{job_id}", key, shown_cuts[0]),
        by_product(f"{sockets}/api/jobs/{job_id}/ws", key, shown_cuts[1]),
    )


async def test_watchers_cut_and_resumed_all_see_the_log_in_one_order(tried):
    key = {"Authorization": f"Bearer {tried.stack.api_key}"}
    cuts = [Cut(every) for every in (1, 1, 2, 1, 2)]
    shown_cuts = [Cut(2), Cut(2)]
    url = tried.stack.base_url
    async with client_here(base_url=url, headers=key) as http:
        async with tried.held() as render:
            job_id = render.job_id
            watching = asyncio.create_task(heard_by_all(tried, http, job_id, cuts, shown_cuts))
            # So that there is something to tell between the render and the end.
            tried.stack.object_faults.add(
                Wrong.SLOW, method="PUT", key_prefix=f"output/{job_id}/", delay_s=3
            )
            async with asyncio.timeout(60):
                while cuts[0].times < 2:  # noqa: ASYNC110 - nobody tells
                    await asyncio.sleep(0.05)
        *heard, at_export, at_job = await watching
        log = (await http.get(f"/v1/jobs/{job_id}/events")).json()["events"]
    assert [event["seq"] for event in log] == list(range(len(log)))
    assert log[-1]["type"] == "succeeded"
    assert all(each == log for each in heard)
    projected = [as_shown(event) for event in log]
    for shown in (at_export, at_job):
        seen = [{name: each[name] for name in projected[0]} for each in shown]
        fresh = [each for each, _ in groupby(seen)]
        assert is_subsequence(fresh, projected)
        assert fresh[-1] == projected[-1]
        assert len(fresh) > 2
    assert all(cut.times >= 2 for cut in (*cuts, *shown_cuts))
