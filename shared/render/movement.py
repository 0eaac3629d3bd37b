"""How values move from keyframe to keyframe: straight, by a curve, or by a cut.

Each value is computed from the frame number and its stretch alone, in double precision and
never from the frame before, so that an error cannot grow along the way. A stretch is what
lies between two neighbouring keyframes; its easing is that of the keyframe it begins at.

Both curves are one cubic. With t from 0 to 1 along a stretch of length L frames from a to b,
and α, β the velocities at its ends in units of (b − a)/L, the value is a + (b − a)·g(t) where

    g(t) = t·((1 − t)²·α + t·((1 − t)·(3 − β) + t))

is the cubic Hermite polynomial with g(0) = 0, g(1) = 1, g′(0) = α, g′(1) = β. It rises all
the way, and so overshoots nothing, where α, β ≥ 0 and α² + β² ≤ 9. With α = β = 0 it is
s(t) = 3t² − 2t³.
"""

from bisect import bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from itertools import pairwise
from math import hypot

Values = tuple[float, ...]

_STEEPEST = 1e300  # of a speed in slopes too small to divide by


class Easing(StrEnum):
    """How a value moves along the stretch that begins at a keyframe."""

    LINEAR = "linear"  # in a straight line, at one speed
    HOLD = "hold"  # not at all; then a cut on exactly the next keyframe's frame
    EASE_IN_OUT = "ease_in_out"  # s(t) = 3t² − 2t³: from rest to rest
    SMOOTH = "smooth"  # through the neighbouring smooth stretches without a jerk


@dataclass(frozen=True, slots=True)
class Stop:
    """The values on one frame, and how they go on from there."""

    frame: int
    values: Values
    easing: Easing = Easing.LINEAR


@dataclass(frozen=True, slots=True)
class _Bend:
    """α and β of each value on one curved stretch."""

    leaving: Values
    arriving: Values


@dataclass(frozen=True, slots=True, init=False)
class Movement:
    """The values of every frame: `stops` in order of their frames, at least one, no two alike.

    Before the first and after the last they are held.
    """

    stops: tuple[Stop, ...]
    _frames: tuple[int, ...]
    _bends: tuple[_Bend | None, ...]

    def __init__(self, stops: Sequence[Stop]) -> None:
        object.__setattr__(self, "stops", tuple(stops))
        object.__setattr__(self, "_frames", tuple(each.frame for each in stops))
        object.__setattr__(self, "_bends", _bends(stops))

    def at(self, frame: int) -> Values:
        """The values on a frame."""
        after = bisect_right(self._frames, frame)
        if after == 0:
            return self.stops[0].values
        here = self.stops[after - 1]
        if after == len(self.stops) or here.frame == frame or here.easing is Easing.HOLD:
            return here.values
        until = self.stops[after]
        length = until.frame - here.frame
        bend = self._bends[after - 1]
        if bend is None:
            part = (frame - here.frame) / length
            return tuple(
                [a + (b - a) * part for a, b in zip(here.values, until.values, strict=True)]
            )
        done, left = (frame - here.frame) / length, (until.frame - frame) / length
        return tuple(
            [
                _between(a, b, _risen(done, left, alpha, beta))
                for a, b, alpha, beta in zip(
                    here.values, until.values, bend.leaving, bend.arriving, strict=True
                )
            ]
        )

    def stretches(self, frames: range) -> range:
        """Which stretches, by the place of the stop they begin at, frames of these lie in."""
        first = max(bisect_right(self._frames, frames[0]) - 1, 0) if frames else 0
        last = bisect_right(self._frames, frames[-1]) if frames else 0
        return range(first, min(last, len(self.stops) - 1))

    def arc(self, stretch: int) -> "Arc":
        """A curved stretch as a Bézier curve, whose points enclose it."""
        a, b = self.stops[stretch], self.stops[stretch + 1]
        bend = self._bends[stretch] or _Bend((1.0,) * len(a.values), (1.0,) * len(a.values))
        pairs = list(zip(a.values, b.values, strict=True))
        leaving = zip(pairs, bend.leaving, strict=True)
        arriving = zip(pairs, bend.arriving, strict=True)
        return Arc(
            (
                a.values,
                tuple([p + (q - p) * alpha / 3 for (p, q), alpha in leaving]),
                tuple([q - (q - p) * beta / 3 for (p, q), beta in arriving]),
                b.values,
            )
        )


@dataclass(frozen=True, slots=True)
class Arc:
    """A cubic Bézier curve, which lies inside the convex hull of its four points."""

    points: tuple[Values, Values, Values, Values]

    def split(self, part: float) -> tuple["Arc", "Arc"]:
        """The curve before and after a parameter from 0 to 1, by de Casteljau's algorithm."""
        a, b, c, d = self.points
        ab, bc, cd = _mixed(a, b, part), _mixed(b, c, part), _mixed(c, d, part)
        abc, bcd = _mixed(ab, bc, part), _mixed(bc, cd, part)
        middle = _mixed(abc, bcd, part)
        return Arc((a, ab, abc, middle)), Arc((middle, bcd, cd, d))


def _mixed(a: Values, b: Values, part: float) -> Values:
    return tuple([p + (q - p) * part for p, q in zip(a, b, strict=True)])


def _risen(done: float, left: float, alpha: float, beta: float) -> float:
    """The value of g at `done`, where 1 is `left` over.

    All its terms are positive, and the later half is computed from the end: rounding never
    makes it fall from one frame to the next.
    """
    if done <= left:
        return done * (left * left * alpha + done * (left * (3 - beta) + done))
    return 1 - left * (done * done * beta + left * (done * (3 - alpha) + left))


def _between(a: float, b: float, risen: float) -> float:
    value = a + (b - a) * risen
    return min(max(value, min(a, b)), max(a, b))  # b − a was rounded; no overshoot for that


def _bends(stops: Sequence[Stop]) -> tuple[_Bend | None, ...]:
    """For each stretch what bends it; None where it is straight or held."""
    bends: list[_Bend | None] = [None] * (len(stops) - 1)
    for at, here in enumerate(stops[:-1]):
        if here.easing is Easing.EASE_IN_OUT:
            bends[at] = _Bend((0.0,) * len(here.values), (0.0,) * len(here.values))
    for run in _smooth_runs(stops):
        through = stops[run.start : run.stop + 1]
        frames = [each.frame for each in through]
        columns = zip(*(each.values for each in through), strict=True)
        ends = [_monotone(frames, values) for values in columns]
        for at, of_stretch in zip(run, zip(*ends, strict=True), strict=True):
            leaving, arriving = zip(*of_stretch, strict=True)
            bends[at] = _Bend(leaving, arriving)
    return tuple(bends)


def _smooth_runs(stops: Sequence[Stop]) -> Iterator[range]:
    """Yield each run of neighbouring smooth stretches."""
    begun = 0
    for at, here in enumerate(stops):
        if here.easing is not Easing.SMOOTH or at == len(stops) - 1:
            if begun < at:
                yield range(begun, at)
            begun = at + 1


def _monotone(frames: Sequence[int], values: Sequence[float]) -> list[tuple[float, float]]:
    """α and β of each stretch of one value's run, which begins and ends at rest.

    Monotone cubic interpolation: F. N. Fritsch and R. E. Carlson, "Monotone Piecewise Cubic
    Interpolation", SIAM Journal on Numerical Analysis 17 (2), 1980, pages 238 to 246. The
    velocity at an inner keyframe is first the three-point difference, or 0 where the value
    turns or rests. Then it is scaled down until (α, β) of both its stretches lies in the
    circle of radius 3, inside which a cubic is monotone. One velocity serves both stretches,
    so that it does not jump; the lesser of their factors makes the order of scaling, which
    the paper leaves open, of no matter.
    """
    lengths = [b - a for a, b in pairwise(frames)]
    slopes = [(b - a) / h for (a, b), h in zip(pairwise(values), lengths, strict=True)]
    speeds = [0.0, *map(_speed, pairwise(slopes), pairwise(lengths)), 0.0]
    ends = [
        (_in_slopes(leaving, slope), _in_slopes(arriving, slope))
        for slope, (leaving, arriving) in zip(slopes, pairwise(speeds), strict=True)
    ]
    scales = [3 / max(hypot(*each), 3.0) for each in ends]
    at_stops = [1.0, *map(min, pairwise(scales)), 1.0]
    return [
        (min(alpha * before, 3.0), min(beta * after, 3.0))
        for (alpha, beta), (before, after) in zip(ends, pairwise(at_stops), strict=True)
    ]


def _speed(slopes: tuple[float, float], lengths: tuple[int, int]) -> float:
    before, after = slopes
    if before == 0 or after == 0 or (before > 0) != (after > 0):
        return 0.0
    return (before * lengths[1] + after * lengths[0]) / sum(lengths)


def _in_slopes(speed: float, slope: float) -> float:
    if speed == 0 or slope == 0:
        return 0.0
    return min(speed / slope, _STEEPEST)
