"""Exports while what is behind the gateway refuses, is late, breaks, or is very large."""

from contextlib import asynccontextmanager
from dataclasses import replace

import pytest
from typing_extensions import override

from gateway.adapters.memory.jobs import MemoryJobStore
from gateway.adapters.memory.objects import MemoryObjectStore
from gateway.core.media_types import HEAD_BYTES
from gateway.services.export_inputs import KEPT_FOR
from tests.support.jobs import STORES
from tests.support.s4 import an_s4
from tests.support.upload_desk import MP4

LARGE_BYTES = 2 * 2**30


class Vast(MemoryObjectStore):
    """A bucket whose videos go on with zeros up to 2 GiB; what is read of them is counted."""

    def __init__(self, signer):
        super().__init__(signer)
        self.read_bytes = 0

    @override
    async def head(self, key):
        found = await super().head(key)
        return found and replace(found, size_bytes=LARGE_BYTES)

    @override
    async def read_range(self, key, start, length):
        body = await super().read_range(key, start, length)
        self.read_bytes += length
        return body.ljust(length, b"\0")


@pytest.fixture(params=STORES)
async def s4(request, tmp_path):
    async with an_s4(request.param, tmp_path) as s4:
        yield s4


def refused(answer):
    assert set(answer.json()) - {"errors"} == {"detail", "code", "request_id"}
    return answer.status_code, answer.json()["code"]


async def the_only_job(s4):
    [job] = (await s4.http.get("/v1/jobs")).json()["items"]
    return job


@pytest.mark.parametrize("store", STORES)
async def test_d105_a_job_refused_for_a_limit_leaves_no_object_after_the_sweep(tmp_path, store):
    async with an_s4(store, tmp_path, limits={"open_jobs_per_tenant": 1}) as s4:
        made = await s4.started()
        key = await s4.uploaded()
        answer = await s4.job(input_video_key=key)
        before = await s4.world.objects.list_keys("input/", None, 9)
        s4.world.clock.move(KEPT_FOR.total_seconds() + 1)
        await s4.world.gateway.tick()
        after = await s4.world.objects.list_keys("input/", None, 9)
    of_the_job = f"input/{made}/video.mp4"
    assert refused(answer) == (429, "too_many_open_jobs")
    assert (sorted(before), after) == (sorted([of_the_job, key]), [of_the_job])


class Full(MemoryJobStore):
    """A database that takes no more jobs."""

    @override
    async def create(self, new):
        raise RuntimeError("disk full")


async def test_d105_a_job_that_could_not_be_written_leaves_no_object_after_the_sweep(tmp_path):
    @asynccontextmanager
    async def full(folder):
        async with STORES["memory"](folder) as stores:
            yield replace(stores, jobs=Full(stores.jobs._t))

    async with an_s4(full, tmp_path) as s4:
        key = await s4.uploaded()
        answer = await s4.job(input_video_key=key)
        there = await s4.world.objects.head(key)
        s4.world.clock.move(KEPT_FOR.total_seconds() + 1)
        await s4.world.gateway.tick()
        gone = await s4.world.objects.head(key)
        again = await s4.job(input_video_key=key)
    assert refused(answer) == (500, "internal")
    assert (there is not None, gone) == (True, None)
    assert refused(again) == (404, "input_video_not_found")


async def test_d106_runpod_answers_too_late_and_the_client_repeats_and_it_is_one_job(s4):
    key = await s4.uploaded()
    s4.world.compute.accept_and_time_out()
    first = await s4.job(key="k", input_video_key=key)
    await s4.world.gateway.perform()
    again = await s4.job(key="k", input_video_key=key)
    await s4.world.pass_time(5)  # by then RunPod has been asked once more
    job_id = first.json()["job_id"]
    await s4.finished(job_id)
    assert (first.status_code, again.status_code, again.json()["job_id"]) == (202, 200, job_id)
    assert len(s4.world.compute.submitted) == 2
    assert ((await the_only_job(s4))["id"], (await s4.world.job(job_id)).fence) == (job_id, 1)
    assert (await s4.shown(job_id))["status"] == "complete"


async def test_d106_a_runpod_that_is_busy_or_away_is_no_matter_of_the_client(s4):
    s4.world.compute.lose_submits(3)
    job_id = await s4.started()
    await s4.world.gateway.perform()
    waiting = await s4.shown(job_id)
    await s4.world.pass_time(60)
    await s4.finished(job_id)
    assert (waiting["status"], waiting["error"]) == ("pending", None)
    assert (await s4.shown(job_id))["status"] == "complete"


async def test_d106_a_runpod_that_refuses_is_an_error_of_the_job_and_no_500(s4):
    s4.world.compute.refuse_submits()
    job_id = await s4.started()
    await s4.world.gateway.perform()
    shown = await s4.shown(job_id)
    assert (shown["status"], shown["error_code"]) == ("error", "internal")
    assert shown["error"] == "No worker could be asked for."


async def test_d107_of_a_2_gib_input_64_kib_are_read_before_the_job_is_there(tmp_path):
    async with an_s4("memory", tmp_path, bucket=Vast) as s4:
        key = await s4.uploaded(MP4)
        answer = await s4.job(input_video_key=key)
        worker = await s4.worker(answer.json()["job_id"])  # and there its GET is held
        [file] = worker.order.files
        shown = await s4.shown(worker.job_id)
        read_bytes = s4.world.objects.read_bytes
    assert (answer.status_code, answer.json()["status"]) == (202, "pending")
    assert (file.size_bytes, file.name, shown["status"]) == (
        LARGE_BYTES,
        "source",
        "processing",
    )
    assert 0 < read_bytes <= HEAD_BYTES == 2**16


async def test_d110_a_store_that_is_away_is_503_and_says_when_to_come_back(s4):
    keys = [await s4.uploaded() for _ in range(3)]
    s4.world.objects.available = False
    answers = [
        await s4.job(input_video_key=keys[0]),
        await s4.project(working_video_key=keys[1]),
        await s4.clip(source_video_key=keys[2]),
    ]
    s4.world.objects.available = True
    again = await s4.job(input_video_key=keys[0])
    assert {refused(answer) for answer in answers} == {(503, "unavailable")}
    assert all(int(answer.headers["retry-after"]) > 0 for answer in answers)
    assert again.status_code == 202


async def test_d110_what_each_route_lacks_has_a_code_of_its_own(s4):
    absent = [await s4.overlay(), await s4.framing(), await s4.job(input_video_key="input/x/y")]
    await s4.project(working_video_key=None)
    await s4.clip()
    empty = await s4.overlay()
    async with s4.of_tenant("default", "read") as reader:
        forbidden = [await reader.overlay(), await reader.framing()]
    await s4.project()
    made = [await s4.overlay(key="k"), await s4.framing(key="k")]
    conflicts = [
        await s4.overlay(key="k", output_width=720),
        await s4.framing(key="k", output_width=720),
    ]
    assert [refused(answer) for answer in absent] == [
        (404, "project_not_found"),
        (404, "clip_not_found"),
        (404, "input_video_not_found"),
    ]
    assert refused(empty) == (400, "no_working_video")
    assert {refused(answer) for answer in forbidden} == {(403, "forbidden")}
    assert [answer.status_code for answer in made] == [202, 202]
    assert {refused(answer) for answer in conflicts} == {(409, "idempotency_conflict")}


async def test_d118_an_address_with_http_in_its_host_reaches_the_worker_as_it_is(tmp_path):
    base_url = "https://http-edge.example/http"
    async with an_s4("memory", tmp_path, public_base_url=base_url) as s4:
        answer = await s4.job()
        worker = await s4.worker(answer.json()["job_id"])
    claim_url = f"{base_url}/v1/work/{worker.job_id}/claim"
    assert worker.request.input["claim_url"] == claim_url
    assert answer.json()["websocket_url"].startswith(f"/api/jobs/{worker.job_id}/ws?")
