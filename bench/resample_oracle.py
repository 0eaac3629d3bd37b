"""The resampler beside a direct Lanczos sum in float64, on whole planes before any encoding.

Run as a module it prints the least PSNR of all planes and crops: a process of its own, since
the kernels' cache is named to numba by the environment, before it is imported.
"""

import sys
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bench.clips import natural
from bench.figures import Figure, Measurement
from bench.workplace import Workplace
from gpu_worker.media.picture.planes import Axis, Picture, Plane, samples_of, subsampled
from gpu_worker.media.picture.resample import CompiledResampler, Resampler
from shared.render.cropping import Rect, Size

Array = NDArray[Any]

SOURCE = Size(1920, 1080)
SHRINKS = (0.55, 1.0, 1.1, 2.2, 4.4)  # source pixels for one of the output; below 1 it grows
LOBES = 3

_LUMA = Axis(1, 0)
_AXES = (
    (_LUMA, _LUMA),
    *(((subsampled(2, centred=False), subsampled(2, centred=True)),) * 2),
)


def resample_psnr(place: Workplace) -> Mapping[str, float]:
    """Run the comparison in its own process."""
    crops = "1" if place.effort.quick else "3"
    return {"resample_psnr_db": float(place.python("-m", __name__, crops))}


def least_psnr_db(crops: int) -> float:
    """The least over all planes, of so many crops for each ratio."""
    source = _picture()
    rng = np.random.default_rng(11)
    return min(
        psnr_db(made, wanted)
        for shrink in SHRINKS
        for _ in range(crops)
        for made, wanted in _planes(source, *_crop(shrink, rng))
    )


def _picture() -> Picture:
    planes = (
        natural(SOURCE.height_px, SOURCE.width_px, 118, 50, seed=21),
        natural(SOURCE.height_px // 2, SOURCE.width_px // 2, 128, 30, seed=22),
        natural(SOURCE.height_px // 2, SOURCE.width_px // 2, 128, 30, seed=23),
    )
    y, cb, cr = (Plane(samples, *axes) for samples, axes in zip(planes, _AXES, strict=True))
    return Picture((y, cb, cr), 8, full=False)


def _crop(shrink: float, rng: np.random.Generator) -> tuple[Rect, Size]:
    width, height = rng.uniform(300, SOURCE.width_px), rng.uniform(300, SOURCE.height_px)
    rect = Rect(
        rng.uniform(0, SOURCE.width_px - width),
        rng.uniform(0, SOURCE.height_px - height),
        width,
        height,
    )
    return rect, Size(2 * round(width / shrink / 2), 2 * round(height / shrink / 2))


def _planes(source: Picture, rect: Rect, output: Size) -> Iterator[tuple[Array, Array]]:
    """What the engine makes of each plane, and what it should."""
    frame = Resampler(output, CompiledResampler()).frame(source, rect)
    for plane, target, (x, y) in zip(source.planes, frame.planes, _AXES, strict=True):
        rows, columns = plane.samples.shape
        across = _weights(
            _centres(plane.x, x, rect.x, rect.width / output.width_px, target.width), columns
        )
        down = _weights(
            _centres(plane.y, y, rect.y, rect.height / output.height_px, target.height), rows
        )
        wanted = down @ plane.samples.astype(np.float64) @ across.T
        yield samples_of(target)[:, : target.width], np.clip(wanted, 0, 255)


def luma_wanted(source: Array, rect: Rect, output: Size) -> Array:
    """What a crop of a luma plane should be, in float64: (output rows, output columns)."""
    rows, columns = source.shape
    ratios = rect.width / output.width_px, rect.height / output.height_px
    across = _weights(_centres(_LUMA, _LUMA, rect.x, ratios[0], output.width_px), columns)
    down = _weights(_centres(_LUMA, _LUMA, rect.y, ratios[1], output.height_px), rows)
    lines, places = down.any(0), across.any(0)  # what is outside the crop weighs nothing
    inside = source[np.ix_(lines, places)].astype(np.float64)
    wanted: Array = np.clip(down[:, lines] @ inside @ across[:, places].T, 0, 255)
    return wanted


def _centres(source: Axis, target: Axis, start: float, ratio: float, count: int) -> Array:
    """Where output samples lie in the source's: output sample → displayed → source edge."""
    shown = (np.arange(count) + 0.5 - target.shift) / target.scale
    centres: Array = (start + shown * ratio) * source.scale + source.shift
    return centres


def _weights(centres: Array, size: int) -> Array:
    """(outputs, size): what each source sample weighs; outside, the edge sample goes on."""
    stretch = max(1.0, float(centres[1] - centres[0]))
    reach = int(np.ceil(LOBES * stretch)) + 1
    near = np.floor(centres).astype(int)[:, None] + np.arange(-reach, reach + 1)
    at = np.abs(near + 0.5 - centres[:, None]) / stretch
    weights = np.where(at < LOBES, np.sinc(at) * np.sinc(at / LOBES), 0.0)
    weights /= weights.sum(1, keepdims=True)
    made = np.zeros((len(centres), size))
    np.add.at(made, (np.arange(len(centres))[:, None], np.clip(near, 0, size - 1)), weights)
    return made


def psnr_db(made: Array, wanted: Array) -> float:
    """How alike two 8-bit planes are."""
    error = np.mean((made.astype(np.float64) - wanted) ** 2)
    return float(10 * np.log10(255**2 / error))


MEASUREMENTS = (
    Measurement((Figure("resample_psnr_db", "dB", 55, at_least=True),), resample_psnr),
)

if __name__ == "__main__":
    print(least_psnr_db(int(sys.argv[1])))
