"""S4-10 and S4-11: what there is to export, each tenant's own."""

import asyncio
from datetime import timedelta

import psutil
import pytest

from gateway.core.snapshot import timestamp
from gateway.services.export_inputs import KEPT_FOR
from shared.errors import NotFound
from tests.support.jobs import NOON, STORES
from tests.support.s4 import an_s4

AT_NOON, LATER = timestamp(NOON), timestamp(NOON + timedelta(seconds=60))


@pytest.fixture(params=STORES)
async def s4(request, tmp_path):
    async with an_s4(request.param, tmp_path) as s4:
        yield s4


@pytest.fixture
async def quick(tmp_path):
    async with an_s4("memory", tmp_path) as s4:
        yield s4


def refused(answer):
    return answer.status_code, answer.json()["code"]


async def test_s4_10_registers_a_project_and_completes_its_upload(s4):
    key = await s4.uploaded()
    first = await s4.project(working_video_key=key)
    s4.world.clock.move(60)
    second = await s4.project(working_video_key=None)
    upload = await s4.http.get(f"/v1/uploads/{key.split('/')[1]}")
    assert (first.status_code, first.json()) == (
        200,
        {
            "project_id": 7,
            "working_video_key": key,
            "created_at": AT_NOON,
            "updated_at": AT_NOON,
        },
    )
    assert second.json() == {
        "project_id": 7,
        "working_video_key": None,
        "created_at": AT_NOON,
        "updated_at": LATER,
    }
    assert upload.json()["status"] == "complete"


async def test_s4_11_registers_a_clip_and_the_project_it_is_of(s4):
    key = await s4.uploaded()
    answer = await s4.clip(8, 2, source_video_key=key, start_time=1.5)
    overlay = await s4.overlay(project_id=8)
    assert (answer.status_code, answer.json()) == (
        200,
        {
            "project_id": 8,
            "clip_index": 2,
            "source_video_key": key,
            "start_time": 1.5,
            "end_time": None,
            "created_at": AT_NOON,
            "updated_at": AT_NOON,
        },
    )
    assert refused(overlay) == (400, "no_working_video")


async def test_s4_11_begins_at_the_beginning_unless_said(quick):
    assert (await quick.clip()).json()["start_time"] == 0.0
    assert (await quick.clip(start_time=None, end_time=2)).json()["start_time"] == 0.0


async def test_s4_11_refuses_a_range_that_is_none(quick):
    wanted = [(2, 2), (2, 1), (None, 0)]
    answers = [
        await quick.clip(source_video_key="input/x/video.mp4", start_time=start, end_time=end)
        for start, end in wanted
    ]
    assert {refused(answer) for answer in answers} == {(422, "invalid_range")}
    assert {error["field"] for a in answers for error in a.json()["errors"]} == {"end_time"}


async def test_s4_10_and_s4_11_refuse_keys_as_s4_5_does(quick):
    unput = (await quick.promised()).json()["video_key"]
    text = await quick.uploaded(b"no video at all")
    expected = {
        "input/nobody/video.mp4": (404, "input_video_not_found"),
        "/etc/passwd": (422, "input_key_not_allowed"),
        unput: (409, "upload_incomplete"),
        text: (415, "type_mismatch"),
    }
    projects = {key: await quick.project(working_video_key=key) for key in expected}
    gone = expected | {text: (404, "input_video_not_found")}
    clips = {key: await quick.clip(source_video_key=key) for key in gone}
    assert {key: refused(answer) for key, answer in projects.items()} == expected
    assert {key: refused(answer) for key, answer in clips.items()} == gone
    named = [a["/etc/passwd"].json()["errors"][0]["field"] for a in (projects, clips)]
    assert named == ["working_video_key", "source_video_key"]


async def test_s4_10_and_s4_11_refuse_numbers_in_paths_that_are_none(quick):
    wrong = ["0", "-1", "7.0", "+7", "07", "seven", str(2**53 + 1)]
    projects = [await quick.project(each, working_video_key=None) for each in wrong]
    clips = [await quick.clip(7, each, source_video_key="x") for each in wrong[1:]]
    assert {refused(answer) for answer in projects + clips} == {(422, "validation_failed")}
    widest = await quick.project(2**53, working_video_key=None)
    assert (widest.status_code, widest.json()["project_id"]) == (200, 2**53)


@pytest.mark.parametrize("body", [{}, {"working_video_key": 5}, {"working_video": None}, []])
async def test_s4_10_does_not_take_a_video_away_by_a_misspelt_field(quick, body):
    await quick.project()
    answer = await quick.http.put("/api/export/projects/7", json=body)
    assert refused(answer) == (422, "validation_failed")
    assert (await quick.overlay()).status_code == 202


async def test_d111_another_tenants_project_is_not_there(s4):
    await s4.project()
    await s4.clip()
    async with s4.of_tenant("other") as other:
        foreign = [await other.overlay(), await other.framing()]
        mine = await other.project(working_video_key=None)
        empty = await other.overlay()
    assert [refused(answer) for answer in foreign] == [
        (404, "project_not_found"),
        (404, "clip_not_found"),
    ]
    assert (mine.status_code, refused(empty)) == (200, (400, "no_working_video"))
    assert (await s4.overlay()).status_code == 202


async def test_d111_another_tenants_video_is_none_for_a_project(quick):
    key = await quick.uploaded()
    async with quick.of_tenant("other") as other:
        answers = [
            await other.project(working_video_key=key),
            await other.clip(source_video_key=key),
        ]
    assert {refused(answer) for answer in answers} == {(404, "input_video_not_found")}


async def test_d111_a_thousand_looks_for_projects_open_no_connections(tmp_path):
    def opened():
        files = psutil.Process().open_files()
        return sum(1 for file in files if file.path.startswith(str(tmp_path)))

    async with an_s4("sqlite", tmp_path) as s4:
        await s4.project()
        projects = s4.world.gateway.app.state.export_use_cases.projects
        counts = []
        for _ in range(10):
            looks = [projects.working_video("default", 7) for _ in range(50)]
            others = [projects.working_video("other", 7) for _ in range(50)]
            found = await asyncio.gather(*looks, *others, return_exceptions=True)
            assert [type(each) for each in found[50:]] == [NotFound] * 50
            counts.append(opened())
    # A writer and four readers hold the database and its log, one of them the log's index.
    assert 0 < max(counts) <= 2 * 5 + 1


async def test_what_a_project_names_is_kept_and_what_nothing_names_is_let_go(s4):
    kept, loose = await s4.uploaded(), await s4.uploaded()
    await s4.project(working_video_key=kept)
    await s4.clip(source_video_key=loose)
    await s4.clip(source_video_key=kept)
    s4.world.clock.move(KEPT_FOR.total_seconds() + 1)
    await s4.world.gateway.tick()
    assert await s4.world.objects.head(kept) is not None
    assert await s4.world.objects.head(loose) is None
    assert (await s4.overlay()).status_code == 202
