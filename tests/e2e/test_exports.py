"""Exports end to end: presigned PUT, real worker processes, every watcher, the file itself."""

import asyncio
import hashlib
import io
import json
import logging
import os
from dataclasses import replace
from pathlib import Path

import av
import pytest
from PIL import Image

from client.cutroom import Cutroom
from client.errors import ApiProblem
from infra.local.object_store.faults import Wrong
from shared.logs import JsonLines
from tests.e2e.conftest import SAMPLE, SMALL
from tests.support.canaries import (
    SHAPES,
    Canaries,
    database_of,
    found_in,
    kept_by,
    logs_of,
    plant_everywhere,
)
from tests.support.log_lines import until_logged
from tests.support.programs import first_seconds
from tests.support.serving import client_here

pytestmark = [pytest.mark.processes, pytest.mark.asyncio(loop_scope="module")]


@pytest.fixture(scope="module")
def stack_config(stack_config):
    return replace(stack_config, second_tenant=True)


@pytest.fixture(scope="module", autouse=True)
def said():
    """What store, emulator and stack log in this process, as a program would write it."""
    lines = io.StringIO()
    handler, infra = logging.StreamHandler(lines), logging.getLogger("infra")
    handler.setFormatter(JsonLines())
    before = infra.level
    infra.addHandler(handler)
    infra.setLevel(logging.DEBUG)
    yield lines
    infra.removeHandler(handler)
    infra.setLevel(before)


SAMPLE_FRAMES = 377  # 30.16 s at 12.5 frames a second
CLIP_FRAMES = 75


def probed(path: Path) -> tuple[int, int, int, float | None]:
    """Frames, width, height and the sound's length in seconds, by decoding every frame."""
    with av.open(path) as file:
        video = file.streams.video[0]
        frames = sum(1 for _ in file.decode(video))
        size = (video.width, video.height)
    with av.open(path) as file:
        samples = [f.samples / f.sample_rate for f in file.decode(audio=0)]
    return frames, *size, sum(samples) if samples else None


async def test_a_framing_is_exact_to_the_frame(tried, tmp_path):
    keyframes = [
        {"frame": 0, "x": 0, "y": 0, "width": 243, "height": 432},
        {"frame": 50, "x": 400.5, "y": 0, "width": 243, "height": 432},
    ]
    job_id = await tried.submit(crop_keyframes=keyframes, start_time=1, end_time=4)
    job, events = await tried.ended(job_id)
    path = await tried.call(tried.cutroom.download, job.output("video"), tmp_path / "f.mp4")
    frames, width, height, sound_s = probed(path)
    assert job.status == "succeeded"
    assert (frames, width, height) == (37, 180, 320)  # ceil(12.5) ≤ n < ceil(50)
    assert sound_s == pytest.approx(37 / 12.5, abs=1 / 12.5)
    assert job.result["frames"] == 37
    assert events[0:2] == ["queued", "started"]
    assert events[-1] == "succeeded"


async def test_an_overlay_keeps_every_frame_of_its_input(tried, tmp_path):
    region = {
        "start_frame": 10,
        "end_frame": 60,
        "x": 300,
        "y": 200,
        "radius_x": 90,
        "radius_y": 60,
    }
    clip = first_seconds(tmp_path / "clip.mp4", seconds=6.0)
    asset = await tried.call(tried.cutroom.upload, clip)
    order = {
        "source": {"asset_id": asset.asset_id},
        "highlight_regions": [region],
        "effect_type": "dark_overlay",
        **SMALL,
    }
    submitted = await tried.call(tried.cutroom.submit, "export.overlay", order)
    job, _ = await tried.ended(submitted.id)
    path = await tried.call(tried.cutroom.download, job.output("video"), tmp_path / "o.mp4")
    assert probed(path)[:3] == (CLIP_FRAMES, 180, 320)


async def test_what_goes_beside_a_video_is_put_with_it(tried, tmp_path):
    job_id = await tried.submit(
        codec="av1", quality="draft", poster={"time": 1}, sprites=True, loudness={}
    )
    job, _ = await tried.ended(job_id)
    paths = {
        each.name: await tried.call(tried.cutroom.download, each, tmp_path / each.name)
        for each in job.outputs
    }
    with Image.open(paths["poster"], formats=("JPEG",)) as poster:
        assert poster.size == (180, 320)
    with Image.open(paths["sprites"], formats=("JPEG",)) as sheet:
        assert sheet.size == (4 * 90, 160)
    assert paths["sprites_vtt"].read_text().startswith("WEBVTT\n\n00:00:00.000 --> ")
    assert {each.name: each.content_type for each in job.outputs} == {
        "video": "video/mp4",
        "poster": "image/jpeg",
        "sprites": "image/jpeg",
        "sprites_vtt": "text/vtt",
    }
    assert (job.result["codec"], job.result["sprites"]["count"]) == ("av1", 4)
    assert job.result["poster_time_s"] == pytest.approx(0.96)  # the frame shown at 1 s


async def test_a_frame_of_an_export_is_a_picture_in_the_format_asked_for(tried, tmp_path):
    order = {"source": {"asset_id": tried.asset_id}, "time": 2.0, "format": "webp", **SMALL}
    submitted = await tried.call(tried.cutroom.submit, "export.frame", order)
    job, _ = await tried.ended(submitted.id)
    output = job.output("image")
    path = await tried.call(tried.cutroom.download, output, tmp_path / "frame.webp")
    with Image.open(path, formats=("WEBP",)) as image:
        assert image.size == (180, 320)
    assert (output.content_type, job.result["frame"]) == ("image/webp", 25)
    assert job.result["size_bytes"] == path.stat().st_size


async def test_an_image_and_a_video_are_looked_through_and_have_thumbnails(tried, tmp_path):
    photo = tmp_path / "photo.jpg"
    turned = Image.Exif()
    turned[0x0112] = 6
    Image.new("RGB", (900, 600), (200, 40, 40)).save(photo, exif=turned)
    uploaded = await tried.call(tried.cutroom.upload, photo)
    sizes = {uploaded.asset_id: (341, 512), tried.asset_id: (512, 288)}
    for asset_id, size in sizes.items():
        order = {"source": {"asset_id": asset_id}}
        submitted = await tried.call(tried.cutroom.submit, "media.ingest", order)
        job, _ = await tried.ended(submitted.id)
        path = tmp_path / f"{asset_id}.png"
        await tried.call(tried.cutroom.download, job.output("thumbnail"), path)
        with Image.open(path, formats=("PNG",)) as image:
            assert image.size == size
    headers = {"Authorization": f"Bearer {tried.stack.api_key}"}
    async with client_here(base_url=tried.stack.base_url, headers=headers) as http:
        asset = (await http.get(f"/v1/assets/{uploaded.asset_id}")).json()
    assert (asset["probe"]["width_px"], asset["probe"]["height_px"]) == (600, 900)
    assert asset["probe"]["family"] == "image"


async def test_sound_is_no_picture_to_ingest(tried, tmp_path):
    path = tmp_path / "sound.wav"
    path.write_bytes(b"RIFF\x24\0\0\0WAVEfmt \x10\0\0\0\1\0\1\0" + bytes(20))
    sound = await tried.call(tried.cutroom.upload, path)
    order = {"source": {"asset_id": sound.asset_id}}
    with pytest.raises(ApiProblem) as refused:
        await tried.call(tried.cutroom.submit, "media.ingest", order)
    assert (refused.value.status, refused.value.code) == (422, "unsupported_media_type")


async def test_what_a_worker_saw_of_the_file_is_kept_with_the_asset(tried):
    await tried.ended(await tried.submit())
    headers = {"Authorization": f"Bearer {tried.stack.api_key}"}
    async with client_here(base_url=tried.stack.base_url, headers=headers) as http:
        asset = (await http.get(f"/v1/assets/{tried.asset_id}")).json()
    digest = await asyncio.to_thread(SAMPLE.read_bytes)
    assert asset["sha256"] == hashlib.sha256(digest).hexdigest()
    assert asset["probe"]


async def test_the_other_tenant_sees_nothing_of_it(tried):
    job_id = await tried.submit()
    await tried.ended(job_id)
    with Cutroom(tried.stack.base_url, tried.stack.second_api_key) as stranger:
        for ask in (
            lambda: stranger.job(job_id),
            lambda: stranger.submit("export.framing", tried.framing()),
        ):
            with pytest.raises(ApiProblem) as refused:
                await tried.call(ask)
            assert refused.value.status == 404


# -- bad input: what can only be known by decoding ends as a failed job ------------------


async def refused_upload(tried, path):
    with pytest.raises(ApiProblem) as refused:
        await tried.call(tried.cutroom.upload, path)
    return refused.value.status, refused.value.code


async def failed_export(tried, path, **fields):
    asset = await tried.call(tried.cutroom.upload, path)
    job_id = await tried.submit(source={"asset_id": asset.asset_id}, **fields)
    job, events = await tried.ended(job_id)
    assert events[-1] == "failed"
    assert job.outputs == ()
    assert not [key for key in await tried.published() if key.startswith(f"output/{job_id}")]
    return job.error


async def test_an_empty_file_is_refused_before_any_url_leaves(tried, tmp_path):
    (tmp_path / "empty.mp4").touch()
    assert await refused_upload(tried, tmp_path / "empty.mp4") == (422, "validation_failed")


async def test_a_text_that_calls_itself_mp4_is_refused_and_removed(tried, tmp_path):
    path = tmp_path / "text.mp4"
    path.write_text("#EXTM3U\nhttp://127.0.0.1/secret\n" * 50)
    assert await refused_upload(tried, path) == (415, "type_mismatch")


def remuxed(path, *, streams):
    """Copy streams of the sample into a new file, its index at the end."""
    with av.open(SAMPLE) as source, av.open(path, "w") as target:
        copies = {s: target.add_stream_from_template(s) for s in streams(source.streams)}
        for packet in source.demux(list(copies)):
            if packet.dts is not None:
                packet.stream = copies[packet.stream]
                target.mux(packet)


async def test_a_file_whose_index_was_cut_off_fails_in_words_for_the_person(tried, tmp_path):
    whole, path = tmp_path / "whole.mp4", tmp_path / "cut.mp4"
    remuxed(whole, streams=lambda streams: [streams.video[0]])
    path.write_bytes(whole.read_bytes()[:400_000])
    error = await failed_export(tried, path)
    assert (error.code, error.who, error.retryable) == ("input_unreadable", "caller", False)
    assert str(tmp_path) not in error.message
    assert len(error.message) > 20


async def test_a_file_whose_end_was_cut_off_is_made_as_far_as_it_goes_with_a_warning(
    tried, tmp_path
):
    path = tmp_path / "cut.mp4"
    path.write_bytes(SAMPLE.read_bytes()[:400_000])
    asset = await tried.call(tried.cutroom.upload, path)
    source = {"asset_id": asset.asset_id}
    job, _ = await tried.ended(await tried.submit(source=source, end_time=None))
    assert job.status == "succeeded"
    assert 0 < job.result["frames"] < SAMPLE_FRAMES
    assert {"crop_defaulted"} < {warning["code"] for warning in job.warnings}


async def test_sound_alone_fails_saying_that_there_is_no_picture(tried, tmp_path):
    path = tmp_path / "sound.mp4"
    remuxed(path, streams=lambda streams: [streams.audio[0]])
    assert (await failed_export(tried, path)).code == "input_unreadable"


async def test_a_start_past_the_end_is_an_invalid_range(tried):
    job_id = await tried.submit(start_time=99, end_time=None)
    job, _ = await tried.ended(job_id)
    assert (job.status, job.error.code) == ("failed", "invalid_range")


@pytest.mark.parametrize(
    ("fields", "code", "field"),
    [
        ({"output_width": 1081}, None, "input.output_width"),
        ({"output_width": 0}, None, "input.output_width"),
        ({"output_height": 100_000}, None, "input.output_height"),
        ({"start_time": 3, "end_time": 2}, "invalid_range", "input.end_time"),
        (
            {"crop_keyframes": [{"frame": -1, "x": 0, "y": 0, "width": 99, "height": 99}]},
            None,
            None,
        ),
        (
            {"crop_keyframes": [{"frame": 0, "x": 0, "y": 0, "width": 0, "height": 99}]},
            None,
            None,
        ),
        ({"source": {"asset_id": "nobody"}}, "asset_not_found", None),
    ],
)
async def test_d121_d123_what_is_wrong_on_its_face_makes_no_job(tried, fields, code, field):
    with pytest.raises(ApiProblem) as refused:
        await tried.submit(**fields)
    problem = refused.value
    assert problem.status in (404, 422)
    assert code in (None, problem.code)
    assert field is None or field in {each.field for each in problem.fields}


async def test_d122_an_effect_nobody_knows_makes_no_job(tried):
    order = {
        "source": {"asset_id": tried.asset_id},
        "highlight_regions": [],
        "effect_type": "sparkle",
    }
    with pytest.raises(ApiProblem) as refused:
        await tried.call(tried.cutroom.submit, "export.overlay", order)
    assert (refused.value.status, refused.value.code) == (422, "unknown_effect_type")


async def test_d121_nan_in_raw_json_makes_no_job(tried):
    body = json.dumps({"kind": "export.framing", "input": tried.framing(start_time=1)})
    headers = {
        "Authorization": f"Bearer {tried.stack.api_key}",
        "Content-Type": "application/json",
    }
    async with client_here(base_url=tried.stack.base_url, headers=headers) as http:
        answer = await http.post(
            "/v1/jobs", content=body.replace('"start_time": 1', '"start_time": NaN')
        )
    assert answer.status_code == 422


# -- cancel, and a store that stumbles --------------------------------------------------------


async def test_a_cancelled_export_stops_and_publishes_nothing(tried):
    async with tried.held() as render:
        job_id = render.job_id
        cancelled = await tried.call(tried.cutroom.cancel, job_id)
        after = await tried.submit()
        job, events = await tried.ended(job_id)
        done, _ = await tried.ended(after)  # by the only worker, whose render was ended
    assert cancelled.status == job.status == "cancelled"
    assert events[-1] == "cancelled"
    assert done.status == "succeeded"
    assert not [key for key in await tried.published() if key.startswith(f"output/{job_id}")]


@pytest.mark.parametrize("method", ["GET", "PUT"])
async def test_a_store_that_is_away_for_a_moment_costs_no_attempt(tried, method):
    prefix = "output/" if method == "PUT" else "default/"
    tried.stack.object_faults.add(Wrong.UNAVAILABLE, times=2, method=method, key_prefix=prefix)
    job, _ = await tried.ended(await tried.submit())
    assert (job.status, job.attempt) == ("succeeded", 1)


async def test_a_download_that_breaks_off_is_taken_up_again(tried):
    tried.stack.object_faults.add(Wrong.TRUNCATED, method="GET", key_prefix="default/")
    job, _ = await tried.ended(await tried.submit())
    assert (job.status, job.attempt) == ("succeeded", 1)


# -- what is left ---------------------------------------------------------------------------


async def use_everything_that_opens_something(tried, canaries):
    """Have each sort of ticket and URL made, and use it; return the job that was made."""
    job, _ = await tried.ended(await tried.submit())
    headers = {"Authorization": f"Bearer {tried.stack.api_key}"}
    base_url = tried.stack.base_url
    async with client_here(base_url=base_url, headers=headers) as http:
        watching = (await http.post(f"/v1/jobs/{job.id}/ticket")).json()
        canaries.ticket(watching["ticket"])
        named = f"{canaries.new_payload()}.mp4"
        upload = {"filename": named, "content_type": "video/mp4", "size_bytes": 9}
        promised = (await http.post("/v1/uploads", json=upload)).json()
        ticket = {"Authorization": f"Bearer {canaries.ticket(promised['ticket'])}"}
        downloads = await http.get(f"/v1/assets/{tried.asset_id}/content")
        urls = [downloads.headers["location"], *(output.url for output in job.outputs)]
    async with client_here(base_url=base_url) as browser:
        await browser.get(watching["events_url"])
        await browser.get(f"/v1/uploads/{promised['upload_id']}", headers=ticket)
        await browser.put(canaries.given(promised["url"]), content=b"too much by far")
        for url in urls:
            assert (await browser.get(canaries.given(url))).status_code == 200
            await browser.get(f"{url}0")
    return job


async def test_d142_no_log_of_any_process_holds_a_secret_a_ticket_or_a_signature(tried, said):
    canaries = Canaries()
    job = await use_everything_that_opens_something(tried, canaries)
    await plant_everywhere(tried.stack, canaries, job.id)
    tried.stack.object_faults.add(
        Wrong.UNAVAILABLE, times=2, method="GET", key_prefix="default/"
    )
    await tried.ended(await tried.submit(source={"asset_id": tried.asset_id}))
    logs = {path.name: path.read_text(errors="replace") for path in logs_of(tried.stack)}
    text = "\n".join([*logs.values(), said.getvalue()])
    secrets = [*kept_by(tried.stack), *canaries.secrets]
    assert {"gateway.jsonl", "worker.log"} <= logs.keys()
    assert "infra.local.object_store" in said.getvalue()
    assert "infra.local.runpod" in said.getvalue()
    assert "/v1/provider-webhooks/fal/[redacted]" in text  # so far the planted ones came
    assert len(secrets) > 100
    assert list(found_in(text, [*secrets, *canaries.payload])) == []
    assert [text[max(0, hit.start() - 120) : hit.end()] for hit in SHAPES.finditer(text)] == []
    # Nor is any kept: what a key or a ticket is looked up by is a hash, or nothing.
    kept = database_of(tried.stack).decode(errors="replace")
    assert job.id in kept
    assert list(found_in(kept, secrets)) == []


async def test_no_scratch_is_left_behind(tried):
    await tried.ended(await tried.submit())
    left = [
        os.path.join(folder, name)
        for folder, _, names in os.walk(tried.stack.data / "workers")
        for name in names
        if name.endswith((".mp4", ".mov", ".part"))
    ]
    assert left == []


TRACE = "4bf92f3577b34da6a3ce929d0e0e4736"
# The way of a job in the log: what is said, and by which part of which process.
WAY = {
    ("request.answered", "gateway.api.request_ids"),  # the submission, claim, outputs, reports
    ("effect.done", "gateway.services.perform_effects"),
    ("submission.accepted", "gateway.services.ask_compute"),
    ("job.changed", "gateway.services.change_job"),
    ("job.claimed", "gpu_worker.runner"),
    ("input.fetched", "gpu_worker.transfers.fetching"),
    ("stage.begun", "gpu_worker.sandbox.child"),
    ("work.done", "gpu_worker.sandbox.child"),
    ("output.put", "gpu_worker.transfers.putting"),
    ("final.heard", "gpu_worker.attempt"),
}


def is_done(line):
    return line["event"] == "effect.done"


async def test_one_trace_leads_from_the_request_to_the_encode_and_to_the_bill(tried):
    headers = {
        "Authorization": f"Bearer {tried.stack.api_key}",
        "traceparent": f"00-{TRACE}-00f067aa0ba902b7-01",
    }
    order = {"kind": "export.framing", "input": tried.framing(end_time=0.5)}
    async with client_here(headers=headers) as http:
        answer = await http.post(f"{tried.stack.base_url}/v1/jobs", json=order)
    job, _ = await tried.ended(answer.json()["id"])
    effects = {f"submit:{job.id}:1", f"webhook:evt_{job.id}", f"settle:{job.id}:1"}
    lines = await until_logged(
        tried.stack,
        lambda lines: effects <= {each["effect"] for each in lines if is_done(each)},
    )

    mine = [line for line in lines if line.get("trace") == TRACE]
    assert {(line["event"], line["logger"]) for line in mine} >= WAY
    asked = {line["path"].rpartition("/")[2] for line in mine if "path" in line}
    assert asked == {"jobs", "claim", "outputs", "reports"}
    assert {line["effect"] for line in mine if is_done(line)} >= effects
    # A line is written after the commit, so those of two requests may come in either order.
    told = [line["told"] for line in mine if line["event"] == "job.changed"]
    assert (told.count("started"), told.count("succeeded")) == (1, 1)
    stages = [line["stage"] for line in mine if line["event"] == "stage.begun"]
    assert "render" in stages
    # Whatever names this job is under its trace, and nothing else is.
    about = [line for line in lines if line.get("job_id") == job.id]
    watching = [line for line in about if line.get("method") == "GET"]
    assert all(line["trace"] == TRACE for line in about if line not in watching)
    assert {line["job_id"] for line in mine if "job_id" in line} == {job.id}
