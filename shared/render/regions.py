"""Highlighted ellipses: when they are active, and how much of a pixel they cover."""

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from itertools import pairwise
from math import hypot, sqrt

from shared.render.cropping import Size
from shared.render.keyframes import RegionKeyframe, in_order
from shared.render.movement import Movement, Stop

SHARP_EDGE_PX = 1.0

# Looks at a path before an ellipse is taken for seen. One that crosses the picture's edge is
# told from a dozen, one that misses a corner by a tenth of a pixel from two hundred. To miss
# by less is as good as to touch: drawing such a one changes nothing.
_MOST_LOOKS = 200


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

    def at(self, n: int) -> "Region":
        """The region as it stands on frame n: it does not move."""
        return self

    def seen_within(self, frames: range, frame: Size) -> bool:
        """Whether any of it lies in the picture on any of these frames."""
        return bool(_common(self, frames)) and self.touches(frame)

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

        With u = (x − cx)/rx and v = (y − cy)/ry, f = u² + v² − 1, s = √((u/rx)² + (v/ry)²)
        and k = ((u/rx²)² + (v/ry²)²)/s², it is f/(s + √(s² − k·f)): the root of f's second
        order along its own gradient, 2s long. Exact on a circle and on the axes, and along
        the edge also where an ellipse is 20 times as long as wide, whose tips the first
        order misses. In the very centre, where the gradient has no direction, it is the
        smaller radius, negative.
        """
        u = (x - self.x) / self.radius_x
        v = (y - self.y) / self.radius_y
        slope = hypot(u / self.radius_x, v / self.radius_y)
        if slope == 0:
            return -min(self.radius_x, self.radius_y)
        beyond = u * u + v * v - 1
        bend = (hypot(u / self.radius_x**2, v / self.radius_y**2) / slope) ** 2
        return beyond / (slope + sqrt(max(slope**2 - bend * beyond, 0.0)))

    def coverage(self, x: float, y: float) -> float:
        """The m of one ellipse at a point, which for a pixel is its centre (i + 0.5, j + 0.5).

        The edge is linear and `edge_px` wide: 1 where the point lies half of that or more
        inside the ellipse, 0 as far outside, 0.5 − distance / edge_px between. With the sharp
        edge, where the smaller radius is at least 2 px, that is within 0.08 of the share of
        the pixel's area inside the ellipse, furthest where the edge runs diagonally; in the
        tip of one 20 times as long as wide within 0.15.
        """
        return min(max(0.5 - self.distance(x, y) / self.edge_px, 0.0), 1.0)

    def ring(self, x: float, y: float, width_px: float) -> float:
        """How much of the point an outline of this width covers, with the same edge.

        A feather wider than the line leaves its middle less than covered.
        """
        beyond = abs(self.distance(x, y)) - width_px / 2
        return min(max(0.5 - beyond / self.edge_px, 0.0), 1.0)


_OnFrame = tuple[int, Region]


@dataclass(frozen=True, slots=True)
class MovingRegion:
    """An ellipse over the frames `start_frame ≤ n < end_frame` that moves along keyframes.

    At least one; before the first and after the last it is held. Keyframes outside its
    frames still shape how it moves. `color` and `edge_px` as a `Region` has them.
    """

    start_frame: int
    end_frame: int
    keyframes: tuple[RegionKeyframe, ...]
    color: tuple[int, int, int] = (255, 255, 255)
    edge_px: float = SHARP_EDGE_PX
    _movement: Movement = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        keyframes = in_order(self.keyframes)
        stops = [
            Stop(
                each.frame,
                (each.x, each.y, each.radius_x, each.radius_y, each.opacity),
                each.easing,
            )
            for each in keyframes
        ]
        object.__setattr__(self, "keyframes", keyframes)
        object.__setattr__(self, "_movement", Movement(stops))

    def active(self, n: int) -> bool:
        """Whether frame n has it."""
        return self.start_frame <= n < self.end_frame

    def at(self, n: int) -> Region:
        """The region as it stands on frame n."""
        x, y, radius_x, radius_y, opacity = self._movement.at(n)
        return Region(
            start_frame=self.start_frame,
            end_frame=self.end_frame,
            x=x,
            y=y,
            radius_x=radius_x,
            radius_y=radius_y,
            opacity=opacity,
            color=self.color,
            edge_px=self.edge_px,
        )

    def seen_within(self, frames: range, frame: Size) -> bool:
        """Whether any of it lies in the picture on any of these frames, not looking at each.

        Along a stretch each of its numbers goes one way. So between two frames of one it
        reaches no further than with the larger radii and the centre nearest the picture; if
        that does not touch, nothing between does, else the middle frame is looked at.
        """
        shown = _common(self, frames)
        if not shown:
            return False
        stops = (each.frame for each in self.keyframes if each.frame in shown)
        ends = [(n, self.at(n)) for n in sorted({shown[0], shown[-1], *stops})]
        if any(region.touches(frame) for _, region in ends):
            return True
        return self._touches_between(list(pairwise(ends)), frame)

    def _touches_between(self, pieces: list[tuple[_OnFrame, _OnFrame]], frame: Size) -> bool:
        looks = 0
        while pieces:
            before, after = pieces.pop()
            middle = (before[0] + after[0]) // 2
            if middle == before[0] or not _reach(before[1], after[1], frame):
                continue
            between = (middle, self.at(middle))
            looks += 1
            if looks > _MOST_LOOKS or between[1].touches(frame):
                return True
            pieces += [(before, between), (between, after)]
        return False


def _common(region: Region | MovingRegion, frames: range) -> range:
    return range(max(region.start_frame, frames.start), min(region.end_frame, frames.stop))


def _reach(a: Region, b: Region, frame: Size) -> bool:
    """Whether anything between two states of an ellipse may touch the frame."""
    return replace(
        a,
        x=_nearest(a.x, b.x, frame.width_px),
        y=_nearest(a.y, b.y, frame.height_px),
        radius_x=max(a.radius_x, b.radius_x),
        radius_y=max(a.radius_y, b.radius_y),
    ).touches(frame)


def _nearest(a: float, b: float, end: float) -> float:
    """The number between two that is nearest to those from 0 to `end`."""
    inside = min(max(a, 0.0), end)
    return min(max(inside, min(a, b)), max(a, b))


def covered(regions: Iterable[Region], x: float, y: float) -> float:
    """The m of the union: the largest coverage among the regions, 0 without any."""
    return max((region.coverage(x, y) for region in regions), default=0.0)


def strength(regions: Iterable[Region]) -> float:
    """o: the largest opacity among the regions, 0 without any."""
    return max((region.opacity for region in regions), default=0.0)
