"""Every file of the corpus."""

from tests.media.corpus import codecs, shapes, structure, timing
from tests.media.corpus.entry import Entry

ENTRIES: tuple[Entry, ...] = (
    *codecs.CONTAINERS,
    *codecs.SAMPLES,
    *shapes.ORIENTATIONS,
    *shapes.SHAPES,
    *timing.RATES,
    *timing.BEGINNINGS,
    *timing.JUMPS,
    *timing.SOUND,
    *structure.BESIDE,
    *structure.SWITCHES,
    *structure.DAMAGE,
)
