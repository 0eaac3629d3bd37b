"""Layers: pictures and text laid over the finished output, and where each lies on a frame.

A layer belongs to the output and not to the footage: it stays where it is while the crop
moves under it. Its place and size are fractions of the output, so that one description fits
every size. Frames count on the input's timeline, as those of regions do.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from enum import StrEnum

from shared.render.cropping import Rect, Size

Colour = tuple[int, int, int]  # red, green, blue, 0 to 255


class Anchor(StrEnum):
    """The point of a layer that its position names."""

    TOP_LEFT = "top_left"
    TOP = "top"
    TOP_RIGHT = "top_right"
    LEFT = "left"
    CENTER = "center"
    RIGHT = "right"
    BOTTOM_LEFT = "bottom_left"
    BOTTOM = "bottom"
    BOTTOM_RIGHT = "bottom_right"

    @property
    def part(self) -> tuple[float, float]:
        """Where it lies in any rectangle: 0 at the left and top, 1 at the right and bottom."""
        words = self.value.split("_")
        across = 0.0 if "left" in words else 1.0 if "right" in words else 0.5
        down = 0.0 if "top" in words else 1.0 if "bottom" in words else 0.5
        return across, down


class Align(StrEnum):
    """How lines of a text stand: `start` and `end` follow each paragraph's own direction."""

    START = "start"
    CENTER = "center"
    END = "end"
    LEFT = "left"
    RIGHT = "right"


class Weight(StrEnum):
    """How thick letters are."""

    REGULAR = "regular"
    BOLD = "bold"


@dataclass(frozen=True, slots=True)
class Placement:
    """Where a layer's anchor lies, and how large the layer is.

    `x`, `y` in fractions of the output's width and height; None is the output's own point of
    that name, moved inwards by `margin` of the shorter side. `width`, `height` in fractions
    of the output's; of None one follows from the other and the content's aspect, and both
    leave the content as large as it is.
    """

    anchor: Anchor = Anchor.CENTER
    x: float | None = None
    y: float | None = None
    margin: float = 0.0
    width: float | None = None
    height: float | None = None

    def point(self, output: Size) -> tuple[float, float]:
        """Where the anchor lies, in output pixels."""
        across, down = self.anchor.part
        margin_px = self.margin * output.shorter_px
        return (
            output.width_px * across + margin_px * (1 - 2 * across)
            if self.x is None
            else output.width_px * self.x,
            output.height_px * down + margin_px * (1 - 2 * down)
            if self.y is None
            else output.height_px * self.y,
        )

    def rect(self, output: Size, content: Size) -> Rect:
        """The rectangle in output pixels, for content of this size; fractions are kept."""
        return self.around(output, *self._sides(output, content))

    def around(self, output: Size, width: float, height: float) -> Rect:
        """The rectangle of content that is so large in output pixels, whatever was asked."""
        x, y = self.point(output)
        across, down = self.anchor.part
        return Rect(x - width * across, y - height * down, width, height)

    def _sides(self, output: Size, content: Size) -> tuple[float, float]:
        aspect = content.width_px / content.height_px
        if self.width is not None:
            width = self.width * output.width_px
            asked = None if self.height is None else self.height * output.height_px
            return width, width / aspect if asked is None else asked
        if self.height is not None:
            height = self.height * output.height_px
            return height * aspect, height
        return float(content.width_px), float(content.height_px)


@dataclass(frozen=True, slots=True)
class Picture:
    """A still picture; its file comes with the job."""


@dataclass(frozen=True, slots=True)
class Box:
    """A rectangle behind a text, as much wider on each side as `padding` says, in ems."""

    color: Colour = (0, 0, 0)
    opacity: float = 1.0
    padding: float = 0.25


@dataclass(frozen=True, slots=True)
class Outline:
    """A line around letters, `width` ems wide outside them."""

    color: Colour = (0, 0, 0)
    width: float = 0.06


@dataclass(frozen=True, slots=True)
class Shadow:
    """Letters once more behind themselves: moved by `x`, `y` and blurred, all in ems."""

    color: Colour = (0, 0, 0)
    opacity: float = 0.5
    x: float = 0.06
    y: float = 0.06
    blur: float = 0.06


@dataclass(frozen=True, slots=True)
class Text:
    """A text and how it is set.

    `size`: an em, in fractions of the output's height; `max_width`: where lines are broken,
    in fractions of its width; `line_spacing`: from line to line, in units of the font's own
    distance. `language` (BCP 47) chooses between forms that languages share a code for.
    """

    text: str
    font: str
    own_font: bool = False
    size: float = 0.05
    weight: Weight = Weight.REGULAR
    color: Colour = (255, 255, 255)
    align: Align = Align.START
    line_spacing: float = 1.0
    max_width: float = 0.9
    language: str = ""
    box: Box | None = None
    outline: Outline | None = None
    shadow: Shadow | None = None


@dataclass(frozen=True, slots=True)
class Layer:
    """A picture or a text over the frames `start_frame ≤ n < end_frame`.

    A start of None is the first frame kept, an end of None the end of the output. Fades in
    frames, inside the range.
    """

    content: Picture | Text
    placement: Placement = Placement()
    opacity: float = 1.0
    start_frame: int | None = None
    end_frame: int | None = None
    fade_in: int = 0
    fade_out: int = 0

    def within(self, kept: range, count: int) -> "Layer":
        """The same with its range known: `kept` are the frames shown, of `count` there are."""
        start = kept.start if self.start_frame is None else self.start_frame
        end = kept.stop if self.end_frame is None else min(self.end_frame, count)
        return replace(self, start_frame=start, end_frame=end)

    def opacity_at(self, n: int) -> float:
        """How strongly frame n shows it, once its range is known; 0 outside.

        A fade is a straight line, looked at in the middle of each frame: with F frames the
        first has 1/2F of the opacity. So one layer's fade out and another's fade in over the
        same frames add up to one on each.
        """
        start, end = self.start_frame or 0, self.end_frame or 0
        if not start <= n < end:
            return 0.0
        into = (n - start + 0.5) / self.fade_in if self.fade_in else 1.0
        left = (end - n - 0.5) / self.fade_out if self.fade_out else 1.0
        return self.opacity * min(into, left, 1.0)


@dataclass(frozen=True, slots=True)
class PlacedLayer:
    """A layer on one frame: its number in the list, and how strongly it shows, above 0."""

    index: int
    layer: Layer
    opacity: float
    output: Size

    def rect(self, content: Size) -> Rect:
        """Where it lies in output pixels, its content being this large."""
        return self.layer.placement.rect(self.output, content)


def placed(layers: Sequence[Layer], output: Size, n: int) -> tuple[PlacedLayer, ...]:
    """The layers seen on frame n, in drawing order; each with its range known."""
    found = ((index, each, each.opacity_at(n)) for index, each in enumerate(layers))
    return tuple(PlacedLayer(i, each, o, output) for i, each, o in found if o > 0)


def never_seen(layers: Sequence[Layer], kept: range) -> list[int]:
    """The numbers of layers whose range holds no frame that is kept."""
    return [
        index
        for index, each in enumerate(layers)
        if not range(
            max(each.start_frame or 0, kept.start), min(each.end_frame or 0, kept.stop)
        )
    ]
