"""One frame as a picture: the one asked for, and what the video's encoder would be given."""

from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest
from PIL import Image

from gpu_worker.kinds.export.frame import KIND
from gpu_worker.media.cpu_engine import CpuEngine
from gpu_worker.media.decoding.probe import probe
from gpu_worker.media.picture.colour import colours_of
from gpu_worker.media.pipeline import Threads
from gpu_worker.media.stills.from_planes import output_rgb
from shared.errors import JobFailed, ValidationFailed
from tests.support.exports import export, shots
from tests.support.footage import (
    BT601,
    BT709,
    FULL,
    LIMITED,
    Clip,
    Colour,
    Plane,
    code_points,
    coloured,
    flat,
    with_number,
)
from tests.support.frames import export_frame

pytestmark = pytest.mark.media

CODE_AT = (40, 40)
FRAMES, RATE = 40, Fraction(25)
WHOLE = {"output_width": 320, "output_height": 180}
LOOK = {
    "output_width": 180,
    "output_height": 160,
    "crop_keyframes": [
        {"frame": 0, "x": 0, "y": 0, "width": 180, "height": 160},
        {"frame": 30, "x": 90.5, "y": 10, "width": 180, "height": 160, "easing": "hold"},
    ],
    "highlight_regions": [
        {"start_frame": 5, "end_frame": 35, "x": 160, "y": 90, "radius_x": 60, "radius_y": 40}
    ],
    "effect_type": "dark_overlay",
}


def scene(n: int) -> Plane:
    """Smooth colours that move, (180, 320, 3)."""
    rows, columns = np.mgrid[0:180, 0:320].astype(float)
    waves = [np.sin((columns + 3 * n) / a) * np.cos(rows / b) for a, b in ((31, 23), (17, 41))]
    return np.stack(
        [128 + 90 * waves[0], 120 + 70 * waves[1], 128 - 60 * waves[0] * waves[1]], -1
    )


@pytest.fixture(scope="module")
def moving(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("moving") / "in.mp4"
    pictures = (coloured(scene(n), Colour()) for n in range(FRAMES))
    return Clip(rate=RATE, crf=1).write(path, pictures)


@pytest.fixture(scope="module")
def numbered(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Frames that say their number, with a sync sample every twelve."""
    path = tmp_path_factory.mktemp("numbered") / "in.mp4"
    with av.open(str(path), "w", format="mp4") as file:
        stream = file.add_stream("libx264", rate=RATE, options={"g": "12", "crf": "10"})
        stream.width, stream.height, stream.pix_fmt = 320, 180, "yuv420p"
        for n in range(FRAMES):
            luma = with_number(flat(320, 180), n, CODE_AT)
            frame = av.VideoFrame.from_ndarray(luma, "gray").reformat(
                format="yuv420p", src_color_range=LIMITED, dst_color_range=LIMITED
            )
            frame.pts = n
            file.mux(stream.encode(frame))
        file.mux(stream.encode(None))
    return path


def number_shown(pixels: Plane) -> int:
    bits = [pixels[int(y), int(x), 1] > 125 for x, y in code_points(CODE_AT)]
    return sum(int(bit) << place for place, bit in enumerate(bits))


@pytest.mark.parametrize("n", [0, 1, 11, 12, 13, 39])
def test_the_frame_asked_for_is_the_one_shown(numbered: Path, tmp_path: Path, n: int) -> None:
    made = export_frame(numbered, tmp_path, frame=n, **WHOLE)
    assert number_shown(np.asarray(made.image)) == n
    assert (made.result.frame, made.result.time_s) == (n, pytest.approx(n / 25))


@pytest.mark.parametrize(("time", "n"), [(0, 0), (0.039, 0), (0.04, 1), (1.0, 25), (1.59, 39)])
def test_a_time_is_the_frame_on_show_then(
    numbered: Path, tmp_path: Path, time: float, n: int
) -> None:
    made = export_frame(numbered, tmp_path, time=time, **WHOLE)
    assert (number_shown(np.asarray(made.image)), made.result.frame) == (n, n)


@pytest.mark.parametrize("when", [{"frame": 40}, {"time": 1.6}, {"frame": 2**53 - 1}])
def test_what_lies_after_the_last_frame_is_an_invalid_range(
    numbered: Path, tmp_path: Path, when: dict[str, Any]
) -> None:
    with pytest.raises(JobFailed) as refused:
        export_frame(numbered, tmp_path, **when, **WHOLE)
    assert refused.value.what == "invalid_range"
    assert "40 frames" in refused.value.public


@pytest.mark.parametrize(
    "wrong",
    [{}, {"frame": 1, "time": 1.0}, {"frame": -1}, {"frame": 0, "format": "gif"}]
    + [{"frame": 0, "quality": quality} for quality in (0, 101, True, "90")],
)
def test_what_cannot_be_meant_is_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValidationFailed):
        KIND.parse_input({"source": {"asset_id": "a1"}, **wrong})


@pytest.mark.parametrize("n", [0, 20, 33])
def test_the_picture_is_what_the_videos_encoder_is_given(
    moving: Path, tmp_path: Path, n: int
) -> None:
    made = export_frame(moving, tmp_path, frame=n, **LOOK)

    source = probe(moving)
    plan = KIND.parse_input({"source": {"asset_id": "a"}, "frame": n, **LOOK}).plan(
        source.footage
    )
    with CpuEngine(Threads.for_cores(2)).frames(source, plan, plan.frames) as frames:
        fed = list(frames)[n]
    assert np.array_equal(np.asarray(made.image), output_rgb(fed, source.look.colours))


def test_layers_are_drawn_as_in_the_video(moving: Path, tmp_path: Path) -> None:
    Image.new("RGBA", (32, 32), (240, 240, 20, 255)).save(tmp_path / "logo.png")
    logo = {
        "type": "image",
        "image": {"asset_id": "logo"},
        "anchor": "top_left",
        "width": 0.5,
        "start_frame": 10,
    }
    files = {"layers.0.image": tmp_path / "logo.png"}
    asked = {**LOOK, "layers": [logo]}

    before, after = (
        np.asarray(export_frame(moving, tmp_path / "frame", files, frame=n, **asked).image)
        for n in (9, 12)
    )

    assert np.abs(after[8:80, 8:80].astype(int) - (240, 240, 20)).max() <= 3
    bare = np.asarray(export_frame(moving, tmp_path / "bare", frame=9, **LOOK).image)
    assert np.array_equal(before, bare)


@pytest.mark.parametrize("n", [0, 20, 33])
def test_the_picture_is_the_frame_of_the_finished_video(
    moving: Path, tmp_path: Path, n: int
) -> None:
    made = export_frame(moving, tmp_path / "frame", frame=n, **LOOK)
    video = export("overlay", moving, tmp_path / "video", **{**LOOK, "quality": "high"})

    shot = list(shots(video.path))[n]
    seen = np.asarray(made.image, float)
    weights = np.array([0.2126, 0.7152, 0.0722])
    error = seen @ weights - (shot.y.astype(float) - 16) * 255 / 219
    assert 10 * np.log10(255**2 / np.mean(error**2)) >= 40


@pytest.mark.parametrize("colour_range", [LIMITED, FULL])
@pytest.mark.parametrize("matrix", [BT709, BT601])
def test_colours_are_those_of_the_inputs_matrix_and_range(
    tmp_path: Path, matrix: int, colour_range: int
) -> None:
    colour = Colour(matrix, colour_range)
    rgb = np.zeros((180, 320, 3))
    patches = [(200, 40, 40), (30, 170, 60), (40, 60, 190), (230, 230, 230)]
    for at, patch in enumerate(patches):
        rgb[:, at * 80 : at * 80 + 80] = patch
    source = Clip(colour=colour).write(tmp_path / "in", [coloured(rgb, colour)] * 3)

    made = export_frame(source, tmp_path / "scratch", frame=1, **WHOLE)

    found = np.asarray(made.image).astype(int)[90, [40, 120, 200, 280]]
    assert np.abs(found - patches).max() <= 3


def test_chroma_is_interpolated_from_where_it_lies(tmp_path: Path) -> None:
    """A ramp of colour stays a ramp: no steps of two, and no shift of half a pixel."""
    ramp = np.linspace(60, 196, 320)
    rgb = np.stack(
        [np.tile(ramp, (180, 1)), np.full((180, 320), 128.0), 256 - np.tile(ramp, (180, 1))], -1
    )
    y, cb, cr = Colour().planes_of(rgb)
    left_sited = [each[::2, ::2] for each in (cb, cr)]
    codes = [np.rint(each).astype(np.uint8) for each in (y, *left_sited)]
    frame = av.VideoFrame(320, 180, "yuv420p")
    for plane, samples in zip(frame.planes, codes, strict=True):
        rows = np.frombuffer(plane, np.uint8).reshape(-1, plane.line_size)
        rows[: plane.height, : plane.width] = samples

    made = output_rgb(frame, colours_of(BT709, BT709, BT709, LIMITED, 180)).astype(float)

    assert np.abs(made - rgb)[:, 2:-2].mean() <= 0.6
    assert np.abs(made - rgb)[:, 2:-2].max() <= 3


@pytest.mark.parametrize(
    ("form", "content_type"),
    [("png", "image/png"), ("jpeg", "image/jpeg"), ("webp", "image/webp")],
)
def test_each_format_is_written_as_what_it_is(
    moving: Path, tmp_path: Path, form: str, content_type: str
) -> None:
    lossless = export_frame(moving, tmp_path / "png", frame=7, **LOOK)

    made = export_frame(moving, tmp_path / form, frame=7, format=form, **LOOK)

    error = np.asarray(made.image, float) - np.asarray(lossless.image, float)
    assert (made.content_type, made.image.format) == (content_type, form.upper())
    assert (made.image.size, made.result.format) == ((180, 160), form)
    assert 10 * np.log10(255**2 / max(np.mean(error**2), 1e-9)) >= 32


def test_a_lower_quality_is_a_smaller_file(moving: Path, tmp_path: Path) -> None:
    sizes = [
        export_frame(
            moving, tmp_path, frame=7, format="jpeg", quality=quality, **LOOK
        ).result.size_bytes
        for quality in (20, 95)
    ]
    assert sizes[0] < sizes[1]


def test_what_a_plan_remarks_is_told(moving: Path, tmp_path: Path) -> None:
    outside = [{"frame": 0, "x": -50, "y": 0, "width": 180, "height": 160}]
    made = export_frame(moving, tmp_path, frame=0, **{**LOOK, "crop_keyframes": outside})
    assert made.warnings == ["crop_clamped"]


def test_no_more_is_decoded_than_from_the_sync_sample_before(
    numbered: Path, tmp_path: Path
) -> None:
    """All before that sync sample is damaged: it would be missed, were it decoded."""
    content = bytearray(numbered.read_bytes())
    with av.open(str(numbered)) as file:
        packets = [(p.pts, p.pos, p.size) for p in file.demux(video=0) if p.size]
    for pts, at, size in packets:
        if 12 <= pts < 24:
            content[at + 4 : at + size] = bytes(size - 4)
    (tmp_path / "in").write_bytes(content)

    made = export_frame(tmp_path / "in", tmp_path / "scratch", frame=30, **WHOLE)

    assert number_shown(np.asarray(made.image)) == 30
    assert made.warnings == []
