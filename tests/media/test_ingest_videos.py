"""Thumbnails of videos: the right frame, upright, in the right colours, with its alpha."""

from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest
from PIL import Image

from shared.errors import JobFailed
from tests.support.footage import (
    BT601,
    BT709,
    BT2020,
    FULL,
    LIMITED,
    Clip,
    Colour,
    Plane,
    Sound,
    code_points,
    coloured,
    flat,
    grey,
    with_number,
)
from tests.support.frames import export_frame
from tests.support.ingests import ingest

pytestmark = pytest.mark.media

CODE_AT = (40, 40)
RED, GREEN, BLUE, WHITE = (200, 40, 40), (30, 170, 60), (40, 60, 190), (230, 230, 230)


def numbered(count: int) -> Iterator[Any]:
    """Pictures that say which they are."""
    return (grey(with_number(flat(320, 180), n, CODE_AT)) for n in range(count))


def number_shown(image: Image.Image) -> int:
    luma = np.asarray(image.convert("L"))
    bits = [luma[int(y), int(x)] > 125 for x, y in code_points(CODE_AT)]
    return sum(int(bit) << place for place, bit in enumerate(bits))


def quarters(width: int, height: int) -> Plane:
    """Four colours, (height, width, 3): red, green above blue, white."""
    rgb = np.zeros((height, width, 3))
    halves = slice(0, height // 2), slice(height // 2, height)
    sides = slice(0, width // 2), slice(width // 2, width)
    for colour, (rows, columns) in zip(
        (RED, GREEN, BLUE, WHITE), [(r, c) for r in halves for c in sides], strict=True
    ):
        rgb[rows, columns] = colour
    return rgb


def corners(image: Image.Image) -> Plane:
    """The colours in the middle of the four quarters, row by row."""
    pixels = np.asarray(image)[..., :3].astype(int)
    height, width = pixels.shape[:2]
    return np.array([pixels[height * y // 4, width * x // 4] for y in (1, 3) for x in (1, 3)])


# -- which frame ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("rate", "frames", "shown"),
    [
        (Fraction(25), 30, 2),  # from 0.08 s on
        (Fraction(10), 10, 1),
        (Fraction(5), 10, 0),
        (Fraction(30_000, 1001), 60, 2),
    ],
)
def test_the_frame_on_show_at_a_tenth_of_a_second_is_taken(
    tmp_path: Path, rate: Fraction, frames: int, shown: int
) -> None:
    source = Clip(rate=rate).write(tmp_path / "in", numbered(frames))
    assert number_shown(ingest(source, tmp_path / "scratch").thumbnail) == shown


@pytest.mark.parametrize(("frames", "length_s"), [(1, 0.04), (2, 0.08)])
def test_d02_a_video_of_one_or_two_frames_has_a_thumbnail(
    tmp_path: Path, frames: int, length_s: float
) -> None:
    source = Clip(rate=Fraction(25)).write(tmp_path / "in", numbered(frames))

    made = ingest(source, tmp_path / "scratch")

    assert made.thumbnail.size == (320, 180)
    assert number_shown(made.thumbnail) == 0
    assert made.result.frames == frames
    assert made.result.duration_s == pytest.approx(length_s)


def test_where_nothing_can_be_decoded_by_then_the_first_frame_that_can_is_taken(
    tmp_path: Path,
) -> None:
    with av.open(str(tmp_path / "whole"), "w", format="mov") as file:
        stream = file.add_stream("mjpeg", rate=25)
        stream.width, stream.height, stream.pix_fmt = 320, 180, "yuvj420p"
        for n in range(10):
            luma = with_number(flat(320, 180), n, CODE_AT)
            file.mux(stream.encode(av.VideoFrame.from_ndarray(luma, "gray")))
        file.mux(stream.encode(None))
    content = bytearray((tmp_path / "whole").read_bytes())
    with av.open(str(tmp_path / "whole")) as file:
        packets = [(packet.pos, packet.size) for packet in file.demux(video=0) if packet.size]
    for at, size in packets[:4]:
        content[at : at + size] = bytes(size)
    (tmp_path / "in").write_bytes(content)

    assert number_shown(ingest(tmp_path / "in", tmp_path / "scratch").thumbnail) == 4


# -- what it looks like ---------------------------------------------------------------------


@pytest.mark.parametrize("colour_range", [LIMITED, FULL])
@pytest.mark.parametrize("matrix", [BT709, BT601])
def test_d01_a_two_second_clip_has_a_thumbnail_in_its_colours(
    tmp_path: Path, matrix: int, colour_range: int
) -> None:
    colour = Colour(matrix, colour_range)
    picture = coloured(quarters(1280, 720), colour)
    source = Clip(rate=Fraction(10), colour=colour).write(tmp_path / "in", [picture] * 20)

    made = ingest(source, tmp_path / "scratch")

    assert made.thumbnail.size == (512, 288)
    assert made.thumbnail.mode == "RGB"
    wanted = np.array([RED, GREEN, BLUE, WHITE])
    assert np.abs(corners(made.thumbnail) - wanted).max() <= 3
    assert (made.result.width_px, made.result.height_px) == (1280, 720)
    assert made.facts["family"] == "video"


@pytest.mark.parametrize(
    ("turned", "order"), [(90, (1, 3, 0, 2)), (180, (3, 2, 1, 0)), (270, (2, 0, 3, 1))]
)
def test_a_turned_video_is_upright(tmp_path: Path, turned: int, order: Any) -> None:
    picture = coloured(quarters(320, 180), Colour())
    source = Clip(rate=Fraction(25), turned=turned).write(tmp_path / "in", [picture] * 3)

    made = ingest(source, tmp_path / "scratch")

    size = (320, 180) if turned == 180 else (180, 320)
    wanted = np.array([RED, GREEN, BLUE, WHITE])[list(order)]
    assert made.thumbnail.size == size
    assert (made.result.width_px, made.result.height_px) == size
    assert np.abs(corners(made.thumbnail) - wanted).max() <= 4


def test_pixels_that_are_not_square_become_so(tmp_path: Path) -> None:
    picture = coloured(quarters(240, 180), Colour())
    clip = Clip(rate=Fraction(25), pixel_aspect=Fraction(4, 3))
    made = ingest(clip.write(tmp_path / "in", [picture] * 3), tmp_path / "scratch")
    assert made.thumbnail.size == (320, 180)
    assert (made.result.width_px, made.result.height_px) == (320, 180)


def test_sides_that_are_odd_in_the_end_are_kept(tmp_path: Path) -> None:
    source = Clip(rate=Fraction(25)).write(tmp_path / "in", numbered(3))
    assert ingest(source, tmp_path / "scratch", max_size=99).thumbnail.size == (99, 56)


def test_the_result_says_what_the_file_is(tmp_path: Path) -> None:
    clip = Clip(rate=Fraction(25), sound=Sound.beeps([0.1], 0.4))

    made = ingest(clip.write(tmp_path / "in", numbered(10)), tmp_path / "scratch")

    result = made.result
    assert (result.family, result.container, result.video_codec) == ("video", "mov", "h264")
    assert (result.rate, result.frames, result.has_audio) == ("25/1", 10, True)
    assert (result.audio_codec, result.has_alpha) == ("aac", False)
    assert made.facts["video_codec"] == "h264"
    assert [stage for stage, _ in made.progress] == ["prepare", "thumbnail", "thumbnail"]


@pytest.mark.parametrize("transfer", [1, 16, 18], ids=["bt709", "pq", "hlg"])
def test_a_video_of_ten_bits_looks_as_in_a_render_hdr_too(
    tmp_path: Path, transfer: int
) -> None:
    hdr = transfer != BT709
    rows, columns = np.mgrid[0:180, 0:320]
    planes = (300 + columns, 512 + 80 * (rows[::2, ::2] > 90), 512 - columns[::2, ::2] // 3)
    with av.open(str(tmp_path / "in"), "w", format="mp4") as file:
        stream = file.add_stream("libx264", rate=25, options={"crf": "4"})
        stream.width, stream.height, stream.pix_fmt = 320, 180, "yuv420p10le"
        encoder = stream.codec_context
        encoder.colorspace = encoder.color_primaries = BT2020 if hdr else BT709
        encoder.color_trc, encoder.color_range = transfer, LIMITED
        frame = av.VideoFrame(320, 180, "yuv420p10le")
        for plane, codes in zip(frame.planes, planes, strict=True):
            stored = np.frombuffer(plane, np.uint16).reshape(-1, plane.line_size // 2)
            stored[: plane.height, : plane.width] = codes
        for n in range(3):
            frame.pts = n
            file.mux(stream.encode(frame))
        file.mux(stream.encode(None))
    size = {"output_width": 320, "output_height": 180}

    made = ingest(tmp_path / "in", tmp_path / "scratch").thumbnail
    shown = export_frame(tmp_path / "in", tmp_path / "frame", frame=2, **size)

    error = np.abs(np.asarray(made, float) - np.asarray(shown.image, float))
    assert error[:, 4:-4].mean() <= 1
    assert np.asarray(made).std() > 20
    assert ("hdr_tone_mapped" in shown.warnings) == hdr


# -- alpha ----------------------------------------------------------------------------------


def with_alpha(
    path: Path, container: str, codec: str, pixel_format: str, *, turned: int = 0
) -> Path:
    """Three red frames, two of them opaque.

    The third has nothing on its right half, and half of it below on its left.
    """
    rgba = np.empty((96, 128, 4), np.uint8)
    rgba[...] = (*RED, 255)
    with av.open(str(path), "w", format=container) as file:
        # With its alternate frames VP8 takes no alpha.
        options = {"auto-alt-ref": "0"} if codec == "libvpx" else {}
        stream = file.add_stream(codec, rate=25, options=options)
        stream.width, stream.height, stream.pix_fmt = 128, 96, pixel_format
        if turned:
            stream.set_display_rotation(turned)
        for n in range(3):
            rgba[:, 64:, 3] = 0 if n == 2 else 255
            rgba[48:, :64, 3] = 128 if n == 2 else 255
            frame = av.VideoFrame.from_ndarray(rgba, "rgba")
            file.mux(stream.encode(frame.reformat(format=pixel_format)))
        file.mux(stream.encode(None))
    return path


ALPHA = [
    ("webm", "libvpx-vp9", "yuva420p"),
    ("webm", "libvpx", "yuva420p"),
    ("mov", "prores_ks", "yuva444p10le"),
    ("mov", "png", "rgba"),
    ("mov", "qtrle", "argb"),
    ("avi", "png", "rgba"),  # whose frames have no times
]


@pytest.mark.parametrize(
    ("container", "codec", "pixel_format"), ALPHA, ids=[f"{a[0]} {a[1]}" for a in ALPHA]
)
def test_d07_a_video_with_alpha_has_a_thumbnail_with_alpha(
    tmp_path: Path, container: str, codec: str, pixel_format: str
) -> None:
    source = with_alpha(tmp_path / "in", container, codec, pixel_format)

    made = ingest(source, tmp_path / "scratch")

    pixels = np.asarray(made.thumbnail).astype(int)
    assert made.thumbnail.mode == "RGBA"
    assert made.result.has_alpha
    assert pixels[8:40, 8:56, 3].min() >= 250
    assert np.abs(pixels[56:88, 8:56, 3] - 128).max() <= 5
    assert pixels[8:88, 72:120, 3].max() <= 5
    assert np.abs(pixels[8:88, 8:56, :3] - RED).max() <= 8  # not darkened by its alpha


def test_d07_alpha_is_turned_and_made_small_with_its_picture(tmp_path: Path) -> None:
    source = with_alpha(tmp_path / "in", "mov", "qtrle", "argb", turned=90)

    thumbnail = ingest(source, tmp_path / "scratch", max_size=64).thumbnail

    pixels = np.asarray(thumbnail).astype(int)
    assert thumbnail.size == (48, 64)
    assert pixels[:28, :, 3].max() <= 5
    assert pixels[36:, :20, 3].min() >= 250
    assert np.abs(pixels[36:, 28:, 3] - 128).max() <= 3
    assert np.abs(pixels[36:, :, :3] - RED).max() <= 6


# -- what is left behind, and where ---------------------------------------------------------


def test_d03_a_resize_that_raises_leaves_the_scratch_empty(tmp_path: Path) -> None:
    source = Clip(rate=Fraction(25)).write(tmp_path / "in", numbered(3))

    def raises(*_: Any) -> None:
        raise MemoryError

    with pytest.raises(MemoryError):
        ingest(source, tmp_path / "scratch", raises)
    assert list((tmp_path / "scratch").iterdir()) == []


def test_d04_a_scratch_whose_name_ends_in_mp4_is_as_good_as_any(tmp_path: Path) -> None:
    folder = tmp_path / "a.mp4.d"
    folder.mkdir()
    source = Clip(rate=Fraction(25)).write(folder / "b.mp4.mp4", numbered(3))

    made = ingest(source, folder / "scratch.mp4.d")

    assert made.thumbnail.size == (320, 180)


def test_sound_alone_is_refused_saying_so(tmp_path: Path) -> None:
    with av.open(str(tmp_path / "in"), "w", format="mp4") as file:
        stream = file.add_stream("aac", rate=48_000)
        for number in range(20):
            frame = av.AudioFrame.from_ndarray(np.zeros((1, 1024), np.float32), "fltp", "mono")
            frame.sample_rate, frame.pts = 48_000, 1024 * number
            file.mux(stream.encode(frame))
        file.mux(stream.encode(None))

    with pytest.raises(JobFailed) as refused:
        ingest(tmp_path / "in", tmp_path / "scratch")

    assert refused.value.what == "input_unreadable"
    assert "sound but no video" in refused.value.public
