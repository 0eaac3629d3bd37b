"""The way a crop moves: keyframes in order, linear between, held before and after."""

from bisect import bisect_right
from collections.abc import Iterable
from dataclasses import dataclass

from shared.render.cropping import Rect, Size, centred, fitted


class DuplicateKeyframe(ValueError):
    """Two keyframes ask for different rectangles on one frame."""

    def __init__(self, frame: int) -> None:
        super().__init__(f"frame {frame} has two keyframes with different rectangles")
        self.frame = frame


@dataclass(frozen=True, slots=True)
class Keyframe:
    """Where the crop is on one frame of the input's timeline."""

    frame: int
    rect: Rect


def in_order(keyframes: Iterable[Keyframe]) -> tuple[Keyframe, ...]:
    """Sort by frame and merge equal ones. Raises `DuplicateKeyframe` where two differ."""
    kept: list[Keyframe] = []
    for keyframe in sorted(keyframes, key=lambda each: each.frame):
        if not kept or kept[-1].frame != keyframe.frame:
            kept.append(keyframe)
        elif kept[-1] != keyframe:
            raise DuplicateKeyframe(keyframe.frame)
    return tuple(kept)


def interpolated(keyframes: tuple[Keyframe, ...], frame: int) -> Rect:
    """The rectangle asked for on a frame, before it is made to fit.

    `keyframes` in order and not empty. Each of x, y, width and height is linear in the
    frame number, from the two keyframes around it and nothing else: an error cannot grow
    along the way.
    """
    after = bisect_right(keyframes, frame, key=lambda each: each.frame)
    if after == 0:
        return keyframes[0].rect
    before = keyframes[after - 1]
    if after == len(keyframes) or before.frame == frame:
        return before.rect
    until = keyframes[after]
    part = (frame - before.frame) / (until.frame - before.frame)
    a, b = before.rect, until.rect
    return Rect(
        a.x + (b.x - a.x) * part,
        a.y + (b.y - a.y) * part,
        a.width + (b.width - a.width) * part,
        a.height + (b.height - a.height) * part,
    )


@dataclass(frozen=True, slots=True)
class CropPath:
    """The crop of every frame of a picture of size `frame`, for an output of size `output`.

    Without keyframes it rests on the centred largest rectangle of the output's aspect.
    """

    keyframes: tuple[Keyframe, ...]
    frame: Size
    output: Size

    def __post_init__(self) -> None:
        object.__setattr__(self, "keyframes", in_order(self.keyframes))

    def rect(self, n: int) -> Rect:
        """What frame n shows: inside the picture, in the output's aspect."""
        return self._fitted(n)[0]

    def clamped(self, n: int) -> bool:
        """Whether frame n shows less than was asked for, or another place."""
        return self._fitted(n)[1]

    def clamps_within(self, frames: range) -> bool:
        """Whether any of these frames is clamped, without looking at each.

        Rectangles that need no clamping form a convex set (growing makes each side a maximum
        of linear functions, and each must stay below a linear one), and between keyframes
        the rectangle runs along a line. So the ends of each line speak for all of it.
        """
        if not self.keyframes or not frames:
            return False
        ends = {frames[0], frames[-1]}
        ends.update(each.frame for each in self.keyframes if each.frame in frames)
        return any(self.clamped(n) for n in ends)

    def _fitted(self, n: int) -> tuple[Rect, bool]:
        if not self.keyframes:
            return centred(self.frame, self.output), False
        return fitted(interpolated(self.keyframes, n), self.frame, self.output)
