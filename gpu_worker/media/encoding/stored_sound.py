"""The sound of an export in a file of its own: made beside the picture, brought along later."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from fractions import Fraction
from pathlib import Path

import av
from av.audio.stream import AudioStream
from av.container import OutputContainer
from av.packet import Packet

from gpu_worker.media.encoding.cut_sound import Cut
from gpu_worker.media.encoding.sound import CopiedSound, Sound
from gpu_worker.media.encoding.video_file import writing

_STEP_S = Fraction(1)  # of sound, between two looks whether to stop


def store_sound(
    sound: Sound, length_s: Fraction, into: Path, progress: Callable[[float], None]
) -> None:
    """Write the packets that begin before `length_s` into an MP4; there may be none of them.

    `progress` is called with 0 to 1; what it raises ends it.
    """
    with ExitStack() as opening, writing():
        output = opening.enter_context(av.open(str(into), "w", format="mp4"))
        sound.join(output)
        output.start_encoding()  # a file without a packet is one nonetheless
        time_s = Fraction(0)
        while time_s < length_s:
            time_s = min(time_s + _STEP_S, length_s)
            for packet in sound.until(time_s):
                output.mux(packet)
            progress(float(time_s / length_s))


def open_stored(path: Path, length_s: Fraction, opening: ExitStack) -> Sound:
    """Sound that was stored, its file closed with `opening`; its packets stay as they are."""
    container = opening.enter_context(av.open(str(path), "r", format="mov"))
    if not container.streams.audio:
        return _Nothing()
    return CopiedSound(container, container.streams.audio[0], Cut(Fraction(0), length_s))


class _Nothing:
    """Sound of which no packet came: a file does not even keep its stream."""

    def join(self, _output: OutputContainer) -> None:
        """Add nothing."""

    def until(self, _time_s: Fraction) -> "Iterator[Packet[AudioStream]]":
        """Yield nothing."""
        return iter(())
