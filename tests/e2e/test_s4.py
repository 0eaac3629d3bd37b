"""The exports surface end to end: each row as its clients use it, done by real workers."""

import asyncio
import json
import logging
from dataclasses import dataclass, replace
from itertools import groupby
from pathlib import Path
from typing import Any

import av
import httpx
import pytest
import pytest_asyncio
from websockets.asyncio.client import connect

from infra.local.object_store.faults import Wrong
from tests.e2e.conftest import SAMPLE, SMALL, Tried
from tests.support.held_renders import held_render
from tests.support.programs import first_seconds
from tests.support.serving import client_here
from tests.support.watchers import as_socket

pytestmark = [pytest.mark.processes, pytest.mark.asyncio(loop_scope="module")]

CLIP_FRAMES = 25  # 2 s at 12.5 frames a second
STORE_LOG = "infra.local.object_store.app"
REGION = {
    "start_frame": 2,
    "end_frame": 20,
    "x": 300,
    "y": 200,
    "radius_x": 90,
    "radius_y": 60,
}
KEYFRAMES = [
    {"frame": 0, "x": 0, "y": 0, "width": 243, "height": 432},
    {"frame": 20, "x": 400.5, "y": 0, "width": 243, "height": 432},
]


@pytest.fixture(scope="module")
def stack_config(stack_config):
    """Two gateways, for what one is told and the other asked; and two tenants."""
    return replace(stack_config, gateways=2, second_tenant=True)


@dataclass(frozen=True, slots=True)
class App:
    """The exports page's own way of calling: HTTP under a key, sockets under a ticket."""

    tried: Tried
    http: httpx.AsyncClient

    async def call(self, method: str, path: str, *, expect: int = 200, **body: Any) -> Any:
        """Ask, and return what is answered with this status."""
        answer = await self.http.request(method, path, **({"json": body} if body else {}))
        assert answer.status_code == expect, answer.text
        return answer.json()

    async def put(self, path: Path) -> str:
        """Have a video's upload promised (S4-8), PUT it, and return its key."""
        video = await asyncio.to_thread(path.read_bytes)
        asked = {"filename": "my clip.mp4", "size_bytes": len(video)}
        promised = await self.call("POST", "/api/videos/upload-url", **asked)
        async with client_here() as browser:
            put = await browser.request(
                promised["method"],
                promised["upload_url"],
                content=video,
                headers=promised["headers"],
            )
        assert put.status_code == 200, put.text
        key: str = promised["video_key"]
        return key

    async def framing_of(self, key: str, **fields: Any) -> dict[str, Any]:
        """Ask for a small framing (S4-5)."""
        params = {"crop_keyframes": KEYFRAMES, **SMALL}
        asked = {"project_id": 7, "type": "framing", "clip_index": 0, "input_video_key": key}
        answer: dict[str, Any] = await self.call(
            "POST", "/api/jobs", expect=202, params=params, **asked, **fields
        )
        return answer

    async def overlay_of(self, key: str) -> dict[str, Any]:
        """Ask for a small overlay (S4-5)."""
        params = {"highlight_regions": [REGION], "effect_type": "dark_overlay", **SMALL}
        answer: dict[str, Any] = await self.call(
            "POST",
            "/api/jobs",
            expect=202,
            project_id=7,
            type="overlay",
            input_video_key=key,
            params=params,
        )
        return answer

    async def watched(
        self, path: str, heard: list[dict[str, Any]] | None = None
    ) -> list[dict[str, Any]]:
        """Hold a socket to its end, which has to be code 1000, and return every message.

        `heard`: where they are as they come.
        """
        heard = [] if heard is None else heard
        async with connect(as_socket(self.tried.stack.base_url) + path, proxy=None) as socket:
            async for message in socket:
                heard.append(json.loads(message))
        assert socket.close_code == 1000
        return heard

    async def downloaded(self, job: dict[str, Any], folder: Path) -> tuple[int, int, int]:
        """Fetch an output by its signed URL; return its frames, width and height."""
        async with client_here() as browser:
            answer = await browser.get(job["output_url"])
        path = folder / f"{job['job_id']}.mp4"
        await asyncio.to_thread(path.write_bytes, answer.raise_for_status().content)
        with av.open(path) as file:
            video = file.streams.video[0]
            return sum(1 for _ in file.decode(video)), video.width, video.height


@pytest_asyncio.fixture(loop_scope="module")
async def app(tried):
    async with client_here(
        base_url=tried.stack.base_url,
        headers={"Authorization": f"Bearer {tried.stack.api_key}"},
        timeout=30,
    ) as http:
        yield App(tried, http)


@pytest.fixture
def clip(tmp_path):
    return first_seconds(tmp_path / "clip.mp4", seconds=2.0)


async def test_s4_8_s4_5_s4_6_s4_9_an_uploaded_video_is_framed_and_downloaded(
    app, clip, tmp_path
):
    key = await app.put(clip)
    accepted = await app.framing_of(key, start_time=0.4, end_time=1.6)
    assert accepted["status"] == "pending"
    heard = await app.watched(accepted["websocket_url"])
    job = await app.call("GET", f"/api/jobs/{accepted['job_id']}")
    by_row = await app.call("GET", f"/api/export/framing/{accepted['job_id']}")
    size = await app.downloaded(job, tmp_path)
    assert size == (15, 180, 320)  # ceil(5.0) ≤ n < ceil(20.0)
    assert [each["status"] for each in heard][-1] == "complete"
    assert (heard[-1]["progress"], job["progress"]) == (100, 100)
    assert {name: job[name] for name in heard[-1]} == heard[-1]
    assert {"output_url", "websocket_url"} == set(job) - set(heard[-1])
    assert (job["project_id"], job["type"], job["input_video_key"]) == (7, "framing", key)
    assert {name: by_row[name] for name in heard[-1]} == heard[-1]
    progress = [each["progress"] for each in heard]
    assert progress == sorted(progress)


async def test_s4_8_s4_5_s4_6_s4_2_an_uploaded_video_is_overlaid_and_downloaded(
    app, clip, tmp_path
):
    key = await app.put(clip)
    accepted = await app.overlay_of(key)
    heard = await app.watched(accepted["websocket_url"])
    job = await app.call("GET", f"/api/jobs/{accepted['job_id']}")
    by_row = await app.call("GET", f"/api/export/overlay/{accepted['job_id']}")
    other = await app.http.get(f"/api/export/framing/{accepted['job_id']}")
    assert await app.downloaded(job, tmp_path) == (CLIP_FRAMES, 180, 320)
    assert heard[-1]["status"] == "complete"
    assert {name: by_row[name] for name in heard[-1]} == heard[-1]
    assert await app.downloaded(by_row, tmp_path) == (CLIP_FRAMES, 180, 320)
    assert other.status_code == 404


async def test_s4_10_s4_1_a_projects_working_video_is_overlaid(app, clip, tmp_path):
    key = await app.put(clip)
    project = await app.call("PUT", "/api/export/projects/41", working_video_key=key)
    accepted = await app.call(
        "POST",
        "/api/export/overlay",
        expect=202,
        project_id=41,
        highlight_regions=[REGION],
        output_width=180,
        output_height=320,
    )
    heard = await app.watched(accepted["websocket_url"])
    job = await app.call("GET", f"/api/export/overlay/{accepted['job_id']}")
    assert project["working_video_key"] == key
    assert heard[-1]["status"] == "complete"
    assert (job["input_video_key"], job["project_id"]) == (key, 41)
    assert await app.downloaded(job, tmp_path) == (CLIP_FRAMES, 180, 320)


async def test_s4_11_s4_3_a_projects_clip_is_framed(app, clip, tmp_path):
    key = await app.put(clip)
    await app.call(
        "PUT",
        "/api/export/projects/42/clips/3",
        source_video_key=key,
        start_time=0.4,
        end_time=1.6,
    )
    accepted = await app.call(
        "POST",
        "/api/export/framing",
        expect=202,
        project_id=42,
        clip_index=3,
        crop_keyframes=[],
        **SMALL,
    )
    heard = await app.watched(accepted["websocket_url"])
    job = await app.call("GET", f"/api/export/framing/{accepted['job_id']}")
    assert heard[-1]["status"] == "complete"
    assert [each["code"] for each in job["warnings"]] == ["crop_defaulted"]
    assert await app.downloaded(job, tmp_path) == (15, 180, 320)


async def test_s4_12_a_running_export_is_cancelled_and_publishes_nothing(app):
    key = await app.put(SAMPLE)
    accepted = await app.call(
        "POST",
        "/api/jobs",
        expect=202,
        project_id=7,
        type="overlay",
        input_video_key=key,
        params={"output_width": 1080, "output_height": 1920},
    )
    job_id = accepted["job_id"]
    watching = asyncio.create_task(app.watched(accepted["websocket_url"]))
    await app.tried.until(job_id, "stage", "progress")
    cancelled = await app.call("POST", f"/api/jobs/{job_id}/cancel")
    again = await app.call("POST", f"/api/jobs/{job_id}/cancel")
    heard = await watching
    assert cancelled == again == {"cancelled": True, "status": "error"}
    assert (heard[-1]["status"], heard[-1]["error_code"]) == ("error", "cancelled")
    assert heard[-1]["output_video_key"] is None
    assert await app.tried.keys(f"output/{job_id}/") == []


async def test_s4_4_s4_7_both_sockets_tell_the_same_story(app, clip):
    key = await app.put(clip)
    accepted = await app.framing_of(key)
    query = accepted["websocket_url"].partition("?")[2]
    paths = [f"/ws/export/{accepted['job_id']}?{query}", accepted["websocket_url"]]
    by_export, by_job = await asyncio.gather(*(app.watched(path) for path in paths))
    [after_the_end] = await app.watched(paths[0])
    assert by_export[-1] == by_job[-1] == after_the_end
    assert by_export[-1]["status"] == "complete"


async def test_d104_one_id_is_in_every_key_and_every_event(app, clip):
    key = await app.put(clip)
    accepted = await app.framing_of(key)
    job_id = accepted["job_id"]
    heard = await app.watched(accepted["websocket_url"])
    [kept] = (await app.call("GET", f"/v1/jobs/{job_id}"))["outputs"]
    events = (await app.call("GET", f"/v1/jobs/{job_id}/events"))["events"]
    output = f"output/{job_id}/1/framing.mp4"
    assert key == f"input/{job_id}/video.mp4"
    assert await app.tried.keys(f"input/{job_id}/") == [key]
    published = await app.tried.keys(f"output/{job_id}/")
    assert set(published) - {f"output/{job_id}/1/manifest.json"} == {output}
    assert heard[-1]["output_video_key"] == kept["key"] == output
    assert {each["job_id"] for each in heard} == {job_id}
    assert {event["job"]["id"] for event in events} == {job_id}


async def test_d104_a_second_job_on_an_input_reads_it_where_it_lies(app, clip):
    key = await app.put(clip)
    first = await app.framing_of(key)
    second = await app.overlay_of(key)
    for each in (first, second):
        heard = await app.watched(each["websocket_url"])
        assert (heard[-1]["status"], heard[-1]["input_video_key"]) == ("complete", key)
        assert f"/{each['job_id']}/" in heard[-1]["output_video_key"]
    assert first["job_id"] != second["job_id"]
    assert await app.tried.keys(f"input/{second['job_id']}/") == []


def passed_bytes(tried):
    """All that went through the balancer, and so through the gateways, both ways."""
    passed = tried.stack.balancer.passed
    return sum(each.to_gateway_bytes + each.from_gateway_bytes for each in passed)


async def test_d108_no_media_passes_the_gateway_and_the_worker_fetches_once(
    app, tmp_path, caplog
):
    size_bytes = SAMPLE.stat().st_size
    before = passed_bytes(app.tried)
    with caplog.at_level(logging.INFO, logger=STORE_LOG):
        key = await app.put(SAMPLE)
        accepted = await app.framing_of(key, start_time=10, end_time=15)
        await app.watched(accepted["websocket_url"])
        job = await app.call("GET", f"/api/jobs/{accepted['job_id']}")
        made = await app.downloaded(job, tmp_path)
    reads = [
        each.size_bytes
        for each in caplog.records
        if each.name == STORE_LOG and (each.method, each.object_key) == ("GET", key)
    ]
    assert made == (63, 180, 320)  # ceil(125) ≤ n < ceil(187.5)
    assert [each for each in reads if each > 2**16] == [size_bytes]
    assert passed_bytes(app.tried) - before < 2**17 < size_bytes


async def test_d109_an_export_is_made_of_what_was_put_by_the_other_gateway(app, clip, tmp_path):
    headers = {"Authorization": f"Bearer {app.tried.stack.api_key}"}
    made = []
    for one, other in (app.tried.stack.gateways, app.tried.stack.gateways[::-1]):
        async with (
            client_here(base_url=one.url, headers=headers) as here,
            client_here(base_url=other.url, headers=headers) as there,
        ):
            key = await App(app.tried, here).put(clip)
            accepted = await App(app.tried, there).framing_of(key)
            await app.watched(accepted["websocket_url"])
            job = await App(app.tried, here).call("GET", f"/api/jobs/{accepted['job_id']}")
            made.append(await app.downloaded(job, tmp_path))
    assert made == [(CLIP_FRAMES, 180, 320)] * 2
    disks = [each.folder for each in app.tried.stack.gateways]
    assert [path for disk in disks for path in disk.rglob("*") if path.is_file()] == []


async def test_d107_the_answer_comes_first_and_the_worker_fetches_after(app, clip):
    key = await app.put(clip)
    await app.call("PUT", "/api/export/projects/43", working_video_key=key)
    app.tried.stack.object_faults.clear()
    app.tried.stack.object_faults.add(Wrong.SLOW, method="GET", key_prefix=key, delay_s=2)
    accepted = await app.call("POST", "/api/export/overlay", expect=202, project_id=43, **SMALL)
    fetched_before = app.tried.stack.object_faults.spent
    await app.tried.until_spent()
    held = await app.call("GET", f"/api/jobs/{accepted['job_id']}")
    heard = await app.watched(accepted["websocket_url"])
    assert (accepted["status"], fetched_before) == ("pending", False)
    assert (held["status"], held["stage"], held["progress"]) == ("processing", "prepare", 0)
    assert heard[-1]["status"] == "complete"


async def test_a_video_that_turns_out_to_be_none_is_an_error_in_words(app, tmp_path):
    path = tmp_path / "cut.mp4"
    path.write_bytes(SAMPLE.read_bytes()[:1000])
    accepted = await app.overlay_of(await app.put(path))
    heard = await app.watched(accepted["websocket_url"])
    job = await app.call("GET", f"/api/export/overlay/{accepted['job_id']}")
    assert (job["status"], job["error_code"]) == ("error", "input_unreadable")
    assert (job["retryable"], job["output_video_key"], job["output_url"]) == (False, None, None)
    assert job["error"] == heard[-1]["error"] != ""
    assert job["progress"] < 100


async def test_an_export_whose_worker_is_lost_is_at_work_again_and_then_complete(app, tmp_path):
    key = await app.put(first_seconds(tmp_path / "longer.mp4", seconds=5.0))
    params = {"output_width": 360, "output_height": 640}
    asked = {"project_id": 7, "type": "overlay", "input_video_key": key, "params": params}
    accepted, heard = {}, []

    async def submit():
        accepted.update(await app.call("POST", "/api/jobs", expect=202, **asked))
        return accepted["job_id"]

    async with held_render(app.tried.stack, submit) as render:
        watching = asyncio.create_task(app.watched(accepted["websocket_url"], heard))
        async with asyncio.timeout(60):
            while "render" not in {each["stage"] for each in heard}:  # noqa: ASYNC110
                await asyncio.sleep(0.05)
        app.tried.stack.emulator.kill_worker(render.pod_id)
        await watching
    progress = [each["progress"] for each in heard]
    words = [word for word, _ in groupby(each["status"] for each in heard)]
    assert heard[-1]["output_video_key"] == f"output/{accepted['job_id']}/2/overlay.mp4"
    assert (words[-2:], words.count("processing")) == (["processing", "complete"], 1)
    assert {each["stage"] for each in heard if each["status"] == "processing"} >= {"render"}
    assert None not in {each["stage"] for each in heard if each["status"] == "processing"}
    assert progress == sorted(progress)


@pytest.mark.parametrize("key", ["/etc/passwd", "input/../output/x.mp4", "input//etc/passwd"])
async def test_d109_a_path_is_no_key(app, key):
    answer = await app.http.post(
        "/api/jobs",
        json={"project_id": 7, "type": "overlay", "input_video_key": key, "params": {}},
    )
    assert (answer.status_code, answer.json()["code"]) == (422, "input_key_not_allowed")


async def test_s4_another_tenant_sees_nothing_of_an_export(app, clip):
    key = await app.put(clip)
    accepted = await app.framing_of(key)
    await app.watched(accepted["websocket_url"])
    theirs = {"Authorization": f"Bearer {app.tried.stack.second_api_key}"}
    order = {"project_id": 7, "type": "overlay", "input_video_key": key, "params": {}}
    async with client_here(base_url=app.tried.stack.base_url, headers=theirs) as stranger:
        seen = await stranger.get(f"/api/jobs/{accepted['job_id']}")
        used = await stranger.post("/api/jobs", json=order)
    assert (seen.status_code, used.status_code) == (404, 404)
    assert used.json()["code"] == "input_video_not_found"
