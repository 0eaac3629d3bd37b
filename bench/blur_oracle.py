"""The blur of a highlight beside a full-size Gaussian in float64, before any encoding.

Run as a module it prints the least PSNR of all planes: a process of its own, since the
kernels' cache is named to numba by the environment, before it is imported.
"""

import math
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bench.clips import natural
from bench.figures import Figure, Measurement
from bench.resample_oracle import psnr_db
from bench.workplace import Workplace
from gpu_worker.media.picture.colour import LIMITED, colours_of
from gpu_worker.media.picture.effects import Painter
from gpu_worker.media.picture.look import Look
from gpu_worker.media.picture.planes import Axis, Orientation, Picture, Plane, subsampled
from shared.render.cropping import Size
from shared.render.effects import Effect, blur_sigma_px
from shared.render.regions import Region

Array = NDArray[Any]

SIZE = Size(1920, 1080)
_REACH = 5  # sigmas: what lies beyond weighs a millionth


def blur_psnr(place: Workplace) -> Mapping[str, float]:
    """Run the comparison in its own process."""
    return {"overlay_blur_psnr_db": float(place.python("-m", __name__))}


def least_psnr_db() -> float:
    """The least over the planes of a 1080p picture, blurred but for an ellipse in a corner."""
    luma = Axis(1, 0)
    across, down = subsampled(2, centred=False), subsampled(2, centred=True)
    y, cb, cr = (
        Plane(natural(round(1080 * v.scale), round(1920 * h.scale), 126, 45, seed), h, v)
        for seed, (h, v) in enumerate(((luma, luma), (across, down), (across, down)), 31)
    )
    source = Picture((y, cb, cr), 8, full=False)
    look = Look(SIZE, Orientation(), colours_of(1, 1, 1, LIMITED, 1080), "yuv420p", False)
    made = Painter(Effect.BLUR, look).painted(source, [Region(0, 1, 0, 0, 8, 8)])
    return min(
        psnr_db(
            blurred.samples[8:, 8:],
            _gaussian(plane.samples, blur_sigma_px(SIZE) * plane.x.scale)[8:, 8:],
        )
        for plane, blurred in zip(source.planes, made.planes, strict=True)
    )


def _gaussian(samples: Array, sigma: float) -> Array:
    """Filtered along both axes; outside, the edge samples go on."""
    reach = math.ceil(_REACH * sigma)
    weights = np.exp(-0.5 * (np.arange(-reach, reach + 1) / sigma) ** 2)
    weights /= weights.sum()
    padded = np.pad(samples.astype(np.float64), reach, mode="edge")
    rows, columns = samples.shape
    half = sum(w * padded[k : k + rows] for k, w in enumerate(weights))
    return np.asarray(sum(w * half[:, k : k + columns] for k, w in enumerate(weights)))


MEASUREMENTS = (
    Measurement(
        (Figure("overlay_blur_psnr_db", "dB", 45, judged=False, at_least=True),), blur_psnr
    ),
)

if __name__ == "__main__":
    print(least_psnr_db())
