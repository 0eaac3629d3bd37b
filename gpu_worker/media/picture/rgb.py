"""From Y'CbCr to the R'G'B' of a still picture, by the samples' own matrix and range."""

from collections.abc import Sequence

import numpy as np

from gpu_worker.media.picture.colour import Colours
from gpu_worker.media.picture.planes import Array, grey_of, unit_of

_ROWS = 128  # converted at once: floats of a whole large picture would be hundreds of MB


def rgb_of(planes: Sequence[Array], colours: Colours, bits: int = 8) -> Array:
    """Red, green and blue, (height, width, 3) uint8, of planes of one size (height, width).

    Of samples of so many `bits`. H.273 equations 23 to 62 the other way round, rounded once.
    """
    luma, unit, grey = planes[0], unit_of(bits, colours.full), grey_of(bits)
    made = np.empty((*luma.shape, 3), np.uint8)
    for top in range(0, luma.shape[0], _ROWS):
        y, cb, cr = (each[top : top + _ROWS].astype(np.float32) for each in planes)
        # No colour is 512 of 10 bits in full range too, where that is no whole 8-bit step.
        made[top : top + _ROWS] = _converted(
            y / unit, (cb - grey) / unit, (cr - grey) / unit, colours
        )
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
    """`y` as it is coded, `cb` and `cr` around 0, all in 8-bit steps."""
    black, luma_span, chroma_span = colours.spans
    weight_r, weight_g, weight_b = colours.luma_weights
    luma = (y - black) * (255 / luma_span)
    blue = cb * (255 / chroma_span * (2 - 2 * weight_b))
    red = cr * (255 / chroma_span * (2 - 2 * weight_r))
    # As differences from luma: what has no colour is one number in all three.
    green = (weight_r * red + weight_b * blue) / -weight_g
    made = np.stack([luma + red, luma + green, luma + blue], axis=2)
    return np.clip(np.rint(made), 0, 255).astype(np.uint8)
