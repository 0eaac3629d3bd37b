"""Join separately coded pieces of one video: packets as they are, at exact times, one sound."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from fractions import Fraction
from itertools import pairwise
from pathlib import Path

import av
from av.packet import Packet
from av.video.stream import VideoStream

from gpu_worker.media.decoding.containers import demuxed
from gpu_worker.media.encoding.sound import Sound
from gpu_worker.media.encoding.video_file import writing


@dataclass(frozen=True, slots=True)
class Segment:
    """A piece as a file of its own: MP4 with one video stream that begins at time 0.

    `frames` are those of the whole it holds, one packet each, at a constant rate.
    """

    path: Path
    frames: range


class CannotJoin(Exception):
    """These pieces do not make one stream; the text says why. Coded in one, they would."""


@dataclass(frozen=True, slots=True)
class _Layout:
    """What pieces must have in common. `tick` is a frame's length in the stream's timebase."""

    codec: str
    extradata: bytes
    size: tuple[int, int]
    timebase: Fraction
    tick: int


def join(
    segments: Sequence[Segment],
    rate: Fraction,
    sound: Sound | None,
    into: Path,
    moved: Callable[[int], None],
    *,
    consume: bool = False,
) -> None:
    """Write pieces that follow each other into one MP4, its index first, with the sound.

    The n-th packet of the whole is decoded n − D frames after the first frame is shown, D
    being how many packets come before the first that could be shown already: as the encoder
    would have put it, had it not been interrupted. `rate` in frames a second; `moved` is
    called with the number of frames done, and what it raises ends the joining. With `consume`
    each piece is removed once it stands in the whole, so that disk is not taken twice.

    Raises `CannotJoin`, and what the disk says.
    """
    layout, lead = _in_common(segments, rate)
    with ExitStack() as opening, writing():
        output = opening.enter_context(
            av.open(str(into), "w", format="mp4", options={"movflags": "+faststart"})
        )
        with av.open(str(segments[0].path), "r", format="mov") as first:
            template = first.streams.video[0]
            video = output.add_stream_from_template(template, opaque=True)
            # Left to itself the muxer names HEVC hev1, which Apple's players do not open.
            video.codec_context.codec_tag = template.codec_context.codec_tag
        if sound is not None:
            sound.join(output)
        done = 0
        for segment in segments:
            for packet in _packets(segment, layout, done, lead):
                packet.stream = video
                output.mux(packet)
                done += 1
                if sound is not None:
                    output.mux(list(sound.until(done / rate)))
                moved(done)
            if consume:
                segment.path.unlink()


def _in_common(segments: Sequence[Segment], rate: Fraction) -> tuple[_Layout, int]:
    """What all pieces share, and the longest lead of decoding before showing, in frames."""
    if not segments:
        raise CannotJoin("there is nothing to join")
    for one, other in pairwise(segments):
        if one.frames.stop != other.frames.start:
            raise CannotJoin(f"{other.frames} does not follow {one.frames}")
    looks = [_look(segment, rate) for segment in segments]
    layouts = {layout for layout, _ in looks}
    if len(layouts) > 1:
        raise CannotJoin("the pieces were not coded alike")
    return looks[0][0], max(lead for _, lead in looks)


def _look(segment: Segment, rate: Fraction) -> tuple[_Layout, int]:
    with av.open(str(segment.path), "r", format="mov") as file:
        stream = file.streams.video[0]
        if len(file.streams) != 1 or stream.frames != len(segment.frames):
            raise CannotJoin(f"a piece holds {stream.frames} frames of {segment.frames}")
        timebase = stream.time_base or Fraction(0)
        tick = timebase and 1 / rate / timebase
        if not tick or tick.denominator != 1:
            raise CannotJoin(f"frames at {rate} do not fall on ticks of {timebase}")
        first = next(demuxed(file, stream))
        if first.pts != 0 or first.dts is None or not first.is_keyframe:
            raise CannotJoin("a piece does not begin with a frame that decodes alone")
        context = stream.codec_context
        layout = _Layout(
            codec=context.name,
            extradata=context.extradata or b"",
            size=(context.width, context.height),
            timebase=timebase,
            tick=tick.numerator,
        )
        return layout, max(0, -(first.dts // tick.numerator))


def _packets(
    segment: Segment, layout: _Layout, done: int, lead: int
) -> "Iterator[Packet[VideoStream]]":
    """A piece's packets, moved to where they stand in the whole."""
    begins = done
    with av.open(str(segment.path), "r", format="mov") as file:
        for packet in demuxed(file, file.streams.video[0]):
            if not packet.size:
                continue
            number, off = divmod(-1 if packet.pts is None else packet.pts, layout.tick)
            if off or not 0 <= number < len(segment.frames):
                raise CannotJoin(f"a packet of {segment.frames} is timed at {packet.pts}")
            packet.pts = (begins + number) * layout.tick
            packet.dts = (done - lead) * layout.tick
            packet.duration = layout.tick
            yield packet
            done += 1
    if done - begins != len(segment.frames):
        raise CannotJoin(f"{done - begins} packets of {segment.frames}")
