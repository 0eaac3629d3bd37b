"""Sound as AAC: how its encoder is set."""

from fractions import Fraction
from typing import Final

from av.audio.codeccontext import AudioCodecContext

CODEC: Final = "aac"
SAMPLE_FORMAT: Final = "fltp"
_BITS_PER_CHANNEL = 96_000


def set_up(context: AudioCodecContext, rate: int, layout: str) -> None:
    """Set an encoder up for sound of a rate and a layout."""
    context.sample_rate = rate
    context.layout = layout
    context.format = SAMPLE_FORMAT
    context.bit_rate = _BITS_PER_CHANNEL * len(context.layout.channels)
    context.time_base = Fraction(1, rate)
