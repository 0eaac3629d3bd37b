"""What every picture of the corpus carries, so that a render can be told right from wrong.

A number says which frame it is, patches in the corners how it is held and what its colours
became, a dot where things are, and a box that flashes goes with a beep. Places are in pixels
of the picture as displayed; every size has them, from 160 × 120 up.
"""

from dataclasses import dataclass

import numpy as np

from shared.render.cropping import Size
from tests.support.footage import Plane, flat, with_dots, with_number

RGB = tuple[int, int, int]

GROUND = 90
DOT_SIGMA_PX = 4.0
FLASH_FRAME = 12
PATCHES: dict[str, RGB] = {
    "top left": (200, 16, 24),
    "top right": (20, 180, 40),
    "bottom left": (24, 30, 210),
    "bottom right": (224, 172, 140),
}


@dataclass(frozen=True, slots=True)
class Layout:
    """Where the signals lie in a displayed picture of this size."""

    size: Size

    @property
    def patch(self) -> Size:
        """How large a patch is."""
        return Size(self.size.width_px // 8, self.size.height_px // 5)

    @property
    def corners(self) -> dict[str, tuple[int, int]]:
        """The outer top-left pixel of each patch."""
        right = self.size.width_px - self.patch.width_px
        low = self.size.height_px - self.patch.height_px
        places = ((0, 0), (right, 0), (0, low), (right, low))
        return dict(zip(PATCHES, places, strict=True))

    @property
    def patch_middles(self) -> dict[str, tuple[float, float]]:
        """The middle of each patch."""
        half = self.patch.width_px / 2, self.patch.height_px / 2
        return {name: (x + half[0], y + half[1]) for name, (x, y) in self.corners.items()}

    @property
    def number(self) -> tuple[int, int]:
        """The number's first pixel."""
        return self.size.width_px // 2 - 40, 4

    @property
    def dot(self) -> tuple[float, float]:
        """The dot's middle."""
        return self.size.width_px / 2, self.size.height_px / 2

    @property
    def flash(self) -> tuple[float, float]:
        """The middle of the box that flashes."""
        return self.size.width_px / 2, self.size.height_px - 24.0


def drawn(size: Size, number: int, patches: dict[str, RGB] | None = None) -> Plane:
    """One picture of the corpus: (height, width, 3) of R, G, B in 0 … 255, as displayed."""
    layout = Layout(size)
    grey = flat(size.width_px, size.height_px, GROUND)
    grey = with_dots(grey, [layout.dot], DOT_SIGMA_PX)
    grey = with_number(grey, number, layout.number)
    x, y = (round(each) for each in layout.flash)
    grey[y - 16 : y + 16, x - 30 : x + 30] = 230 if number == FLASH_FRAME else 30
    rgb = np.repeat(grey[:, :, None], 3, 2)
    tall, wide = layout.patch.height_px, layout.patch.width_px
    for name, (left, top) in layout.corners.items():
        rgb[top : top + tall, left : left + wide] = (patches or PATCHES)[name]
    return rgb


BAR_ROWS = (52, 64)
BAR_PX = 6


def bar_at(field: int) -> int:
    """The first column of the bar that moves from field to field."""
    return 60 + 3 * field


def drawn_field(size: Size, number: int, field: int) -> Plane:
    """A picture of the corpus with a bright bar, which is elsewhere on each field."""
    rgb = drawn(size, number)
    left, (top, end) = bar_at(field), BAR_ROWS
    rgb[top:end, left : left + BAR_PX] = 220
    return rgb


def woven(size: Size, number: int, *, bottom_first: bool) -> Plane:
    """An interlaced frame: the rows of its first field, and between them the second's."""
    first, second = (drawn_field(size, number, 2 * number + late) for late in (0, 1))
    frame = first.copy()
    frame[0 if bottom_first else 1 :: 2] = second[0 if bottom_first else 1 :: 2]
    return frame
