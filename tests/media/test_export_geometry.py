"""Where things are in an export: smooth, unstretched, in displayed coordinates."""

import subprocess
from fractions import Fraction
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from imageio_ffmpeg import get_ffmpeg_exe

from shared.render.cropping import Rect, Size, centred
from tests.support.exports import brightness_at, centroid, export, shots, shown_rect
from tests.support.footage import Clip, Plane, flat, grey, lattice, with_dots

pytestmark = pytest.mark.media

FRAME = Size(640, 360)
TALL = Size(360, 640)
DOTS = lattice(640, 360, 45)
REACH_PX = 18.0  # of an output about twice as large as its crop: what a dot's light covers
TALL_OUTPUT = {"output_width": 360, "output_height": 640}


def keyframe(frame: int, rect: Rect) -> dict[str, float]:
    return {
        "frame": frame,
        "x": rect.x,
        "y": rect.y,
        "width": rect.width,
        "height": rect.height,
    }


def between(a: Rect, b: Rect, part: float) -> Rect:
    return Rect(
        a.x + (b.x - a.x) * part,
        a.y + (b.y - a.y) * part,
        a.width + (b.width - a.width) * part,
        a.height + (b.height - a.height) * part,
    )


@pytest.fixture(scope="module")
def dotted(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Ten seconds of a lattice of dots that stands still."""
    picture = grey(with_dots(flat(640, 360, 40), DOTS, 4))
    path = tmp_path_factory.mktemp("dotted") / "dotted.mp4"
    return Clip(crf=4).write(path, (picture for _ in range(300)))


def test_d124_a_slow_pan_moves_evenly_and_keeps_its_size(dotted: Path, tmp_path: Path) -> None:
    first, last = Rect(60, 10, 180, 320), Rect(160, 30, 180, 320)
    asked = [between(first, last, n / 299) for n in range(300)]

    made = export(
        "framing",
        dotted,
        tmp_path / "scratch",
        crop_keyframes=[keyframe(0, first), keyframe(299, last)],
        **TALL_OUTPUT,
    )
    seen = [
        shown_rect(shot.y, DOTS, rect, REACH_PX)
        for shot, rect in zip(shots(made.path), asked, strict=True)
    ]

    off = np.array([np.subtract(s.centre, a.centre) for s, a in zip(seen, asked, strict=True)])
    steps = [b.centre[0] - a.centre[0] for a, b in pairwise(seen)]
    assert np.abs(off).max() <= 0.05
    assert np.sqrt((off**2).mean()) <= 0.02
    assert min(steps) > 0.1  # of 0.334: no frame stands still, none steps back
    assert [s.width for s in seen] == pytest.approx([180] * 300, abs=0.2)
    assert made.warnings == []


def test_d128_a_crop_that_moves_out_keeps_its_scale(dotted: Path, tmp_path: Path) -> None:
    first, last = Rect(300, 0, 180, 320), Rect(700, 200, 180, 320)

    made = export(
        "framing",
        dotted,
        tmp_path / "scratch",
        crop_keyframes=[keyframe(0, first), keyframe(29, last)],
        end_time=1.0,
        **TALL_OUTPUT,
    )
    held = [
        Rect(min(rect.x, 460), min(rect.y, 40), 180, 320)
        for rect in (between(first, last, n / 29) for n in range(30))
    ]
    seen = [
        shown_rect(shot.y, DOTS, rect, REACH_PX)
        for shot, rect in zip(shots(made.path), held, strict=True)
    ]

    assert [s.width for s in seen] == pytest.approx([180] * 30, abs=0.3)
    assert [s.height for s in seen] == pytest.approx([320] * 30, abs=0.5)
    assert [s.x for s in seen] == pytest.approx([rect.x for rect in held], abs=0.2)
    assert made.warnings == ["crop_clamped"]


def test_d127_a_circle_in_a_square_crop_stays_a_circle(tmp_path: Path) -> None:
    rows, columns = np.mgrid[0:360, 0:640] + 0.5
    inside = np.clip(60.5 - np.hypot(columns - 320, rows - 180), 0, 1)
    source = Clip(crf=4).write(tmp_path / "in.mp4", [grey(40 + 180 * inside)] * 5)

    made = export(
        "framing",
        source,
        tmp_path / "scratch",
        crop_keyframes=[keyframe(0, Rect(240, 100, 160, 160))],
        **TALL_OUTPUT,
    )
    light = next(shots(made.path)).y.astype(float) - 40

    across, down = light.sum(0), light.sum(1)
    # The widths of a disc's shadow on each axis, by their second moments.
    assert spread(across) == pytest.approx(spread(down), rel=0.01)
    assert spread(across) == pytest.approx(60 / 2 * 360 / 160, rel=0.01)


def spread(weights: Plane) -> float:
    """Standard deviation of a position with these weights; a disc's is half its radius."""
    weights = np.where(weights > 0.02 * weights.max(), weights, 0)
    at = np.arange(len(weights))
    middle = (weights * at).sum() / weights.sum()
    return float(np.sqrt((weights * (at - middle) ** 2).sum() / weights.sum()))


def test_d126_null_and_empty_keyframes_show_the_same_on_both_kinds(
    dotted: Path, tmp_path: Path
) -> None:
    rect = centred(FRAME, TALL)
    still = Clip(crf=4).write(
        tmp_path / "in.mp4", [grey(with_dots(flat(640, 360), DOTS, 4))] * 5
    )

    made = [
        export(kind, still, tmp_path / f"{kind}{index}", crop_keyframes=crop, **TALL_OUTPUT)
        for kind in ("framing", "overlay")
        for index, crop in enumerate((None, []))
    ]
    pictures = [[shot.y for shot in shots(each.path)] for each in made]

    assert all(np.array_equal(pictures[0], other) for other in pictures[1:])
    seen = shown_rect(pictures[0][0], DOTS, rect, REACH_PX)
    assert (seen.x, seen.y, seen.width, seen.height) == pytest.approx(
        (218.75, 0, 202.5, 360), abs=0.3
    )
    assert [each.warnings for each in made] == [["crop_defaulted"]] * 2 + [[]] * 2


SPOT = (150.0, 70.0)  # in the picture as displayed, whatever way the file stores it
ELSEWHERE = [(40.0, 40.0), (40.0, 200.0), (200.0, 220.0)]


def stored_for(shown: Plane, degrees: int, pixel_aspect: Fraction) -> Plane:
    """What a file stores so that a display matrix and pixel aspect show this picture."""
    unturned = np.rot90(shown, -(degrees // 90)).astype(float)
    width = unturned.shape[1]
    columns = (np.arange(int(width / pixel_aspect)) + 0.5) * float(pixel_aspect) - 0.5
    whole = np.clip(columns.astype(int), 0, width - 2)
    part = columns - whole
    return np.rint(unturned[:, whole] * (1 - part) + unturned[:, whole + 1] * part)


def as_ffmpeg_displays(path: Path, size: Size) -> Plane:
    """The first frame of a file as ffmpeg shows it: turned, in square pixels."""
    scaled = ["-vf", f"scale={size.width_px}:{size.height_px}"]
    raw = ["-frames:v", "1", "-f", "rawvideo", "-pix_fmt", "gray", "-"]
    shown = subprocess.run(
        [get_ffmpeg_exe(), "-v", "error", "-i", str(path), *scaled, *raw],
        check=True,
        capture_output=True,
        timeout=60,
    ).stdout
    return np.frombuffer(shown, np.uint8).reshape(size.height_px, size.width_px)


@pytest.mark.parametrize(
    ("degrees", "pixel_aspect", "displayed"),
    [
        (0, Fraction(1), Size(320, 240)),
        (90, Fraction(1), Size(320, 240)),
        (180, Fraction(1), Size(320, 240)),
        (-90, Fraction(1), Size(320, 240)),
        (0, Fraction(4, 3), Size(320, 240)),
        (90, Fraction(4, 3), Size(240, 320)),
    ],
    ids=["upright", "left", "down", "right", "wide-pixels", "wide-pixels-left"],
)
def test_d131_a_highlight_lies_on_the_spot_a_browser_shows(
    tmp_path: Path, degrees: int, pixel_aspect: Fraction, displayed: Size
) -> None:
    shown = with_dots(flat(displayed.width_px, displayed.height_px, 100), [SPOT], 8)
    stored = stored_for(shown, degrees, pixel_aspect)
    clip = Clip(crf=4, turned=degrees, pixel_aspect=pixel_aspect)
    source = clip.write(tmp_path / "in.mp4", [grey(stored)] * 3)
    region = {"start_frame": 0, "end_frame": 3, "x": SPOT[0], "y": SPOT[1]}

    made = export(
        "overlay",
        source,
        tmp_path / "scratch",
        effect_type="dark_overlay",
        highlight_regions=[{**region, "radius_x": 30, "radius_y": 30}],
        output_width=displayed.width_px,
        output_height=displayed.height_px,
    )
    picture = next(shots(made.path)).y

    # First that the file is what it is meant to be, in the eyes of another program.
    other = as_ffmpeg_displays(source, displayed)
    assert centroid(other, SPOT, 24) == pytest.approx(SPOT, abs=0.6)
    assert centroid(picture, SPOT, 24) == pytest.approx(SPOT, abs=0.3)
    inside = [brightness_at(picture, SPOT[0] + 25, 70), brightness_at(picture, 150, 45)]
    assert inside == pytest.approx([100, 100], abs=3)
    assert max(brightness_at(picture, x, y) for x, y in ELSEWHERE) < 60
    assert brightness_at(picture, SPOT[0] + 35, SPOT[1]) < 60
