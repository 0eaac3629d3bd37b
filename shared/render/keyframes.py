"""The way a crop moves: keyframes in order, eased between, held before and after."""

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from typing import TypeVar

from shared.render.cropping import TOLERANCE_PX, Rect, Size, centred, fitted, overreach_px
from shared.render.movement import Arc, Easing, Movement, Stop

# Further than rounding carries a point of a curve's hull, and much less than TOLERANCE_PX.
_ROUNDING_PX = 1e-9


class DuplicateKeyframe(ValueError):
    """Two keyframes ask for different things on one frame."""

    def __init__(self, frame: int, what: str) -> None:
        super().__init__(f"frame {frame} has two keyframes with different {what}")
        self.frame = frame


@dataclass(frozen=True, slots=True)
class Keyframe:
    """Where the crop is on one frame of the input's timeline, and how it moves on."""

    frame: int
    rect: Rect
    easing: Easing = Easing.LINEAR


@dataclass(frozen=True, slots=True)
class RegionKeyframe:
    """Where an ellipse is on one frame of the input's timeline, and how it moves on.

    The centre and the half axes in pixels of the displayed picture; `opacity` 0 to 1.
    """

    frame: int
    x: float
    y: float
    radius_x: float
    radius_y: float
    opacity: float = 1.0
    easing: Easing = Easing.LINEAR


AnyKeyframe = TypeVar("AnyKeyframe", bound=Keyframe | RegionKeyframe)


def in_order(keyframes: Iterable[AnyKeyframe]) -> tuple[AnyKeyframe, ...]:
    """Sort by frame and merge equal ones. Raises `DuplicateKeyframe` where two differ."""
    kept: list[AnyKeyframe] = []
    for keyframe in sorted(keyframes, key=lambda each: each.frame):
        if not kept or kept[-1].frame != keyframe.frame:
            kept.append(keyframe)
        elif kept[-1] != keyframe:
            same_place = replace(kept[-1], easing=keyframe.easing) == keyframe
            raise DuplicateKeyframe(
                keyframe.frame, "easings" if same_place else _place(keyframe)
            )
    return tuple(kept)


def _place(keyframe: Keyframe | RegionKeyframe) -> str:
    return "rectangles" if isinstance(keyframe, Keyframe) else "ellipses"


@dataclass(frozen=True, slots=True)
class CropPath:
    """The crop of every frame of a picture of size `frame`, for an output of size `output`.

    Without keyframes it rests on the centred largest rectangle of the output's aspect.
    """

    keyframes: tuple[Keyframe, ...]
    frame: Size
    output: Size
    _movement: Movement | None = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        keyframes = in_order(self.keyframes)
        object.__setattr__(self, "keyframes", keyframes)
        object.__setattr__(self, "_movement", _movement(keyframes) if keyframes else None)

    def asked(self, n: int) -> Rect:
        """The rectangle asked for on frame n, before it is made to fit."""
        if self._movement is None:
            return centred(self.frame, self.output)
        return Rect(*self._movement.at(n))

    def rect(self, n: int) -> Rect:
        """What frame n shows: inside the picture, in the output's aspect."""
        return fitted(self.asked(n), self.frame, self.output)[0]

    def clamped(self, n: int) -> bool:
        """Whether frame n shows less than was asked for, or another place."""
        return self._overreach_px(self.asked(n)) > TOLERANCE_PX

    def clamps_within(self, frames: range) -> bool:
        """Whether any of these frames is clamped, without looking at each.

        Rectangles that need no clamping form a convex set (growing makes each side a maximum
        of linear functions, and each must stay below a linear one). On a linear stretch the
        rectangle runs along a line, on an ease_in_out one along the same line at another
        speed, and held it stays: so the ends of each stretch speak for all of it. A smooth
        one curves, since each of the four values has its own bend; it is looked into.
        """
        if self._movement is None or not frames:
            return False
        ends = {frames[0], frames[-1]}
        ends.update(each.frame for each in self.keyframes if each.frame in frames)
        return any(self.clamped(n) for n in ends) or any(
            self._clamps_on_curve(at, self._movement.arc(at), frames)
            for at in self._movement.stretches(frames)
            if self.keyframes[at].easing is Easing.SMOOTH
        )

    def _clamps_on_curve(self, at: int, arc: Arc, frames: range) -> bool:
        """Whether a frame between the ends of a smooth stretch is clamped.

        A Bézier curve whose four points need no clamping needs none, by convexity. Where
        one needs some, the curve is cut in two at its middle frame. The pieces come near
        their points quadratically, so that soon only those at the edge itself are left.
        """
        begins, ends = self.keyframes[at].frame, self.keyframes[at + 1].frame
        pieces = [(begins, ends, arc)]
        while pieces:
            first, last, arc = pieces.pop()
            middle = (first + last) // 2
            if middle == first or not self._may_clamp(arc):
                continue
            if middle in frames and self.clamped(middle):
                return True
            before, after = arc.split((middle - first) / (last - first))
            pieces += [
                piece
                for piece in ((first, middle, before), (middle, last, after))
                if piece[1] > frames[0] and piece[0] < frames[-1]
            ]
        return False

    def _may_clamp(self, arc: Arc) -> bool:
        furthest_px = TOLERANCE_PX + _ROUNDING_PX
        return any(self._overreach_px(Rect(*each)) > furthest_px for each in arc.points)

    def _overreach_px(self, asked: Rect) -> float:
        return overreach_px(asked, self.frame, self.output)


def _movement(keyframes: Iterable[Keyframe]) -> Movement:
    return Movement(
        [
            Stop(
                each.frame,
                (each.rect.x, each.rect.y, each.rect.width, each.rect.height),
                each.easing,
            )
            for each in keyframes
        ]
    )
