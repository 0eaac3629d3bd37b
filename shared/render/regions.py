"""Highlighted ellipses: when they are active, and how much of a pixel they cover."""

from collections.abc import Iterable
from dataclasses import dataclass
from math import hypot

from shared.render.cropping import Size

SHARP_EDGE_PX = 1.0


@dataclass(frozen=True, slots=True)
class Region:
    """An ellipse over the frames `start_frame ≤ n < end_frame`.

    `x`, `y` are its centre and the radii its half axes, in pixels of the displayed picture;
    `opacity` 0 to 1; `color` is (red, green, blue), 0 to 255. `edge_px`, at least 1, is the
    width of the edge, half of it inside the ellipse and half outside: 1 is sharp, more a
    feather.
    """

    start_frame: int
    end_frame: int
    x: float
    y: float
    radius_x: float
    radius_y: float
    opacity: float = 1.0
    color: tuple[int, int, int] = (255, 255, 255)
    edge_px: float = SHARP_EDGE_PX

    def active(self, n: int) -> bool:
        """Whether frame n has it."""
        return self.start_frame <= n < self.end_frame

    def touches(self, frame: Size) -> bool:
        """Whether any of the ellipse lies in the frame, with what a feather adds to it.

        The frame's point nearest the centre, in the metric in which the ellipse is the unit
        circle, is the centre clamped to the frame, since the axes are the frame's own.
        """
        more = (self.edge_px - SHARP_EDGE_PX) / 2
        u = (self.x - min(max(self.x, 0.0), frame.width_px)) / (self.radius_x + more)
        v = (self.y - min(max(self.y, 0.0), frame.height_px)) / (self.radius_y + more)
        return hypot(u, v) < 1

    def distance(self, x: float, y: float) -> float:
        """About how far a point is from the ellipse, in pixels; negative inside.

        With u = (x − cx)/rx and v = (y − cy)/ry, d = √(u² + v²) and g = √((u/rx)² + (v/ry)²),
        it is d·(d − 1)/g: the first-order distance to the zero of d − 1, whose gradient is
        g/d long. Exact on a circle and on the axes, right to first order along the whole
        edge, which is where it is used. In the very centre, where d/g has no limit, it is
        the smaller radius, negative.
        """
        u = (x - self.x) / self.radius_x
        v = (y - self.y) / self.radius_y
        slope = hypot(u / self.radius_x, v / self.radius_y)
        if slope == 0:
            return -min(self.radius_x, self.radius_y)
        far = hypot(u, v)
        return far * (far - 1) / slope

    def coverage(self, x: float, y: float) -> float:
        """The m of one ellipse at a point, which for a pixel is its centre (i + 0.5, j + 0.5).

        The edge is linear and `edge_px` wide: 1 where the point lies half of that or more
        inside the ellipse, 0 as far outside, 0.5 − distance / edge_px between. With the sharp
        edge, where the smaller radius is at least 4 px and a quarter of the larger, that is
        within 0.1 of the share of the pixel's area inside the ellipse, furthest where the
        edge runs diagonally.
        """
        return min(max(0.5 - self.distance(x, y) / self.edge_px, 0.0), 1.0)

    def ring(self, x: float, y: float, width_px: float) -> float:
        """How much of the point an outline of this width covers, with the same edge.

        A feather wider than the line leaves its middle less than covered.
        """
        beyond = abs(self.distance(x, y)) - width_px / 2
        return min(max(0.5 - beyond / self.edge_px, 0.0), 1.0)


def covered(regions: Iterable[Region], x: float, y: float) -> float:
    """The m of the union: the largest coverage among the regions, 0 without any."""
    return max((region.coverage(x, y) for region in regions), default=0.0)


def strength(regions: Iterable[Region]) -> float:
    """o: the largest opacity among the regions, 0 without any."""
    return max((region.opacity for region in regions), default=0.0)
