"""When things happen in an export: exact frames, and rates that vary."""

import random
from collections.abc import Iterator
from fractions import Fraction
from itertools import accumulate
from math import floor
from pathlib import Path

import numpy as np
import pytest

from shared.render.cropping import Rect
from tests.support.exports import (
    Exported,
    brightness_at,
    centroid,
    export,
    heard,
    number_in,
    onsets_s,
    shots,
)
from tests.support.footage import (
    Clip,
    Picture,
    Sound,
    flat,
    grey,
    with_dots,
    with_number,
)

pytestmark = pytest.mark.media

NTSC = Fraction(30000, 1001)
CODE_AT = (120, 40)
DOT = (160.0, 120.0)
WHOLE = Rect(0, 0, 320, 180)
AS_IT_IS = {"output_width": 320, "output_height": 180}
SQUARE = {"output_width": 180, "output_height": 180}


def numbered(count: int) -> Iterator[Picture]:
    """Grey pictures with a dot, each with its number painted on it."""
    background = with_dots(flat(320, 180, 60), [DOT], 4)
    return (grey(with_number(background, n, CODE_AT)) for n in range(count))


def numbers_shown(made: Exported, rects: list[Rect]) -> list[int]:
    return [
        number_in(shot.y, CODE_AT, rect)
        for shot, rect in zip(shots(made.path), rects, strict=True)
    ]


def square(frame: int, x: float) -> dict[str, float]:
    return {"frame": frame, "x": x, "y": 0, "width": 180, "height": 180}


@pytest.fixture(scope="module")
def counting(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Ninety numbered frames at 30000/1001 a second."""
    path = tmp_path_factory.mktemp("counting") / "counting.mp4"
    return Clip(rate=NTSC).write(path, numbered(90))


def test_d129_a_region_touches_its_frames_and_no_other(counting: Path, tmp_path: Path) -> None:
    # The ellipse lies over the number, so that darkening around it leaves it readable.
    ellipse = {"x": 160, "y": 56, "radius_x": 80, "radius_y": 45}

    made = export(
        "overlay",
        counting,
        tmp_path / "scratch",
        effect_type="dark_overlay",
        highlight_regions=[
            {"start_frame": 20, "end_frame": 31, **ellipse},
            {"start_frame": 40, "end_frame": 41, **ellipse},
        ],
        **AS_IT_IS,
    )
    dark = [n for n, shot in enumerate(shots(made.path)) if brightness_at(shot.y, 20, 160) < 50]

    assert numbers_shown(made, [WHOLE] * 90) == list(range(90))
    assert dark == [*range(20, 31), 40]


@pytest.mark.parametrize(
    ("trim", "frames"),
    [
        ({}, range(90)),
        ({"start_time": 1.0, "end_time": 2.0}, range(30, 60)),
        ({"start_time": 0.5}, range(15, 90)),
        ({"end_time": 1.2}, range(36)),
    ],
    ids=["whole", "middle", "end", "beginning"],
)
def test_d129_a_crop_changes_on_its_frame_with_and_without_a_trim(
    counting: Path, tmp_path: Path, trim: dict[str, float], frames: range
) -> None:
    # The crop jumps between frames 34 and 35 of the input, wherever the output begins.
    made = export(
        "framing",
        counting,
        tmp_path / "scratch",
        crop_keyframes=[square(34, 40), square(35, 80)],
        **SQUARE,
        **trim,
    )
    rects = [Rect(40 if n < 35 else 80, 0, 180, 180) for n in frames]
    dots = [DOT[0] - rect.x for rect in rects]

    assert numbers_shown(made, rects) == list(frames)
    assert all(
        brightness_at(shot.y, u, DOT[1]) > 150
        for shot, u in zip(shots(made.path), dots, strict=True)
    )
    assert made.result.frames == len(frames)


def test_the_output_is_stamped_at_the_nominal_rate(counting: Path, tmp_path: Path) -> None:
    made = export("framing", counting, tmp_path / "scratch", start_time=1.0, **SQUARE)

    times = [shot.time for shot in shots(made.path)]

    assert times == [n / NTSC for n in range(60)]
    assert made.result.rate == "30000/1001"
    assert made.result.duration_s == pytest.approx(60 * 1001 / 30000)


def irregular_stamps(count: int) -> list[int]:
    """Frames that last between 20 and 47 ms, 33.4 on average, in 1/90000 s."""
    chance = random.Random(130)
    return [0, *accumulate(chance.randint(1800, 4212) for _ in range(count - 1))]


def test_d130_a_variable_rate_drifts_neither_from_the_crop_nor_from_the_sound(
    tmp_path: Path,
) -> None:
    count = 600
    stamps = irregular_stamps(count)
    beeps = [stamps[n] / 90_000 for n in range(60, count, 60)]
    sound = Sound.beeps(beeps, stamps[-1] / 90_000)
    clip = Clip(stamps=stamps, sound=sound)
    source = clip.write(tmp_path / "in.mp4", numbered(count))

    made = export(
        "framing",
        source,
        tmp_path / "scratch",
        crop_keyframes=[square(0, 20), square(599, 120)],
        **SQUARE,
    )
    rate = Fraction(made.result.rate)
    slots = [floor(Fraction(stamp, 90_000) * rate + Fraction(1, 2)) for stamp in stamps]
    rects = [Rect(20 + min(n, 599) * 100 / 599, 0, 180, 180) for n in range(made.result.frames)]
    seen = [
        centroid(shot.y, (DOT[0] - rect.x, DOT[1]), 14)[0]
        for shot, rect in zip(shots(made.path), rects, strict=True)
    ]
    off_frames = [
        (DOT[0] - u - rect.x) * 599 / 100 for u, rect in zip(seen, rects, strict=True)
    ]

    assert rate in (Fraction(30), NTSC)
    assert numbers_shown(made, rects) == [
        max(k for k, slot in enumerate(slots) if slot <= n) for n in range(made.result.frames)
    ]
    assert np.abs(off_frames).max() <= 1
    assert onsets_s(heard(made.path)) == pytest.approx(beeps, abs=0.02)
