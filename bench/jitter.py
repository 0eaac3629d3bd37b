"""Where the engine's crop really is, frame by frame, told by a lattice of dots.

From a file, through decoder and resampler, up to the encoder: x264 at the export's quality
moves a dot by up to 0.1 px by itself, also one that was drawn in its exact place. Run as a
module it prints the figures for a clip: its kernels' cache is named by the environment.
"""

import json
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from bench.clips import Film, dotted
from bench.figures import Figure, Measurement
from bench.workplace import Workplace
from gpu_worker.media.decoding.frame_reader import FrameReader
from gpu_worker.media.decoding.pictures import picture_of
from gpu_worker.media.decoding.probe import probe
from gpu_worker.media.picture.planes import samples_of
from gpu_worker.media.picture.resample import CompiledResampler, Resampler
from shared.render.cropping import Rect, Size
from shared.render.keyframes import Keyframe
from shared.render.plan import Plan, plan_framing

FILM = Film(1920, 1080, 30, 2, crf=4)
OUTPUT = Size(1080, 1920)
SPACING_PX, SIGMA_PX = 90, 6.0
REACH_PX = 24  # four sigmas: what lies further off is the next dot's

DOTS = [
    (x + 0.37, y + 0.71)
    for y in range(SPACING_PX // 2, FILM.height_px, SPACING_PX)
    for x in range(SPACING_PX // 2, FILM.width_px, SPACING_PX)
]

# 0.13 px a frame across and 0.1 down, while the crop narrows: nothing falls on whole pixels.
FIRST, LAST = Rect(600.3, 40.2, 562.5, 1000.0), Rect(609.2, 48.3, 560.0, 995.6)


def jitter(place: Workplace) -> Mapping[str, float]:
    """How far the middle of what is shown lies from the plan, in pixels of the input."""
    clip = dotted(place.room("dots") / "dots.mp4", FILM, DOTS, SIGMA_PX)
    found: dict[str, float] = json.loads(place.python("-m", __name__, str(clip)))
    return found


def measured(clip: Path) -> dict[str, float]:
    """The largest and the mean error over all frames of a slow pan."""
    source = probe(clip)
    keyframes = (Keyframe(0, FIRST), Keyframe(FILM.frames - 1, LAST))
    plan = plan_framing(source.footage, OUTPUT, keyframes)
    errors = []
    for n, luma in _painted(clip, plan):
        wanted = plan.rect(n)
        shown = shown_rect(luma, wanted)
        errors.append(np.subtract(shown.centre, wanted.centre))
    if len(errors) != FILM.frames:
        raise RuntimeError(f"{len(errors)} frames came out, not {FILM.frames}")
    off = np.hypot(*np.array(errors).T)
    return {
        "framing_jitter_max_px": float(off.max()),
        "framing_jitter_rms_px": float(np.sqrt(np.mean(off**2))),
    }


def _painted(clip: Path, plan: Plan) -> Iterator[tuple[int, NDArray[np.float64]]]:
    """The luma of each output frame, as the encoder would get it."""
    source = probe(clip)
    resampler = Resampler(plan.output, CompiledResampler())
    for n, frame in FrameReader(source, threads=2).frames(plan.frames):
        made = resampler.frame(picture_of(frame, source.look), plan.rect(n)).planes[0]
        yield n, samples_of(made)[:, : made.width].astype(np.float64)


def shown_rect(luma: NDArray[np.float64], expected: Rect) -> Rect:
    """The rectangle of the input that a picture shows, from where the dots are in it.

    A line through (place in the picture, place in the input) by least squares for each axis;
    `expected` only says where to look.
    """
    height, width = luma.shape
    zoom = width / expected.width
    reach = REACH_PX * zoom
    pairs = []
    for x, y in DOTS:
        u, v = (x - expected.x) * zoom, (y - expected.y) * zoom
        if reach + 1 < u < width - reach - 1 and reach + 1 < v < height - reach - 1:
            pairs.append((x, y, *_centroid(luma, u, v, reach)))
    x, y, u, v = np.array(pairs).T
    (slope_x, left), (slope_y, top) = np.polyfit(u, x, 1), np.polyfit(v, y, 1)
    return Rect(float(left), float(top), float(slope_x * width), float(slope_y * height))


def _centroid(
    luma: NDArray[np.float64], u: float, v: float, reach: float
) -> tuple[float, float]:
    left, top, side = round(u - reach), round(v - reach), round(2 * reach)
    light = luma[top : top + side, left : left + side]
    # What is under a dot's foot, the input's own coding noise, would pull to the middle.
    light = np.clip(light - np.median(light) - 8, 0, None)
    total = light.sum()
    across = np.arange(left, left + side) + 0.5
    down = np.arange(top, top + side) + 0.5
    return float(light.sum(0) @ across / total), float(light.sum(1) @ down / total)


MEASUREMENTS = (
    Measurement(
        (
            Figure("framing_jitter_max_px", "px", 0.05),
            Figure("framing_jitter_rms_px", "px", 0.01),
        ),
        jitter,
    ),
)

if __name__ == "__main__":
    print(json.dumps(measured(Path(sys.argv[1]))))
