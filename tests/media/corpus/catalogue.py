"""Every file of the corpus."""

from tests.media.corpus import codecs, pictures, shapes, structure, timing
from tests.media.corpus.entry import Entry

ENTRIES: tuple[Entry, ...] = (
    *codecs.CONTAINERS,
    *codecs.SAMPLES,
    *shapes.ORIENTATIONS,
    *shapes.SHAPES,
    *pictures.INTERLACED,
    *pictures.HIGH_DYNAMIC_RANGE,
    *pictures.ALPHA,
    *pictures.GREY,
    *timing.RATES,
    *timing.BEGINNINGS,
    *timing.JUMPS,
    *timing.SOUND,
    *structure.BESIDE,
    *structure.SWITCHES,
    *structure.DAMAGE,
)
