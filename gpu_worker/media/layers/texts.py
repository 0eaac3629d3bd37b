"""Text layers: letters as masks in their places, each laid in its colour over the last.

HarfBuzz draws outlines to 256 steps of coverage, at the exact fraction of a pixel and without
hinting. Coverage is taken for alpha as it is, in the codes of the output and not in light, as
browsers and editors do.
"""

from dataclasses import dataclass
from math import ceil, hypot
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
_WIDEST_STEP_PX = 3.0


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
    canvas = _Canvas.over(rect, output, ceil(_reach_px(text, em)))
    if canvas is not None:
        _paint(canvas, text, block, rect, padding)
    return canvas.art() if canvas else None, block.missing


def _reach_px(text: Text, em: float) -> float:
    """How far anything of it may lie outside its rectangle."""
    outline = text.outline.width if text.outline else 0.0
    shadow = text.shadow
    beyond = hypot(shadow.x, shadow.y) + _BLUR_REACH * shadow.blur if shadow else 0.0
    return (_OVERHANG_EM + outline + beyond) * em


@dataclass(slots=True)
class _Canvas:
    """A part of the output, and a margin, that is painted on: (height, width, 4) float32."""

    left: int
    top: int
    colours: Array
    output: Size

    @classmethod
    def over(cls, rect: Rect, output: Size, margin_px: int) -> "_Canvas | None":
        left, top, right, bottom = whole_pixels(rect, output)
        if right <= left or bottom <= top:
            return None
        size = bottom - top + 2 * margin_px, right - left + 2 * margin_px, 4
        return cls(left - margin_px, top - margin_px, np.zeros(size, np.float32), output)

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
    """A mask grown by a disc; in steps, since two discs one after another are a larger one."""
    steps = ceil(by_px / _WIDEST_STEP_PX)
    for _ in range(steps):
        mask = _grown(mask, by_px / steps)
    return mask


def _grown(mask: Array, radius: float) -> Array:
    reach = ceil(radius)
    rows, columns = mask.shape
    wide = np.pad(mask, reach)
    made = mask.copy()
    for dy in range(-reach, reach + 1):
        for dx in range(-reach, reach + 1):
            weight = min(max(radius + 0.5 - hypot(dx, dy), 0.0), 1.0)
            if weight:
                moved = wide[reach + dy : reach + dy + rows, reach + dx : reach + dx + columns]
                np.maximum(made, moved * np.float32(weight), out=made)
    return made


def _blurred(mask: Array, sigma_px: float) -> Array:
    image = Image.fromarray(np.rint(mask * 255).astype(np.uint8))
    soft = image.filter(ImageFilter.GaussianBlur(sigma_px))
    return np.asarray(soft, np.float32) / 255
