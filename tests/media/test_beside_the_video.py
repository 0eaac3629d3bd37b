"""Poster and sprite sheet: of the right frames, at the right times, in the right colours."""

from fractions import Fraction
from io import BytesIO
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest
from PIL import Image

from gpu_worker.media.encoding.stills import StillsWatch, sheet_jpeg, together
from gpu_worker.media.picture.colour import LIMITED, Colours
from shared.render.cropping import Rect, Size
from shared.render.delivery import Delivery, Poster
from shared.render.stills import Sprites, Stills
from tests.support.exports import export, number_in
from tests.support.footage import (
    BT601,
    BT709,
    FULL,
    Clip,
    Colour,
    Plane,
    coloured,
    flat,
    grey,
    with_number,
)

pytestmark = pytest.mark.media

WIDTH, HEIGHT, CODE_AT = 320, 180, (120, 70)
WHOLE = Rect(0, 0, WIDTH, HEIGHT)
SAME = {"output_width": WIDTH, "output_height": HEIGHT}
RATE = Fraction(25)


@pytest.fixture(scope="module")
def dark_then_numbered(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Four seconds: black for one, then pictures that show their numbers."""
    black = grey(flat(WIDTH, HEIGHT, 16))
    numbered = (
        grey(with_number(flat(WIDTH, HEIGHT, 150), n, CODE_AT)) if n >= 25 else black
        for n in range(100)
    )
    path = tmp_path_factory.mktemp("beside") / "in.mp4"
    return Clip(rate=RATE).write(path, numbered)


def luma_of(picture: Image.Image) -> Plane:
    return np.asarray(picture.convert("L"))


@pytest.mark.parametrize(
    ("trim", "time_s", "number"),
    [({}, 2.0, 50), ({"start_time": 1.2}, 2.0, 80), ({"end_time": 2.0}, 60.0, 49)],
)
def test_a_poster_shows_the_frame_of_its_time_in_the_output(
    dark_then_numbered: Path,
    tmp_path: Path,
    trim: dict[str, float],
    time_s: float,
    number: int,
) -> None:
    order = {"poster": {"time": time_s}, **trim, **SAME}
    made = export("framing", dark_then_numbered, tmp_path / "scratch", **order)

    with Image.open(made.beside["poster"]) as poster:
        assert (poster.format, poster.size) == ("JPEG", (WIDTH, HEIGHT))
        assert number_in(luma_of(poster), CODE_AT, WHOLE) == number
    begins = 30 if "start_time" in trim else 0
    assert made.result.poster_time_s == pytest.approx((number - begins) / 25)


def test_a_poster_without_a_time_passes_over_black(
    dark_then_numbered: Path, tmp_path: Path
) -> None:
    made = export("overlay", dark_then_numbered, tmp_path / "scratch", poster=True, **SAME)

    with Image.open(made.beside["poster"]) as poster:
        assert number_in(luma_of(poster), CODE_AT, WHOLE) == 25
    assert set(made.beside) == {"poster"}


def test_where_nothing_is_well_exposed_the_poster_has_the_most_contrast(
    tmp_path: Path,
) -> None:
    lumas = [16 + n // 13 * 2 for n in range(100)]
    pictures = (grey(with_number(flat(WIDTH, HEIGHT, y), 0, CODE_AT)) for y in lumas)
    source = Clip(rate=RATE).write(tmp_path / "in.mp4", pictures)

    made = export("framing", source, tmp_path / "scratch", poster=True, **SAME)

    # The cells are black: the lighter the rest, the more they differ, and it is all too dark.
    assert made.result.poster_time_s == pytest.approx(87 / 25)


@pytest.mark.parametrize(
    "colour", [Colour(BT709), Colour(BT601), Colour(BT709, FULL)], ids=["709", "601", "full"]
)
def test_a_posters_colours_are_those_of_the_video(tmp_path: Path, colour: Colour) -> None:
    wanted = [(200, 16, 24), (20, 180, 40), (24, 30, 210), (224, 172, 140)]
    rgb = np.repeat(np.array([wanted], float), 64, 0).repeat(64, 1)
    source = Clip(colour=colour, crf=2).write(tmp_path / "in.mp4", [coloured(rgb, colour)] * 3)

    made = export(
        "framing",
        source,
        tmp_path / "scratch",
        output_width=256,
        output_height=64,
        poster={"time": 0},
        sprites=True,
    )

    for name, scale in (("poster", 1.0), ("sprites", 160 / 256)):
        with Image.open(made.beside[name]) as picture:
            pixels = np.asarray(picture.convert("RGB")).astype(float)
        for index, expected in enumerate(wanted):
            x, y = round((64 * index + 32) * scale), round(32 * scale)
            patch = pixels[y - 8 : y + 8, x - 8 : x + 8].mean((0, 1))
            assert patch == pytest.approx(expected, abs=4)


@pytest.mark.parametrize("trim", [{}, {"start_time": 1.4, "end_time": 3.6}], ids=str)
def test_sprites_show_the_middle_of_their_time(
    dark_then_numbered: Path, tmp_path: Path, trim: dict[str, float]
) -> None:
    made = export(
        "framing", dark_then_numbered, tmp_path / "scratch", sprites=True, **trim, **SAME
    )
    sprites = Sprites.of(made.result.frames, RATE, Size(WIDTH, HEIGHT))
    begins = round(25 * trim.get("start_time", 0))

    with Image.open(made.beside["sprites"]) as sheet:
        assert (sheet.format, sheet.size) == ("JPEG", (160 * sprites.count, 90))
        lumas = luma_of(sheet)
    shown = [
        number_in(lumas[:, 160 * index : 160 * (index + 1)], CODE_AT, WHOLE)
        for index in range(sprites.count)
    ]
    expected = [begins + sprites.number(index) for index in range(sprites.count)]
    assert shown == [number if number >= 25 else 0 for number in expected]
    assert made.beside["sprites_vtt"].read_text() == sprites.webvtt("sprites.jpg")
    assert made.result.sprites is not None
    assert made.result.sprites.count == sprites.count


def frame(pixel_format: str, number: int) -> av.VideoFrame:
    """A numbered picture of 8 or 10 bits a sample."""
    made = av.VideoFrame(WIDTH, HEIGHT, pixel_format)
    luma = with_number(flat(WIDTH, HEIGHT, 150), number, CODE_AT)
    deep = pixel_format.endswith("10le")
    for plane, values in zip(made.planes, (luma, 128, 128), strict=True):
        samples: Any = np.frombuffer(plane, np.uint16 if deep else np.uint8)
        rows = samples.reshape(plane.height, -1)[:, : plane.width]
        rows[:] = np.multiply(values, 4, dtype=np.uint16) if deep else values
    return made


@pytest.mark.parametrize("pixel_format", ["yuv420p", "yuv420p10le"])
def test_watches_of_parts_see_together_what_one_sees(pixel_format: str) -> None:
    stills = Stills.of(Delivery(poster=Poster(), sprites=True), 60, RATE, Size(WIDTH, HEIGHT))
    colours = Colours(1, 1, 1, LIMITED)
    one, first, second = (StillsWatch(stills, colours) for _ in range(3))

    for number in range(60):
        part = first if number < 31 else second
        for watch in (one, part):
            watch.see(number, frame(pixel_format, number))
    joined = together([second.seen, first.seen])

    assert joined == one.seen
    assert stills.sprites is not None
    with Image.open(BytesIO(sheet_jpeg(stills.sprites, joined.thumbs))) as sheet:
        last = luma_of(sheet)[:, -160:]
    assert number_in(last, CODE_AT, WHOLE) == stills.sprites.number(stills.sprites.count - 1)


def test_nv12_makes_the_same_thumbs() -> None:
    stills = Stills.of(Delivery(sprites=True), 1, RATE, Size(WIDTH, HEIGHT))
    planar, packed = (StillsWatch(stills, Colours(1, 1, 1, LIMITED)) for _ in range(2))

    planar.see(0, frame("yuv420p", 5))
    packed.see(0, frame("yuv420p", 5).reformat(format="nv12"))

    assert planar.seen == packed.seen
