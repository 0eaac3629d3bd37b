"""From Y'CbCr to the R'G'B' of a still picture, by the samples' own matrix and range."""

from collections.abc import Sequence

import numpy as np

from gpu_worker.media.picture.colour import Colours
from gpu_worker.media.picture.planes import Array

_ROWS = 128  # converted at once: floats of a whole large picture would be hundreds of MB


def rgb_of(planes: Sequence[Array], colours: Colours, unit: float = 1.0) -> Array:
    """Red, green and blue, (height, width, 3) uint8, of planes of one size (height, width).

    `unit` is what one step of an 8-bit sample is in these. H.273 equations 23 to 62 the other
    way round, rounded once.
    """
    luma = planes[0]
    made = np.empty((*luma.shape, 3), np.uint8)
    for top in range(0, luma.shape[0], _ROWS):
        y, cb, cr = (each[top : top + _ROWS].astype(np.float32) / unit for each in planes)
        made[top : top + _ROWS] = _converted(y, cb, cr, colours)
    return made


def full_size(chroma: Array, height: int, width: int) -> Array:
    """A left-sited 4:2:0 plane at the size of its luma, float32, interpolated linearly."""
    plane = chroma.astype(np.float32)
    after = np.concatenate([plane[:, 1:], plane[:, -1:]], axis=1)
    across = np.stack([plane, (plane + after) / 2], axis=2).reshape(plane.shape[0], -1)
    above = np.concatenate([across[:1], across[:-1]])
    below = np.concatenate([across[1:], across[-1:]])
    down = np.stack([(3 * across + above) / 4, (3 * across + below) / 4], axis=1)
    whole: Array = down.reshape(-1, across.shape[1])[:height, :width]
    return whole


def _converted(y: Array, cb: Array, cr: Array, colours: Colours) -> Array:
    black, luma_span, chroma_span = colours.spans
    weight_r, weight_g, weight_b = colours.luma_weights
    luma = (y - black) * (255 / luma_span)
    blue = luma + (cb - 128) * (255 / chroma_span * (2 - 2 * weight_b))
    red = luma + (cr - 128) * (255 / chroma_span * (2 - 2 * weight_r))
    green = (luma - weight_r * red - weight_b * blue) / weight_g
    return np.clip(np.rint(np.stack([red, green, blue], axis=2)), 0, 255).astype(np.uint8)
