"""What the exports surface refuses, in its own words, on both routes alike."""

import json
import logging

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from gateway.api.products.exports.models import OverlayAsked
from shared.kinds import load_kinds
from tests.support.s4 import FRAMING, KEYFRAME, OVERLAY, REGION, an_s4

SECRET = "s3cret-host.internal /srv/videos/key-17"
MIB = 2**20


@pytest.fixture
async def s4(tmp_path):
    async with an_s4("memory", tmp_path) as s4:
        await s4.project()
        await s4.clip()
        yield s4


async def on_every_route(s4, look):
    """Ask for the same look on S4-1, S4-3 and both sorts of S4-5."""
    key = await s4.uploaded()
    return [
        await s4.overlay(**look),
        await s4.framing(**look),
        await s4.job(input_video_key=key, params=look),
        await s4.job(
            input_video_key=key, type="framing", params={"crop_keyframes": [], **look}
        ),
    ]


async def jobs_of(s4):
    return (await s4.http.get("/v1/jobs")).json()["items"]


def refused(answer):
    body = answer.json()
    fields = {"errors"} if answer.status_code == 422 else set()
    assert set(body) == {"detail", "code", "request_id"} | fields
    assert body["request_id"] == answer.headers["x-request-id"]
    return answer.status_code, body["code"]


OVERLAY_LOOKS = [
    ({"effect_type": "sparkle"}, "unknown_effect_type", "effect_type"),
    (
        {"highlight_regions": [REGION | {"end_frame": 0}]},
        "invalid_range",
        "highlight_regions.0.end_frame",
    ),
    (
        {"highlight_regions": [REGION | {"opacity": 9}]},
        "validation_failed",
        "highlight_regions.0.opacity",
    ),
    ({"highlight_regions": [REGION] * 501}, "validation_failed", "highlight_regions"),
]
LOOKS = [
    ({"output_width": 1081}, "validation_failed", "output_width"),
    ({"output_width": 0}, "validation_failed", "output_width"),
    ({"output_width": 100_000}, "validation_failed", "output_width"),
    ({"output_height": "1920"}, "validation_failed", "output_height"),
    ({"output_width": 4096, "output_height": 4096}, "validation_failed", "output_width"),
    (
        {"crop_keyframes": [KEYFRAME, KEYFRAME | {"x": 5}]},
        "duplicate_keyframe",
        "crop_keyframes.1.frame",
    ),
    (
        {"crop_keyframes": [KEYFRAME | {"width": -1}]},
        "validation_failed",
        "crop_keyframes.0.width",
    ),
    (
        {"crop_keyframes": [KEYFRAME | {"frame": -1}]},
        "validation_failed",
        "crop_keyframes.0.frame",
    ),
]


async def test_d121_d123_a_look_that_cannot_be_is_refused_on_every_route(s4):
    for look, code, field in LOOKS:
        overlay, framing, *by_key = await on_every_route(s4, look)
        answers = [overlay, framing, *by_key]
        assert [refused(answer) for answer in answers] == [(422, code)] * 4
        named = [answer.json()["errors"][0]["field"] for answer in answers]
        assert named == [field, field, f"params.{field}", f"params.{field}"]
    assert await jobs_of(s4) == []


async def test_d121_d122_effects_and_regions_that_cannot_be_are_refused(s4):
    key = await s4.uploaded()
    for look, code, field in OVERLAY_LOOKS:
        answers = [await s4.overlay(**look), await s4.job(input_video_key=key, params=look)]
        assert [refused(answer) for answer in answers] == [(422, code)] * 2
        named = [answer.json()["errors"][0]["field"] for answer in answers]
        assert named == [field, f"params.{field}"]
    assert await jobs_of(s4) == []


NUMBERS = st.one_of(
    st.floats(allow_nan=True).filter(lambda x: not 16 <= x <= 100_000),
    st.text(max_size=3),
    st.booleans(),
    st.none(),
)


@given(st.sampled_from(["width", "height"]), NUMBERS)
@settings(suppress_health_check=[HealthCheck.too_slow])
def test_d121_no_crop_of_an_impossible_size_passes(name, value):
    with pytest.raises(ValidationError):
        OverlayAsked.model_validate(
            {"project_id": 7, "crop_keyframes": [KEYFRAME | {name: value}]}
        )


async def test_d121_nan_in_raw_json_is_refused_with_its_field(s4):
    body = json.dumps({"project_id": 7, "crop_keyframes": [KEYFRAME | {"x": float("nan")}]})
    assert "NaN" in body
    headers = {"Content-Type": "application/json"}
    answers = [await s4.http.post(p, content=body, headers=headers) for p in (OVERLAY, FRAMING)]
    assert [refused(answer) for answer in answers] == [(422, "validation_failed")] * 2
    named = [answer.json()["errors"][0]["field"] for answer in answers]
    assert named == ["crop_keyframes.0.x"] * 2


async def test_project_ids_are_whole_numbers_and_nothing_like_them(s4):
    wrong = ["7", 7.0, True, None, 0, -1, 2**53 + 1]
    overlays = [await s4.overlay(project_id=each) for each in wrong]
    framings = [await s4.framing(project_id=each) for each in wrong]
    workers = [await s4.job(project_id=each, input_video_key="x") for each in wrong]
    answers = [*overlays, *framings, *workers]
    assert {refused(answer) for answer in answers} == {(422, "validation_failed")}
    assert {error["field"] for a in answers for error in a.json()["errors"]} == {"project_id"}


async def test_d126_null_and_no_keyframes_are_one_rule_on_every_route(s4):
    shapes = []
    for keyframes in (None, []):
        for answer in await on_every_route(s4, {"crop_keyframes": keyframes}):
            assert answer.status_code == 202, answer.text
            job = await s4.world.job(answer.json()["job_id"])
            shapes.append(load_kinds()[job.kind].parse_input(job.input).crop_keyframes or ())
    assert shapes == [()] * 8


async def test_d110_common_faults_have_one_code_on_every_route(s4):
    nobody = {"Authorization": "Bearer ck_aaaaaaaa_bbbb"}
    large = json.dumps({"project_id": 7, "note": "x" * (3 * MIB // 2)})
    said = {"Content-Type": "application/json"}
    for path in (OVERLAY, FRAMING, "/api/jobs"):
        answers = [
            await s4.http.post(path, json={}, headers=nobody),
            await s4.http.post(path, content=large, headers=said),
            await s4.http.post(path, content="a=1"),
            await s4.http.post(path, content="{", headers=said),
            await s4.http.post(path, json={}),
            await s4.http.patch(path, json={}),
            await s4.http.get(f"{path}/nobody/deeper"),
        ]
        assert [refused(answer) for answer in answers] == [
            (401, "unauthenticated"),
            (413, "payload_too_large"),
            (415, "unsupported_media_type"),
            (422, "validation_failed"),
            (422, "validation_failed"),
            (405, "method_not_allowed"),
            (404, "not_found"),
        ]


async def test_a_body_of_an_export_may_be_larger_than_others(s4):
    keyframes = [
        {**KEYFRAME, "frame": n, "x": n / 7, "y": n / 11, "width": 600 + n / 13}
        for n in range(10_000)
    ]
    body = json.dumps({"project_id": 7, "crop_keyframes": keyframes})
    headers = {"Content-Type": "application/json"}
    taken = await s4.http.post(OVERLAY, content=body, headers=headers)
    other = await s4.http.post("/v1/jobs", content=body, headers=headers)
    assert MIB < len(body) < 3 * MIB // 2
    assert (taken.status_code, other.status_code) == (202, 413)


async def test_d147_over_the_limit_of_open_jobs_is_429_and_says_when(tmp_path):
    async with an_s4("memory", tmp_path, limits={"open_jobs_per_tenant": 1}) as s4:
        await s4.project()
        await s4.clip()
        await s4.overlay()
        answers = [await s4.overlay(), await s4.framing(), await s4.job()]
    assert {refused(answer) for answer in answers} == {(429, "too_many_open_jobs")}
    assert {answer.headers["retry-after"] for answer in answers} == {"10"}


async def test_d20_d31_what_breaks_inside_is_told_in_a_fixed_sentence(s4, caplog):
    job_id = await s4.started()

    async def broken(*_):
        raise RuntimeError(SECRET)

    s4.world.stores.events.read = broken
    with caplog.at_level(logging.ERROR, logger="gateway"):
        answer = await s4.http.get(f"/api/jobs/{job_id}")
    assert refused(answer) == (500, "internal")
    assert SECRET not in answer.text
    (record,) = caplog.records
    assert record.request_id == answer.json()["request_id"]


async def test_an_idempotency_key_says_nothing_where_no_job_is_made(s4):
    job_id = await s4.started()
    headers = {"Idempotency-Key": "not a key"}
    answers = [
        await s4.http.get(f"/api/jobs/{job_id}", headers=headers),
        await s4.http.get(f"/api/export/overlay/{job_id}", headers=headers),
        await s4.http.post(f"/api/jobs/{job_id}/cancel", headers=headers),
    ]
    assert [answer.status_code for answer in answers] == [200, 200, 200]
    assert refused(await s4.overlay("not a key")) == (422, "validation_failed")


async def test_a_request_with_two_idempotency_keys_is_refused(s4):
    two = [("Idempotency-Key", "one"), ("Idempotency-Key", "two")]
    answer = await s4.http.post(OVERLAY, json={"project_id": 7}, headers=two)
    assert refused(answer) == (422, "validation_failed")
    assert [each["field"] for each in answer.json()["errors"]] == ["idempotency-key"]
