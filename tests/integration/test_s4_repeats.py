"""Idempotency keys of the exports surface, and fields it does not know."""

import asyncio

import pytest

from tests.support.jobs import STORES
from tests.support.s4 import KEYFRAME, an_s4
from tests.support.upload_desk import MP4


@pytest.fixture(params=STORES)
async def s4(request, tmp_path):
    async with an_s4(request.param, tmp_path, limits={"open_jobs_per_tenant": 4}) as s4:
        await s4.project()
        await s4.clip()
        yield s4


@pytest.fixture
async def quick(tmp_path):
    async with an_s4("memory", tmp_path) as s4:
        await s4.project()
        await s4.clip()
        yield s4


async def jobs_of(s4):
    return (await s4.http.get("/v1/jobs")).json()["items"]


def unknown(answer):
    """The fields an answer says it ignored."""
    warnings = answer.json()["warnings"]
    assert {warning["code"] for warning in warnings} == {"unknown_field"}
    return {warning["message"].split()[0] for warning in warnings}


async def test_d106_a_repeat_is_the_first_job_as_it_stands_whatever_has_changed(s4):
    overlay = (await s4.overlay(key="k")).json()["job_id"]
    framing = (await s4.framing(key="k")).json()["job_id"]
    stored = await s4.uploaded()
    by_key = (await s4.job(key="k", input_video_key=stored)).json()["job_id"]
    await s4.worker(overlay)
    await s4.project(working_video_key=None)
    await s4.clip()
    await s4.overlay(project_id=8)
    await s4.job(input_video_key=stored)  # the tenant is at its limit now
    repeats = [
        await s4.overlay(key="k"),
        await s4.framing(key="k"),
        await s4.job(key="k", input_video_key=stored),
    ]
    assert [answer.status_code for answer in repeats] == [200, 200, 200]
    assert [answer.json()["job_id"] for answer in repeats] == [overlay, framing, by_key]
    assert [a.json()["status"] for a in repeats] == ["processing", "pending", "pending"]
    assert len({overlay, framing, by_key}) == 3
    assert len(await jobs_of(s4)) == 4


async def test_d106_another_request_under_the_same_key_is_409(quick):
    stored = await quick.uploaded()
    await quick.overlay(key="k")
    await quick.framing(key="k")
    await quick.job(key="k", input_video_key=stored)
    others = [
        await quick.overlay(key="k", output_width=720),
        await quick.overlay(key="k", project_id=9),
        await quick.framing(key="k", clip_index=1),
        await quick.job(key="k", input_video_key="input/x/video.mp4"),
        await quick.job(key="k", input_video_key=stored, project_id=9),
    ]
    found = {(answer.status_code, answer.json()["code"]) for answer in others}
    assert found == {(409, "idempotency_conflict")}


async def test_d106_one_input_is_one_input_however_it_is_spelled(quick):
    said = {"crop_keyframes": [KEYFRAME | {"frame": 9}, KEYFRAME], "note": 1}
    again = {
        "crop_keyframes": [KEYFRAME, KEYFRAME | {"frame": 9.0}],
        "output_width": 1080.0,
        "highlight_regions": [],
    }
    first = await quick.overlay(key="k", **said)
    second = await quick.overlay(key="k", **again)
    assert (first.status_code, second.status_code) == (202, 200)
    assert first.json()["job_id"] == second.json()["job_id"]


async def test_d106_raced_repeats_make_one_job(s4):
    answers = await asyncio.gather(*(s4.overlay(key="k") for _ in range(8)))
    assert sorted(answer.status_code for answer in answers) == [200] * 7 + [202]
    assert len({answer.json()["job_id"] for answer in answers}) == 1
    assert len(await jobs_of(s4)) == 1


async def test_d106_raced_jobs_of_one_promised_id_give_it_to_one(s4):
    key = await s4.uploaded()
    answers = await asyncio.gather(*(s4.job(input_video_key=key) for _ in range(3)))
    ids = [answer.json()["job_id"] for answer in answers]
    assert [answer.status_code for answer in answers] == [202] * 3
    assert len(set(ids)) == 3
    assert ids.count(key.split("/")[1]) == 1


@pytest.mark.parametrize("key", ["", "x" * 129, "with space"])
async def test_an_idempotency_key_of_another_form_is_refused(quick, key):
    headers = {"Idempotency-Key": key}
    body = {"project_id": 7}
    answer = await quick.http.post("/api/export/overlay", json=body, headers=headers)
    assert (answer.status_code, answer.json()["code"]) == (422, "validation_failed")


async def test_d146_unknown_fields_are_ignored_and_named_on_every_row(quick):
    keyframes = [KEYFRAME | {"easing": "linear"}]
    stored = await quick.uploaded()
    params = {"crop_keyframes": keyframes, "fps": 30}
    assert unknown(await quick.overlay(colour="red", crop_keyframes=keyframes)) == {
        "colour",
        "crop_keyframes.0.easing",
    }
    assert unknown(await quick.framing(start_time=1)) == {"start_time"}
    asked = await quick.job(input_video_key=stored, params=params, clip="a")
    assert unknown(asked) == {"clip", "params.fps", "params.crop_keyframes.0.easing"}
    assert unknown(await quick.promised(user_id=9)) == {"user_id"}
    assert unknown(await quick.project(name="Finale", working_video_key=None)) == {"name"}
    assert unknown(await quick.clip(source_video_key=stored, title={"en": 1})) == {"title"}


async def test_d146_v1_refuses_what_a_product_ignores(quick):
    wanted = {"filename": "a.mp4", "content_type": "video/mp4", "size_bytes": len(MP4)}
    answer = await quick.http.post("/v1/uploads", json=wanted | {"user_id": 9})
    assert (answer.status_code, answer.json()["errors"][0]["field"]) == (422, "user_id")


async def test_d146_an_unknown_field_leaves_no_trace_in_the_job(quick):
    answer = await quick.overlay(user_id="other", tenant="other")
    job = await quick.world.job(answer.json()["job_id"])
    assert (job.tenant, job.labels) == ("default", {"project_id": "7"})
    assert "user_id" not in job.input
    assert (await quick.shown(job.id))["warnings"] == []
