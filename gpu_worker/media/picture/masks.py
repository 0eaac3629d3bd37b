"""Where ellipses lie on a plane: the arrays and boxes the effects' kernels take."""

from collections.abc import Sequence
from math import ceil, floor

import numpy as np

from gpu_worker.media.picture.planes import Array, Axis, Plane
from shared.render.regions import Region

Box = tuple[int, int, int, int]  # top, bottom, left, right, in samples, half-open


def ellipses_of(regions: Sequence[Region]) -> Array:
    """(n, 5) float64: centre x, y, radius x, y and edge's width, in displayed pixels."""
    rows = [(each.x, each.y, each.radius_x, each.radius_y, each.edge_px) for each in regions]
    return np.array(rows, np.float64).reshape(-1, 5)


def axes_of(plane: Plane) -> Array:
    """A plane's axes as a kernel reads them: x scale, x shift, y scale, y shift."""
    return np.array([plane.x.scale, plane.x.shift, plane.y.scale, plane.y.shift], np.float64)


def box_of(region: Region, plane: Plane, ring_px: float) -> Box:
    """The samples of a plane that an ellipse, or a ring so wide along it, may touch."""
    rows, columns = plane.samples.shape
    larger = 1 + (region.edge_px + ring_px) / 2 / min(region.radius_x, region.radius_y)
    left, right = _reach(region.x, region.radius_x * larger, plane.x, columns)
    top, bottom = _reach(region.y, region.radius_y * larger, plane.y, rows)
    return top, bottom, left, right


def _reach(centre: float, half: float, axis: Axis, samples: int) -> tuple[int, int]:
    first = floor((centre - half) * axis.scale + axis.shift) - 1
    last = ceil((centre + half) * axis.scale + axis.shift) + 1
    return min(max(first, 0), samples), min(max(last, 0), samples)
