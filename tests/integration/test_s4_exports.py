"""S4-1 to S4-3 and S4-9: exports of what a project holds."""

import pytest

from gateway.core.surfaces import Surface
from tests.support.jobs import STORES
from tests.support.s4 import FRAMING, KEYFRAME, OVERLAY, REGION, an_s4

JOB = {
    "job_id",
    "project_id",
    "type",
    "status",
    "progress",
    "stage",
    "input_video_key",
    "output_video_key",
    "output_url",
    "error",
    "error_code",
    "retryable",
    "warnings",
    "created_at",
    "updated_at",
    "completed_at",
    "websocket_url",
}


@pytest.fixture(params=STORES)
async def s4(request, tmp_path):
    async with an_s4(request.param, tmp_path) as s4:
        yield s4


async def jobs_of(s4):
    return (await s4.http.get("/v1/jobs")).json()["items"]


async def test_s4_1_an_overlay_is_made_of_the_projects_working_video(s4):
    key = await s4.uploaded()
    await s4.project(working_video_key=key)
    answer = await s4.overlay(highlight_regions=[REGION], effect_type="tint")
    body = answer.json()
    job = await s4.world.job(body["job_id"])
    assert (answer.status_code, set(body)) == (202, {"job_id", "status", "websocket_url"})
    assert body["status"] == "pending"
    assert body["websocket_url"].startswith(f"/api/jobs/{job.id}/ws?ticket=tj_")
    assert (job.kind, job.surface, job.labels) == (
        "export.overlay",
        Surface.EXPORTS,
        {"project_id": "7"},
    )
    assert [file.key for file in job.files] == [key]
    assert job.input["highlight_regions"] == [REGION | {"opacity": 1.0, "color": "#ffffff"}]
    assert (job.input["effect_type"], job.input["output_width"]) == ("tint", 1080)


async def test_s4_1_a_later_change_of_the_project_does_not_touch_the_job(s4):
    first = await s4.uploaded()
    await s4.project(working_video_key=first)
    job_id = (await s4.overlay()).json()["job_id"]
    await s4.project(working_video_key=await s4.uploaded())
    assert (await s4.shown(job_id))["input_video_key"] == first


async def test_s4_1_refuses_a_project_that_is_not_there_or_has_no_video(s4):
    absent = await s4.overlay()
    await s4.project(working_video_key=None)
    empty = await s4.overlay()
    await s4.project(working_video_key=await s4.uploaded())
    job_id = (await s4.overlay()).json()["job_id"]
    await s4.finished(job_id)
    asset_id = (await s4.world.job(job_id)).files[0].asset_id
    assert (await s4.http.delete(f"/v1/assets/{asset_id}")).status_code == 204
    deleted = await s4.overlay()
    assert [(a.status_code, a.json()["code"]) for a in (absent, empty, deleted)] == [
        (404, "project_not_found"),
        (400, "no_working_video"),
        (400, "no_working_video"),
    ]
    assert len(await jobs_of(s4)) == 1


async def test_s4_2_an_overlay_is_read_from_its_beginning_to_its_end(s4):
    await s4.project()
    job_id = (await s4.overlay()).json()["job_id"]
    first = (await s4.http.get(f"{OVERLAY}/{job_id}")).json()
    await s4.finished(job_id)
    answer = await s4.http.get(f"{OVERLAY}/{job_id}")
    last = answer.json()
    assert set(first) == set(last) == JOB
    assert (first["status"], first["progress"], first["project_id"]) == ("pending", 0, 7)
    assert (first["output_video_key"], first["output_url"]) == (None, None)
    assert (last["status"], last["progress"], last["type"]) == ("complete", 100, "overlay")
    assert last["output_video_key"] == f"output/{job_id}/1/overlay.mp4"
    assert s4.world.objects.get(last["output_url"]).status == 200
    assert answer.headers["cache-control"] == "no-store"


async def test_s4_2_and_s4_9_show_only_their_own_sort_of_export(s4):
    await s4.project()
    await s4.clip()
    overlay = (await s4.overlay()).json()["job_id"]
    framing = (await s4.framing()).json()["job_id"]
    answers = [
        await s4.http.get(path)
        for path in (
            f"{OVERLAY}/{overlay}",
            f"{FRAMING}/{framing}",
            f"{OVERLAY}/{framing}",
            f"{FRAMING}/{overlay}",
            f"{OVERLAY}/nobody",
            f"{FRAMING}/nobody",
        )
    ]
    assert [answer.status_code for answer in answers] == [200, 200, 404, 404, 404, 404]
    assert answers[2].json()["code"] == "not_found"


async def test_s4_3_a_framing_takes_times_and_source_from_the_clip(s4):
    key = await s4.uploaded()
    await s4.clip(clip_index=2, source_video_key=key, start_time=1.5, end_time=4)
    answer = await s4.framing(clip_index=2, crop_keyframes=[KEYFRAME], output_width=720)
    job = await s4.world.job(answer.json()["job_id"])
    assert (answer.status_code, answer.json()["status"]) == (202, "pending")
    assert (job.kind, job.labels) == (
        "export.framing",
        {"project_id": "7", "clip_index": "2"},
    )
    assert (job.input["start_time"], job.input["end_time"]) == (1.5, 4.0)
    assert (job.input["output_width"], job.files[0].key) == (720, key)
    assert job.input["crop_keyframes"] == [KEYFRAME]


async def test_s4_3_refuses_a_clip_that_is_not_there_or_has_no_source(s4):
    await s4.project()
    absent = await s4.framing()
    await s4.clip()
    other = await s4.framing(clip_index=1)
    job_id = (await s4.framing()).json()["job_id"]
    await s4.finished(job_id)
    asset_id = (await s4.world.job(job_id)).files[0].asset_id
    await s4.http.delete(f"/v1/assets/{asset_id}")
    deleted = await s4.framing()
    assert [(a.status_code, a.json()["code"]) for a in (absent, other, deleted)] == [
        (404, "clip_not_found"),
        (404, "clip_not_found"),
        (400, "source_video_not_found"),
    ]


async def test_s4_9_a_framing_is_read_like_an_overlay(s4):
    await s4.clip()
    job_id = (await s4.framing()).json()["job_id"]
    await s4.finished(job_id)
    shown = (await s4.http.get(f"{FRAMING}/{job_id}")).json()
    assert set(shown) == JOB
    assert (shown["type"], shown["status"]) == ("framing", "complete")
    assert shown["output_video_key"] == f"output/{job_id}/1/framing.mp4"


async def test_d104_one_id_in_answer_keys_and_events(s4):
    job_id = await s4.started()
    await s4.finished(job_id)
    job = await s4.world.job(job_id)
    events = (await s4.http.get(f"/v1/jobs/{job_id}/events")).json()["events"]
    assert job.files[0].key == f"input/{job_id}/video.mp4"
    assert [output.key for output in job.outputs] == [f"output/{job_id}/1/overlay.mp4"]
    assert {event["job"]["id"] for event in events} == {job_id}


async def test_a_job_made_on_v1_is_shown_without_a_project(s4):
    await s4.project()
    of_project = await s4.world.job((await s4.overlay()).json()["job_id"])
    wanted = {
        "kind": "export.overlay",
        "input": {"source": {"asset_id": of_project.files[0].asset_id}},
        "labels": {"project_id": "seven"},
    }
    made = (await s4.http.post("/v1/jobs", json=wanted)).json()
    shown = await s4.shown(made["id"])
    assert (shown["project_id"], shown["type"]) == (None, "overlay")


async def test_the_prefix_of_the_export_routes_is_a_setting(tmp_path):
    async with an_s4("memory", tmp_path, export_route_prefix="/exports") as s4:
        moved = await s4.http.put("/exports/projects/7", json={"working_video_key": None})
        old = await s4.http.put("/api/export/projects/7", json={"working_video_key": None})
        lost = await s4.http.get("/exports/nowhere")
    assert (moved.status_code, old.status_code) == (200, 404)
    assert set(lost.json()) == {"detail", "code", "request_id"}
