"""S4-5, S4-6, S4-8 and S4-12: the Workers API, served by the same application."""

import json
from datetime import timedelta

import pytest

from gateway.core.snapshot import timestamp
from tests.support.jobs import NOON, STORES
from tests.support.s4 import KEYFRAME, an_s4
from tests.support.upload_desk import MP4


@pytest.fixture(params=STORES)
async def s4(request, tmp_path):
    async with an_s4(request.param, tmp_path) as s4:
        yield s4


@pytest.fixture
async def quick(tmp_path):
    async with an_s4("memory", tmp_path, limits={"upload_bytes": 2000}) as s4:
        yield s4


def refused(answer):
    assert set(answer.json()) - {"errors"} == {"detail", "code", "request_id"}
    return answer.status_code, answer.json()["code"]


async def test_s4_8_promises_an_url_that_writes_one_video_once(s4):
    answer = await s4.promised(size_bytes=len(MP4))
    body = answer.json()
    headers = body["headers"]
    assert answer.status_code == 200
    assert set(body) == {
        *("upload_url", "video_key", "method", "headers", "expires_at", "max_bytes"),
    }
    assert body["method"] == "PUT"
    assert body["video_key"].split("/")[::2] == ["input", "video.mp4"]
    assert body["expires_at"] == timestamp(NOON + timedelta(minutes=15))
    assert (headers["if-none-match"], headers["content-type"]) == ("*", "video/mp4")
    assert headers["content-length"] == str(len(MP4))
    assert s4.world.objects.put(body["upload_url"], MP4, headers).status == 200
    assert s4.world.objects.put(body["upload_url"], MP4, headers).status == 412
    assert answer.headers["cache-control"] == "no-store"


async def test_s4_8_gives_a_fresh_url_for_an_id_of_its_own_until_something_is_put(quick):
    key = (await quick.promised()).json()["video_key"]
    job_id = key.split("/")[1]
    again = await quick.promised(job_id=job_id)
    body = again.json()
    put = quick.world.objects.put(
        body["upload_url"], MP4, body["headers"] | {"content-length": str(len(MP4))}
    )
    filled = await quick.promised(job_id=job_id)
    assert (again.status_code, body["video_key"], put.status) == (200, key, 200)
    assert refused(filled) == (409, "upload_exists")


async def test_d135_s4_8_answers_a_foreign_id_like_an_unknown_one(quick):
    job_id = (await quick.promised()).json()["video_key"].split("/")[1]
    async with quick.of_tenant("other") as other:
        foreign = await other.promised(job_id=job_id)
        unknown = await other.promised(job_id="nobody")
    assert refused(foreign) == refused(unknown) == (404, "not_found")
    assert foreign.json()["detail"] == unknown.json()["detail"]


async def test_s4_8_refuses_what_is_no_video_of_a_fitting_size(quick):
    expected = {
        "size_bytes 2001": (413, "upload_too_large"),
        "size_bytes 0": (422, "validation_failed"),
        'size_bytes "9"': (422, "validation_failed"),
        "size_bytes true": (422, "validation_failed"),
        'filename ""': (422, "validation_failed"),
        f'filename "{"x" * 256}"': (422, "validation_failed"),
        'content_type "text/html"': (415, "unsupported_media_type"),
    }
    asked = {case: case.split(" ", 1) for case in expected}
    assert {
        case: refused(await quick.promised(**{name: json.loads(value)}))
        for case, (name, value) in asked.items()
    } == expected


async def test_s4_5_exports_a_stored_video_under_the_id_it_was_promised(s4):
    key = await s4.uploaded()
    answer = await s4.job(
        input_video_key=key,
        type="framing",
        params={"crop_keyframes": [KEYFRAME], "output_width": 720},
        clip_index=3,
        start_time=0.5,
        end_time=2,
    )
    body = answer.json()
    job = await s4.world.job(body["job_id"])
    assert (answer.status_code, body["status"]) == (202, "pending")
    assert set(body) == {"job_id", "status", "websocket_url"}
    assert key == f"input/{job.id}/video.mp4" == job.files[0].key
    assert (job.kind, job.labels) == (
        "export.framing",
        {"project_id": "7", "clip_index": "3"},
    )
    assert (job.input["start_time"], job.input["end_time"]) == (0.5, 2.0)
    assert (job.input["output_width"], job.input["output_height"]) == (720, 1920)


async def test_d104_s4_5_gives_a_second_job_of_one_video_an_id_of_its_own(s4):
    key = await s4.uploaded()
    first = await s4.started(input_video_key=key)
    second = await s4.started(input_video_key=key)
    assert key == f"input/{first}/video.mp4"
    assert second != first
    assert (await s4.shown(second))["input_video_key"] == key


async def test_s4_5_d109_takes_keys_under_input_that_are_there(quick):
    expected = {
        "input/nobody/video.mp4": (404, "input_video_not_found"),
        "input/../secret/video.mp4": (422, "input_key_not_allowed"),
        "output/j1/1/overlay.mp4": (422, "input_key_not_allowed"),
        "/etc/passwd": (422, "input_key_not_allowed"),
        "default/uploads/u1.mp4": (422, "input_key_not_allowed"),
        "": (422, "input_key_not_allowed"),
        "x" * 1025: (422, "validation_failed"),
    }
    answered = {key: refused(await quick.job(input_video_key=key)) for key in expected}
    assert answered == expected


async def test_s4_5_answers_another_tenants_video_like_none(quick):
    key = await quick.uploaded()
    async with quick.of_tenant("other") as other:
        assert refused(await other.job(input_video_key=key)) == (404, "input_video_not_found")


async def test_s4_5_refuses_a_video_that_was_not_put_is_too_large_or_is_none(quick):
    unput = (await quick.promised()).json()["video_key"]
    large = await quick.uploaded(MP4 + bytes(2000))
    text = await quick.uploaded(b"no video at all")
    answers = [await quick.job(input_video_key=key) for key in (unput, large, text)]
    assert [refused(answer) for answer in answers] == [
        (409, "upload_incomplete"),
        (413, "upload_too_large"),
        (415, "type_mismatch"),
    ]
    assert await quick.world.objects.head(large) is None
    assert await quick.world.objects.head(text) is None
    assert (await quick.http.get("/v1/jobs")).json()["items"] == []


async def test_an_empty_video_is_refused_under_the_name_the_caller_gave_its_key(quick):
    keys = [await quick.uploaded(b"") for _ in range(3)]
    answers = [
        await quick.job(input_video_key=keys[0]),
        await quick.project(working_video_key=keys[1]),
        await quick.clip(source_video_key=keys[2]),
    ]
    assert {refused(answer) for answer in answers} == {(422, "size_mismatch")}
    assert [answer.json()["errors"] for answer in answers] == [
        [{"field": field, "message": "nothing is in the file"}]
        for field in ("input_video_key", "working_video_key", "source_video_key")
    ]


MISPLACED = {
    "clip_index": {"clip_index": 0},
    "start_time": {"start_time": 1},
    "end_time": {"end_time": 1.5},
    "params.start_time": {"params": {"start_time": 1}},
    "params.effect_type": {"type": "framing", "params": {"effect_type": "blur"}},
    "params.highlight_regions": {"type": "framing", "params": {"highlight_regions": []}},
    "params.crop_keyframes": {"type": "framing", "params": {}},
    "type": {"type": "trimming"},
    "params": {"params": []},
    "params.crop_keyframes.1.frame": {
        "params": {"crop_keyframes": [KEYFRAME, KEYFRAME | {"frame": -1}]}
    },
}


async def test_s4_5_refuses_known_fields_where_they_do_not_belong(quick):
    key = "input/x/video.mp4"
    answers = {
        field: await quick.job(input_video_key=key, **asked)
        for field, asked in MISPLACED.items()
    }
    assert {refused(answer) for answer in answers.values()} == {(422, "validation_failed")}
    named = {
        field: [error["field"] for error in answer.json()["errors"]]
        for field, answer in answers.items()
    }
    assert named == {field: [field] for field in MISPLACED}


async def test_s4_5_takes_nulls_for_what_only_a_framing_has(quick):
    nulls = {"clip_index": None, "start_time": None, "end_time": None}
    assert (await quick.job(**nulls)).status_code == 202


async def test_s4_6_shows_every_export_and_no_other_job(quick):
    job_id = await quick.started()
    async with quick.of_tenant("other") as other:
        foreign = await other.http.get(f"/api/jobs/{job_id}")
    unknown = await quick.http.get("/api/jobs/nobody")
    assert refused(foreign) == refused(unknown) == (404, "not_found")
    assert (await quick.shown(job_id))["job_id"] == job_id


async def test_s4_6_shows_the_stage_and_progress_of_the_newest_event(s4):
    job_id = await s4.started()
    worker = await s4.worker(job_id)
    s4.world.clock.move(3)
    await worker.report("progress", stage="render", progress=0.4)
    shown = await s4.shown(job_id)
    assert (shown["status"], shown["stage"], shown["progress"]) == ("processing", "render", 40)
    assert shown["updated_at"] == timestamp(NOON + timedelta(seconds=3))
    assert (shown["warnings"], shown["error"]) == ([], None)


async def test_s4_12_cancels_a_job_and_repeating_it_is_harmless(s4):
    job_id = await s4.started()
    url = f"/api/jobs/{job_id}/cancel"
    answers = [await s4.http.post(url) for _ in range(2)]
    shown = await s4.shown(job_id)
    assert [answer.status_code for answer in answers] == [200, 200]
    assert [answer.json() for answer in answers] == [{"cancelled": True, "status": "error"}] * 2
    assert (shown["status"], shown["error_code"]) == ("error", "cancelled")


async def test_s4_12_says_of_a_job_that_ended_otherwise_that_it_is_not_cancelled(s4):
    job_id = await s4.started()
    await s4.finished(job_id)
    answer = await s4.http.post(f"/api/jobs/{job_id}/cancel")
    unknown = await s4.http.post("/api/jobs/nobody/cancel")
    assert answer.json() == {"cancelled": False, "status": "complete"}
    assert refused(unknown) == (404, "not_found")


@pytest.mark.parametrize(
    ("scope", "allowed"),
    [("read", {"GET"}), ("uploads", {"S4-8"}), ("jobs", {"POST", "PUT"})],
)
async def test_each_row_needs_its_scope(quick, scope, allowed):
    rows = [
        ("GET", "/api/jobs/j1", "GET"),
        ("GET", "/api/export/overlay/j1", "GET"),
        ("GET", "/api/export/framing/j1", "GET"),
        ("POST", "/api/jobs", "POST"),
        ("POST", "/api/jobs/j1/cancel", "POST"),
        ("POST", "/api/export/overlay", "POST"),
        ("POST", "/api/export/framing", "POST"),
        ("PUT", "/api/export/projects/7", "PUT"),
        ("PUT", "/api/export/projects/7/clips/0", "PUT"),
        ("POST", "/api/videos/upload-url", "S4-8"),
    ]
    async with quick.of_tenant("default", scope) as one:
        answers = [await one.http.request(method, path) for method, path, _ in rows]
    forbidden = {
        row[2] for row, answer in zip(rows, answers, strict=True) if answer.status_code == 403
    }
    assert forbidden == {"GET", "S4-8", "POST", "PUT"} - allowed


ODD_IDS = ("%3F", "x%3Fy", "..", "%2e%2e", "..%2f..%2fv1%2fkinds", "%00", "x" * 500, "%F0%9F")


@pytest.mark.parametrize(
    ("method", "row"),
    [
        ("GET", "/api/jobs/{}"),
        ("GET", "/api/export/overlay/{}"),
        ("GET", "/api/export/framing/{}"),
        ("POST", "/api/jobs/{}/cancel"),
    ],
    ids=["S4-6", "S4-2", "S4-9", "S4-12"],
)
async def test_d119_an_id_of_any_form_is_looked_up_and_leads_nowhere_else(quick, method, row):
    await quick.started()
    await quick.world.gateway.perform()
    asked = len(quick.world.compute.submit_calls)
    # As bytes on the wire: a client would tidy `..` away.
    targets = [row.format(each).encode() for each in ODD_IDS]
    answers = [
        await quick.http.request(method, "/", extensions={"target": each}) for each in targets
    ]
    await quick.world.gateway.perform()
    compute = quick.world.compute
    assert {refused(answer) for answer in answers} == {(404, "not_found")}
    assert (compute.status_calls, compute.cancel_calls) == ([], [])
    assert len(compute.submit_calls) == asked == 1
