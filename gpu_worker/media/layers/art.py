"""What a layer is made of once it is ready: samples in its place on the output."""

from dataclasses import dataclass

import numpy as np

from gpu_worker.media.picture.planes import Array
from shared.render.cropping import Rect, Size

FULL = 65535  # of 16 bits: an opaque, fully coloured sample


@dataclass(frozen=True, slots=True)
class Art:
    """A part of the output with its colours: whole output pixels, all inside it.

    `samples`: (height, width, 4) uint16, red, green, blue and alpha of 0 … 65535, the
    colours already times the alpha, so that blending and shrinking leave no fringe. They
    are sRGB's codes and not light: all of it happens in codes, as with video's own samples.
    """

    left: int
    top: int
    samples: Array

    @property
    def pixels(self) -> int:
        """How many it covers."""
        return int(self.samples.shape[0] * self.samples.shape[1])


def art_of(left: int, top: int, colours: Array) -> Art | None:
    """From (height, width, 4) float32 of 0 … 1, cut to what is not clear; None if all is."""
    seen = colours[..., 3] > 0.5 / FULL
    rows, columns = np.flatnonzero(seen.any(axis=1)), np.flatnonzero(seen.any(axis=0))
    if not rows.size:
        return None
    kept = colours[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
    samples = np.rint(np.clip(kept, 0, 1) * FULL).astype(np.uint16)
    return Art(left + int(columns[0]), top + int(rows[0]), samples)


def whole_pixels(rect: Rect, output: Size, margin_px: int = 0) -> tuple[int, int, int, int]:
    """The output's pixels a rectangle touches: left, top, right, bottom, half-open.

    The output's with a margin around it; may be empty.
    """
    left = int(np.floor(max(rect.x, -margin_px)))
    top = int(np.floor(max(rect.y, -margin_px)))
    right = int(np.ceil(min(rect.x + rect.width, output.width_px + margin_px)))
    bottom = int(np.ceil(min(rect.y + rect.height, output.height_px + margin_px)))
    return left, top, max(left, right), max(top, bottom)


def covered(start: float, length: float, first: int, count: int) -> Array:
    """How much of each of `count` pixels from `first` on lies in a stretch, 0 to 1."""
    edges = np.arange(first, first + count, dtype=np.float64)
    ends = np.minimum(edges + 1, start + length)
    made: Array = np.clip(ends - np.maximum(edges, start), 0, 1).astype(np.float32)
    return made
