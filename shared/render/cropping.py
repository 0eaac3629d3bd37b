"""Rectangles in the displayed picture, and how a crop is made to fit frame and output.

Pixels are square and those of the picture as displayed: the origin is the outer top-left
corner of the first pixel, x to the right, y down, fractions allowed. A picture of W × H
spans 0…W and 0…H.
"""

from dataclasses import dataclass
from fractions import Fraction

# A move of less than this, in pixels, is arithmetic and not a change the person should hear
# of: interpolating at the border of a 100000 px frame errs by about 1e-11.
TOLERANCE_PX = 1e-6


@dataclass(frozen=True, slots=True)
class Size:
    """Width and height of a picture in pixels."""

    width_px: int
    height_px: int

    def __post_init__(self) -> None:
        if self.width_px < 1 or self.height_px < 1:
            raise ValueError(f"no picture is {self.width_px} × {self.height_px}")

    @property
    def shorter_px(self) -> int:
        """The shorter side."""
        return min(self.width_px, self.height_px)


@dataclass(frozen=True, slots=True)
class Rect:
    """A rectangle by its top-left corner and size, in pixels."""

    x: float
    y: float
    width: float
    height: float

    @property
    def centre(self) -> tuple[float, float]:
        """The middle, as (x, y)."""
        return self.x + self.width / 2, self.y + self.height / 2

    def resized(self, width: float, height: float) -> "Rect":
        """Another size about the same centre."""
        return Rect(
            self.x + (self.width - width) / 2,
            self.y + (self.height - height) / 2,
            width,
            height,
        )

    def apart_px(self, other: "Rect") -> float:
        """By how much the two differ, in the number in which they differ most."""
        return max(
            abs(self.x - other.x),
            abs(self.y - other.y),
            abs(self.width - other.width),
            abs(self.height - other.height),
        )


def displayed_size(coded: Size, pixel_aspect: Fraction, quarter_turns: int) -> Size:
    """What a browser reports as a video's width and height.

    `pixel_aspect` is a stored pixel's width over its height; the side that would have to
    shrink stays and the other grows, as browsers do. Then the picture is turned.
    """
    width, height = coded.width_px, coded.height_px
    if pixel_aspect > 1:
        width = round(width * pixel_aspect)
    elif 0 < pixel_aspect < 1:
        height = round(height / pixel_aspect)
    return Size(height, width) if quarter_turns % 2 else Size(width, height)


def centred(frame: Size, output: Size) -> Rect:
    """The largest rectangle of the output's aspect, in the middle of the frame."""
    whole = Rect(0.0, 0.0, float(frame.width_px), float(frame.height_px))
    return whole.resized(*_largest(frame, output))


def fitted(rect: Rect, frame: Size, output: Size) -> tuple[Rect, bool]:
    """A rectangle of the output's aspect inside the frame, and whether it was clamped.

    First the short side grows about the centre until the aspect is the output's, so that
    nothing is stretched; then, if larger than the frame, it shrinks about the centre; then
    it is shifted inside, its size kept. Clamped is what the last two changed.
    """
    grown = _grown(rect, output)
    inside = _inside(grown, frame, output)
    return inside, inside.apart_px(grown) > TOLERANCE_PX


def overreach_px(rect: Rect, frame: Size, output: Size) -> float:
    """How far a rectangle has to be moved or shrunk to fit; clamped past `TOLERANCE_PX`."""
    grown = _grown(rect, output)
    return _inside(grown, frame, output).apart_px(grown)


def _inside(grown: Rect, frame: Size, output: Size) -> Rect:
    shrunk = _shrunk(grown, frame, output)
    return Rect(
        max(0.0, min(shrunk.x, frame.width_px - shrunk.width)),
        max(0.0, min(shrunk.y, frame.height_px - shrunk.height)),
        shrunk.width,
        shrunk.height,
    )


def _grown(rect: Rect, output: Size) -> Rect:
    # Compared as products, which are exact for the sizes people choose; a quotient is not.
    across = rect.width * output.height_px
    down = rect.height * output.width_px
    if across < down:
        return rect.resized(down / output.height_px, rect.height)
    if across > down:
        return rect.resized(rect.width, across / output.width_px)
    return rect


def _shrunk(grown: Rect, frame: Size, output: Size) -> Rect:
    # Of the output's aspect already, so that the largest that fits is the one size to take.
    # A factor would leave it a rounding error larger or smaller than the frame.
    width, height = _largest(frame, output)
    if grown.width > width or grown.height > height:
        return grown.resized(width, height)
    return grown


def _largest(frame: Size, output: Size) -> tuple[float, float]:
    across = frame.width_px * output.height_px
    down = frame.height_px * output.width_px
    if across > down:
        return down / output.height_px, float(frame.height_px)
    return float(frame.width_px), across / output.width_px
