"""A slow pan does not shake: where dots are shown, frame by frame, before any encoding."""

from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from gpu_worker.media.picture.planes import Axis, Picture, Plane, subsampled
from gpu_worker.media.picture.resample import Resampler
from shared.render.cropping import Rect, Size
from shared.render.keyframes import CropPath, Keyframe

FRAME = Size(640, 360)
OUTPUT = Size(270, 480)
SIGMA_PX = 2.5  # wide enough that 8-bit samples hold its place to a thousandth of a pixel
STEP_PX = 40
FRAMES = 60
REACH = 5 * SIGMA_PX

LUMA = Axis(1, 0)


def dots() -> list[tuple[float, float]]:
    return [
        (x + 0.37, y + 0.71)
        for y in range(STEP_PX // 2, FRAME.height_px, STEP_PX)
        for x in range(STEP_PX // 2, FRAME.width_px, STEP_PX)
    ]


def glow(samples: int, places: set[float]) -> NDArray[np.float64]:
    """How bright a row or a column of round dots is along itself."""
    away = np.arange(samples)[:, None] + 0.5 - np.array(sorted(places))
    return np.asarray(np.exp(-(away**2) / (2 * SIGMA_PX**2)).sum(1))


def lattice() -> Picture:
    across, down = (set(places) for places in zip(*dots(), strict=True))
    luma = 16 + 200 * np.outer(glow(FRAME.height_px, down), glow(FRAME.width_px, across))
    grey = np.full((FRAME.height_px // 2, FRAME.width_px // 2), 128, np.uint8)
    chroma = Plane(grey, subsampled(2, centred=False), subsampled(2, centred=True))
    return Picture(
        (Plane(np.rint(luma).astype(np.uint8), LUMA, LUMA), chroma, chroma), 8, full=False
    )


def centroid(luma: NDArray[Any], x: float, y: float, reach: float) -> tuple[float, float]:
    left, top = round(x - reach), round(y - reach)
    side = round(2 * reach)
    light = luma[top : top + side, left : left + side].astype(float) - 16
    total = light.sum()
    across = np.arange(left, left + side) + 0.5
    down = np.arange(top, top + side) + 0.5
    return float(light.sum(0) @ across / total), float(light.sum(1) @ down / total)


def places(luma: NDArray[Any], rect: Rect) -> NDArray[np.float64]:
    """For each dot well inside: (planned x, planned y, found x, found y) in source pixels."""
    zoom = OUTPUT.width_px / rect.width
    reach = REACH * zoom
    found = []
    for x, y in dots():
        u, v = (x - rect.x) * zoom, (y - rect.y) * zoom
        if reach + 1 < u < OUTPUT.width_px - reach - 1 and (
            reach + 1 < v < OUTPUT.height_px - reach - 1
        ):
            at = centroid(luma, u, v, reach)
            found.append((x, y, at[0] / zoom + rect.x, at[1] / zoom + rect.y))
    return np.array(found)


def pan(first: Rect, last: Rect) -> list[NDArray[np.float64]]:
    path = CropPath((Keyframe(0, first), Keyframe(FRAMES - 1, last)), FRAME, OUTPUT)
    source, resampler = lattice(), Resampler(OUTPUT)
    measured = []
    for n in range(FRAMES):
        frame = resampler.frame(source, path.rect(n))
        plane = frame.planes[0]
        luma = np.frombuffer(memoryview(plane), np.uint8).reshape(-1, plane.line_size)
        measured.append(places(luma[:, : OUTPUT.width_px], path.rect(n)))
    return measured


PANS = {
    "across, 0.13 px a frame": (Rect(100, 0, 202.5, 360), Rect(107.67, 0, 202.5, 360)),
    "both ways, enlarging": (Rect(60, 40, 150, 266.6), Rect(75.1, 58.3, 150, 266.6)),
    "zooming in": (Rect(200, 0, 202.5, 360), Rect(225, 45, 152, 270.2)),
}


@pytest.mark.parametrize(("first", "last"), PANS.values(), ids=PANS.keys())
def test_d124_dots_stay_within_a_twentieth_of_a_pixel_of_the_plan(
    first: Rect, last: Rect
) -> None:
    measured = np.concatenate(pan(first, last))

    errors = np.hypot(measured[:, 2] - measured[:, 0], measured[:, 3] - measured[:, 1])

    assert errors.max() <= 0.05
    assert np.sqrt(np.mean(errors**2)) <= 0.01


def test_d124_a_slow_pan_moves_in_every_frame_and_never_back() -> None:
    resampler, source = Resampler(OUTPUT), lattice()
    shown = []
    for n in range(FRAMES):
        rect = Rect(100 + 0.1 * n, 0, 202.5, 360)
        plane = resampler.frame(source, rect).planes[0]
        luma = np.frombuffer(memoryview(plane), np.uint8).reshape(-1, plane.line_size)
        zoom = OUTPUT.width_px / rect.width
        dot_x, dot_y = 180.37, 180.71
        at = centroid(luma, (dot_x - rect.x) * zoom, dot_y * zoom, REACH * zoom)
        shown.append(at[0] / zoom)

    steps = np.diff(shown)

    assert steps == pytest.approx(np.full(FRAMES - 1, -0.1), abs=0.02)


def test_d128_the_scale_stays_when_the_crop_reaches_the_frame_s_edge() -> None:
    measured = pan(Rect(380, 0, 202.5, 360), Rect(470, 0, 202.5, 360))

    scales = [np.polyfit(each[:, 0], each[:, 2], 1)[0] for each in measured]

    assert scales == pytest.approx(np.ones(FRAMES), abs=0.0005)
