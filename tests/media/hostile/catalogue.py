"""Every hostile file."""

from tests.media.hostile import (
    circles,
    clocks,
    disguised,
    fonts,
    pictures,
    polyglots,
    references,
    sizes,
    structure,
)
from tests.media.hostile.entry import Hostile

ENTRIES: tuple[Hostile, ...] = (
    *disguised.DISGUISED,
    *references.REFERENCES,
    *polyglots.POLYGLOTS,
    *polyglots.MISNAMED,
    *polyglots.TEXTS,
    *pictures.PICTURES,
    *sizes.SIZES,
    *structure.NUMBERS,
    *circles.CIRCLES,
    *structure.BESIDE,
    *structure.TRUNCATED,
    *clocks.JUMPS,
    *clocks.SOUND,
    *fonts.FONTS,
)
