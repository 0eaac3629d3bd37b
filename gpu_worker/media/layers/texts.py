"""Text layers: letters as masks in their places, each laid in its colour over the last.

HarfBuzz draws outlines to 256 steps of coverage, at the exact fraction of a pixel and without
hinting. Coverage is taken for alpha as it is, in the codes of the output and not in light, as
browsers and editors do.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from math import ceil, cos, hypot, pi, sin
from pathlib import Path

import numpy as np
import uharfbuzz as hb
from PIL import Image, ImageFilter

from gpu_worker.media.layers.art import Art, art_of, covered, whole_pixels
from gpu_worker.media.layers.fonts import UNITS_PER_PX, FontShelf, Typeface, own_typeface
from gpu_worker.media.layers.setting import Block, Glyph, set_text
from gpu_worker.media.picture.planes import Array
from shared.render.cropping import Rect, Size
from shared.render.layers import Colour, Placement, Text

_OVERHANG_EM = 1.0  # how far glyphs may reach out of their lines and still be drawn
_FAR_EM = 4.0  # further than that from the picture a glyph is not looked at
_BLUR_REACH = 3  # of standard deviations
_FIRST_DISC_PX = 3.0
_ROUND = 24  # points of a circle


def text_art(
    text: Text, placement: Placement, output: Size, shelf: FontShelf, font_file: Path | None
) -> tuple[Art | None, tuple[str, ...]]:
    """A text in its place, None where none of it can be seen, and characters no font has.

    Raises `JobFailed` with `input_unreadable`.
    """
    em = text.size * output.height_px
    own = None if font_file is None else own_typeface(font_file, text.weight)
    block = set_text(text, em, text.max_width * output.width_px, shelf, own)
    padding = text.box.padding * em if text.box else 0.0
    rect = placement.around(output, block.width + 2 * padding, block.height + 2 * padding)
    canvas = _Canvas.over(rect, output, _reach_px(text, em), _spread_px(text, em))
    if canvas is not None:
        _paint(canvas, text, block, rect, padding)
    return canvas.art() if canvas else None, block.missing


def _reach_px(text: Text, em: float) -> float:
    """How far anything of it may lie outside its rectangle."""
    beyond = hypot(text.shadow.x, text.shadow.y) if text.shadow else 0.0
    return (_OVERHANG_EM + beyond) * em + _spread_px(text, em)


def _spread_px(text: Text, em: float) -> float:
    """How far from its letters a text's outline and shadow go: what is drawn depends on it."""
    outline = text.outline.width if text.outline else 0.0
    blur = _BLUR_REACH * text.shadow.blur if text.shadow else 0.0
    return (outline + blur) * em


@dataclass(slots=True)
class _Canvas:
    """What is painted on: (height, width, 4) float32, from a pixel of the output on.

    A part of the output, and of what lies around it as far as it spreads into it.
    """

    left: int
    top: int
    colours: Array
    output: Size

    @classmethod
    def over(
        cls, rect: Rect, output: Size, reach_px: float, spread_px: float
    ) -> "_Canvas | None":
        wide = rect.resized(rect.width + 2 * reach_px, rect.height + 2 * reach_px)
        left, top, right, bottom = whole_pixels(wide, output, ceil(spread_px))
        if right <= left or bottom <= top:
            return None
        return cls(left, top, np.zeros((bottom - top, right - left, 4), np.float32), output)

    @property
    def size(self) -> tuple[int, int]:
        """Rows and columns."""
        return self.colours.shape[0], self.colours.shape[1]

    def lay(self, mask: Array, colour: Colour, opacity: float = 1.0) -> None:
        """Lay a colour over what is there, where a mask of 0 … 1 says."""
        alpha = (mask * np.float32(opacity))[..., None]
        self.colours *= 1 - alpha
        self.colours += alpha * np.array([*(each / 255 for each in colour), 1], np.float32)

    def art(self) -> Art | None:
        """What of it lies in the output."""
        rows, columns = self.size
        top, left = max(0, -self.top), max(0, -self.left)
        bottom = min(rows, self.output.height_px - self.top)
        right = min(columns, self.output.width_px - self.left)
        return art_of(self.left + left, self.top + top, self.colours[top:bottom, left:right])


def _paint(canvas: _Canvas, text: Text, block: Block, rect: Rect, padding: float) -> None:
    em = block.size_px
    glyphs = block.placed()
    x, y = rect.x + padding, rect.y + padding
    outline_px = text.outline.width * em if text.outline else 0.0
    if text.box is not None:
        rows, columns = canvas.size
        mask = np.outer(
            covered(rect.y, rect.height, canvas.top, rows),
            covered(rect.x, rect.width, canvas.left, columns),
        )
        canvas.lay(mask, text.box.color, text.box.opacity)
    if text.shadow is not None:
        shadow = text.shadow
        mask = _letters(canvas, glyphs, em, x + shadow.x * em, y + shadow.y * em)
        mask = _blurred(_widened(mask, outline_px), shadow.blur * em)
        canvas.lay(mask, shadow.color, shadow.opacity)
    mask = _letters(canvas, glyphs, em, x, y)
    if text.outline is not None:
        canvas.lay(_widened(mask, outline_px), text.outline.color)
    canvas.lay(mask, text.color)


def _letters(canvas: _Canvas, glyphs: list[Glyph], em: float, x: float, y: float) -> Array:
    """How much of each pixel letters cover, their block's corner at a point of the output."""
    rows, columns = canvas.size
    draw = hb.RasterDraw()
    draw.scale_factor = (float(UNITS_PER_PX), float(UNITS_PER_PX))
    # Its rows count upwards, ours downwards.
    lowest = -(canvas.top + rows)
    draw.extents = hb.RasterExtents(canvas.left, lowest, columns, rows, columns)
    fonts: dict[Typeface, hb.Font] = {}
    far = _FAR_EM * em
    for each in glyphs:
        right, down = x + each.x, y + each.y
        beside = canvas.left - far < right < canvas.left + columns + far
        if not beside or not canvas.top - far < down < canvas.top + rows + far:
            continue
        font = fonts.setdefault(each.typeface, each.typeface.font(em))
        draw.transform = (1, 0, 0, 1, right * UNITS_PER_PX, -down * UNITS_PER_PX)
        draw.draw_glyph(font, each.number)
    image = draw.render()
    if image is None:
        raise MemoryError
    samples = np.frombuffer(image.buffer, np.uint8)
    if not samples.size:
        return np.zeros((rows, columns), np.float32)
    stride = image.extents.stride
    shown = samples.reshape(-1, stride)[::-1, :columns]
    return shown.astype(np.float32) / 255


def _widened(mask: Array, by_px: float) -> Array:
    """A mask grown by a disc.

    One after another, discs are a disc as large as all of them together. The first is whole;
    then a circle of points does for a disc as large as what the mask has grown by already.
    """
    grown = min(by_px, _FIRST_DISC_PX)
    mask = _reached(mask, _disc(grown))
    while grown < by_px:
        step = min(grown, by_px - grown)
        mask = _reached(mask, _circle(step))
        grown += step
    return mask


def _disc(radius: float) -> dict[tuple[int, int], float]:
    """Weights by where they lie, with an edge of a pixel."""
    across = range(-ceil(radius), ceil(radius) + 1)
    weights = {(dy, dx): radius + 0.5 - hypot(dx, dy) for dy in across for dx in across}
    return {at: min(each, 1.0) for at, each in weights.items() if each > 0}


def _circle(radius: float) -> dict[tuple[int, int], float]:
    turns = (2 * pi * k / _ROUND for k in range(_ROUND))
    return {(round(radius * sin(turn)), round(radius * cos(turn))): 1.0 for turn in turns}


def _reached(mask: Array, weights: Mapping[tuple[int, int], float]) -> Array:
    """The most of a mask that is found from each pixel, times its weight."""
    rows, columns = mask.shape
    made = mask.copy()
    for (dy, dx), weight in weights.items():
        if abs(dy) >= rows or abs(dx) >= columns:
            continue
        into = made[max(0, -dy) : rows - max(0, dy), max(0, -dx) : columns - max(0, dx)]
        found = mask[max(0, dy) : rows - max(0, -dy), max(0, dx) : columns - max(0, -dx)]
        np.maximum(into, found * np.float32(weight) if weight < 1 else found, out=into)
    return made


def _blurred(mask: Array, sigma_px: float) -> Array:
    image = Image.fromarray(np.rint(mask * 255).astype(np.uint8))
    soft = image.filter(ImageFilter.GaussianBlur(sigma_px))
    return np.asarray(soft, np.float32) / 255
