"""Which frames become still pictures, and when they stand for the output."""

import re
from fractions import Fraction
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shared.render.cropping import Size
from shared.render.delivery import Delivery, Poster
from shared.render.stills import MOST_PICTURES, Sprites, Stills

PORTRAIT = Size(1080, 1920)
NTSC = Fraction(30000, 1001)
CUE = re.compile(
    r"(\d{2,}):(\d\d):(\d\d\.\d{3}) --> (\d{2,}):(\d\d):(\d\d\.\d{3})\n"
    r"sprites\.jpg#xywh=(\d+),(\d+),(\d+),(\d+)\n"
)

RATES = st.sampled_from([Fraction(1, 10), Fraction(1), Fraction(25, 2), NTSC, Fraction(120)])
SIZES = st.builds(Size, st.integers(8, 2048), st.integers(8, 2048))


@settings(max_examples=30)
@given(st.integers(1, 2_000_000), RATES, SIZES)
def test_a_sheet_fits_and_its_pictures_follow_each_other_to_the_end(
    frames: int, rate: Fraction, output: Size
) -> None:
    sprites = Sprites.of(frames, rate, output)
    times = [sprites.times(index) for index in range(sprites.count)]
    numbers = [sprites.number(index) for index in range(sprites.count)]

    assert 1 <= sprites.count <= MOST_PICTURES
    assert max(sprites.sheet.width_px, sprites.sheet.height_px) <= 1600
    assert (times[0][0], times[-1][1]) == (0, frames / rate)
    assert all(before[1] == after[0] for before, after in pairwise(times))
    assert all(start < end for start, end in times)
    assert numbers == sorted(numbers)
    assert 0 <= numbers[0] <= numbers[-1] < frames
    assert sorted(sum(sprites.numbers.values(), ())) == list(range(sprites.count))


@settings(max_examples=30)
@given(st.integers(1, 100_000), RATES, SIZES)
def test_the_vtt_names_each_pictures_time_and_place(
    frames: int, rate: Fraction, output: Size
) -> None:
    sprites = Sprites.of(frames, rate, output)

    head, _, body = sprites.webvtt("sprites.jpg").partition("\n\n")
    cues = [CUE.fullmatch(each + "\n") for each in body.rstrip("\n").split("\n\n")]

    assert head == "WEBVTT"
    assert len(cues) == sprites.count
    for cue, index in zip(cues, range(sprites.count), strict=True):
        assert cue is not None
        hours, minutes, seconds = cue.group(1, 2, 3)
        start_s = int(hours) * 3600 + int(minutes) * 60 + float(seconds)
        x, y, width, height = map(int, cue.group(7, 8, 9, 10))
        assert start_s == pytest.approx(float(sprites.times(index)[0]), abs=0.0006)
        assert (x, y) == sprites.place(index)
        assert x + width <= sprites.sheet.width_px
        assert y + height <= sprites.sheet.height_px


@pytest.mark.parametrize(
    ("length_s", "interval_s", "count"),
    [(0.4, 0.5, 1), (4, 0.5, 8), (4.2, 0.5, 8), (50, 0.5, 100), (51, 1, 51), (600, 10, 60)],
)
def test_the_interval_is_the_shortest_that_fits(
    length_s: float, interval_s: float, count: int
) -> None:
    sprites = Sprites.of(round(25 * length_s), Fraction(25), PORTRAIT)

    assert (float(sprites.interval), sprites.count) == (interval_s, count)
    assert sprites.thumb == Size(90, 160)


@pytest.mark.parametrize(
    ("time_s", "number"), [(0, 0), (1.0, 29), (1.001, 30), (1.0011, 30), (3.99, 119), (60, 119)]
)
def test_a_poster_at_a_time_is_the_frame_shown_then(time_s: float, number: int) -> None:
    stills = Stills.of(Delivery(poster=Poster(time_s)), 120, NTSC, PORTRAIT)

    assert stills.poster == (number,)


def test_a_poster_without_a_time_is_looked_for_each_half_second_for_ten() -> None:
    stills = Stills.of(Delivery(poster=Poster()), 1000, Fraction(25), PORTRAIT)

    assert stills.poster[:4] == (0, 12, 25, 37)
    assert stills.poster[-1] == 237


def test_nothing_is_kept_of_what_nobody_asked_for() -> None:
    assert Stills.of(Delivery(), 100, Fraction(25), PORTRAIT) == Stills((), None)
