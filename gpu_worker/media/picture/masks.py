"""Where ellipses lie on a plane: the arrays and boxes the effects' kernels take."""

from collections.abc import Sequence
from math import ceil, floor

import numpy as np

from gpu_worker.media.picture.planes import Array, Axis, Plane
from shared.render.regions import Region

Box = tuple[int, int, int, int]  # top, bottom, left, right, in samples, half-open


def ellipses_of(regions: Sequence[Region]) -> Array:
    """(n, 4) float64: centre x, centre y, radius x, radius y in displayed pixels."""
    rows = [(each.x, each.y, each.radius_x, each.radius_y) for each in regions]
    return np.array(rows, np.float64).reshape(-1, 4)


def axes_of(plane: Plane) -> Array:
    """A plane's axes as a kernel reads them: x scale, x shift, y scale, y shift."""
    return np.array([plane.x.scale, plane.x.shift, plane.y.scale, plane.y.shift], np.float64)


def box_of(region: Region, plane: Plane, margin_px: float) -> Box:
    """The samples of a plane an ellipse may touch, with a margin in displayed pixels."""
    rows, columns = plane.samples.shape
    left, right = _reach(region.x, region.radius_x + margin_px, plane.x, columns)
    top, bottom = _reach(region.y, region.radius_y + margin_px, plane.y, rows)
    return top, bottom, left, right


def _reach(centre: float, half: float, axis: Axis, samples: int) -> tuple[int, int]:
    first = floor((centre - half) * axis.scale + axis.shift)
    last = ceil((centre + half) * axis.scale + axis.shift)
    return min(max(first, 0), samples), min(max(last, 0), samples)
