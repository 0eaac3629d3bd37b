"""The sound of an export: copied where no cut falls inside a packet, else cut to the sample.

Either way it stays where it was against the picture. The video's first kept frame is time 0
of the output, and sound before it is left out.
"""

from collections import deque
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from fractions import Fraction
from typing import Final, Protocol, Self

import av
import numpy as np
from av.audio.frame import AudioFrame
from av.audio.resampler import AudioResampler
from av.audio.stream import AudioStream
from av.container import InputContainer, OutputContainer
from av.packet import Packet

from gpu_worker.media.decoding.containers import demuxed, opened
from gpu_worker.media.decoding.footage import AudioTrack, Source
from gpu_worker.media.picture.planes import Array
from shared.errors import JobFailed
from shared.render.plan import Plan

_CODEC: Final = "aac"
_SAMPLE_FORMAT = "fltp"
_USUAL_RATE = 48_000
_BITS_PER_CHANNEL = 96_000
_LAYOUTS = {1: "mono", 2: "stereo"}  # more channels than two are mixed to two
_LEAD_S = Fraction(1, 2)  # decoded before a cut, so that the codec has settled there
# Containers in milliseconds jitter by half of one; what is further off is a true gap.
_JITTER_S = Fraction(1, 100)


@dataclass(frozen=True, slots=True)
class Cut:
    """The sound kept, in seconds on the container's clock, half-open."""

    starts_at: Fraction
    ends_at: Fraction

    @classmethod
    def of(cls, source: Source, plan: Plan) -> Self:
        """The same instants the video is cut at."""
        origin = source.video.starts_at
        return cls(origin + plan.starts_at, origin + plan.ends_at)


class Sound(Protocol):
    """A way to bring the sound over: add a stream to the output, then pull its packets."""

    def join(self, output: OutputContainer) -> None:
        """Add the stream; before the output's first packet."""

    def until(self, time_s: Fraction) -> Iterator["Packet[AudioStream]"]:
        """Yield the packets that begin before a time of the output and were not yet."""


def can_copy(track: AudioTrack, cut: Cut, *, whole: bool) -> bool:
    """Whether packets can stay as they are: AAC, and no trim inside a packet."""
    if track.codec != _CODEC:
        return False
    return whole or (track.begins_packet(cut.starts_at) and track.begins_packet(cut.ends_at))


def open_sound(source: Source, plan: Plan, opening: ExitStack) -> Sound | None:
    """The sound for a plan, its file closed with `opening`; None where there is none."""
    track, cut = source.audio, Cut.of(source, plan)
    if track is None or track.starts[0] * track.timebase >= cut.ends_at:
        return None
    if track.ends_at_tick * track.timebase <= cut.starts_at:
        return None
    container = opening.enter_context(opened(source.path))
    stream = container.streams[track.index]
    if not isinstance(stream, AudioStream):
        raise JobFailed("internal", detail=f"stream {track.index} is no audio")
    if can_copy(track, cut, whole=plan.whole):
        return CopiedSound(container, stream, cut)
    return EncodedSound(container, stream, cut)


class CopiedSound:
    """AAC packets as they are, moved in time.

    The packet before the cut comes along: AAC overlaps its packets, so the first kept one
    decodes wrongly alone. It lies before time 0, where the output's edit list hides it.
    """

    def __init__(self, container: InputContainer, stream: AudioStream, cut: Cut) -> None:
        self._stream = stream
        self._timebase = _timebase(stream)
        self._shift = round(cut.starts_at / self._timebase)
        self._stop = cut.ends_at / self._timebase
        self._packets = self._kept(container)
        self._next: Packet[AudioStream] | None = None
        self._target: AudioStream | None = None

    def join(self, output: OutputContainer) -> None:
        """Add a stream with the input's parameters."""
        self._target = output.add_stream_from_template(self._stream)

    def until(self, time_s: Fraction) -> Iterator["Packet[AudioStream]"]:
        """Yield the packets that begin before `time_s`."""
        while True:
            packet = self._next or next(self._packets, None)
            if packet is None:
                return
            if packet.pts is not None and packet.pts * self._timebase >= time_s:
                self._next = packet
                return
            self._next = None
            yield packet

    def _kept(self, container: InputContainer) -> Iterator["Packet[AudioStream]"]:
        _seek(container, self._stream, self._shift * self._timebase)
        before: Packet[AudioStream] | None = None
        for packet in demuxed(container, self._stream):
            if packet.pts is None or not packet.size:
                continue
            if packet.pts >= self._stop:
                return
            if packet.pts + (packet.duration or 0) <= self._shift:
                before = packet
                continue
            if before is not None:
                yield self._moved(before)
                before = None
            yield self._moved(packet)

    def _moved(self, packet: "Packet[AudioStream]") -> "Packet[AudioStream]":
        if packet.pts is not None:
            packet.pts -= self._shift
            packet.dts = packet.pts
        if self._target is not None:
            packet.stream = self._target
        return packet


class EncodedSound:
    """Sound decoded, cut to the sample, filled with silence where it has gaps, and encoded."""

    def __init__(self, container: InputContainer, stream: AudioStream, cut: Cut) -> None:
        self._stream = stream
        self._cut = cut
        rates = av.Codec(_CODEC, "w").audio_rates or []
        own = stream.codec_context.sample_rate
        self._rate = own if own in rates else _USUAL_RATE
        self._layout = _LAYOUTS.get(stream.codec_context.channels, "stereo")
        self._pieces = self._cut_pieces(container)
        self._target: AudioStream | None = None
        self._pending: deque[Packet[AudioStream]] = deque()
        self._done = False

    def join(self, output: OutputContainer) -> None:
        """Add an AAC stream of the input's rate, with one or two channels."""
        target = output.add_stream(_CODEC, rate=self._rate)
        target.codec_context.layout = self._layout
        target.codec_context.format = _SAMPLE_FORMAT
        target.codec_context.bit_rate = _BITS_PER_CHANNEL * len(
            target.codec_context.layout.channels
        )
        target.codec_context.time_base = Fraction(1, self._rate)
        self._target = target

    def until(self, time_s: Fraction) -> Iterator["Packet[AudioStream]"]:
        """Yield the packets that begin before `time_s`."""
        while True:
            while not self._pending and not self._done:
                self._encode_more()
            if not self._pending:
                return
            first = self._pending[0]
            if first.pts is not None and first.pts * first.time_base >= time_s:
                return
            yield self._pending.popleft()

    def _encode_more(self) -> None:
        if self._target is None:
            raise ValueError("join an output first")
        piece = next(self._pieces, None)
        self._done = piece is None
        self._pending.extend(self._target.encode(piece))

    def _cut_pieces(self, container: InputContainer) -> Iterator[AudioFrame]:
        """Frames from sample 0 of the output on, without gap, to the cut's end at most."""
        total = round((self._cut.ends_at - self._cut.starts_at) * self._rate)
        at = 0
        for start, samples in self._decoded(container):
            gap = start - at
            if abs(gap) <= _JITTER_S * self._rate and at > 0:
                gap = 0
            if gap > 0:
                silence = np.zeros((samples.shape[0], min(gap, total - at)), samples.dtype)
                yield self._frame(silence, at)
                at += silence.shape[1]
            kept = samples[:, max(0, -gap) :][:, : total - at]
            if kept.shape[1]:
                yield self._frame(kept, at)
                at += kept.shape[1]
            if at >= total:
                return

    def _decoded(self, container: InputContainer) -> Iterator[tuple[int, Array]]:
        """Pairs of a position, in samples after the cut's start, and (channels, samples)."""
        _seek(container, self._stream, self._cut.starts_at - _LEAD_S)
        to_planar = AudioResampler(_SAMPLE_FORMAT, self._layout, self._rate)
        expected = 0
        for packet in demuxed(container, self._stream):
            try:
                frames = packet.decode()
            except MemoryError:
                raise
            except av.FFmpegError:
                continue  # A damaged packet becomes a gap, and the gap silence.
            for frame in frames:
                if frame.pts is not None and frame.time_base is not None:
                    after = frame.pts * frame.time_base - self._cut.starts_at
                    expected = round(after * self._rate)
                frame.pts = None
                for ready in to_planar.resample(frame):
                    yield expected, ready.to_ndarray()
                    expected += ready.samples

    def _frame(self, samples: Array, at: int) -> AudioFrame:
        frame = AudioFrame.from_ndarray(
            np.ascontiguousarray(samples), _SAMPLE_FORMAT, self._layout
        )
        frame.sample_rate = self._rate
        frame.pts = at
        frame.time_base = Fraction(1, self._rate)
        return frame


def _timebase(stream: AudioStream) -> Fraction:
    if stream.time_base is None:
        raise JobFailed("input_unreadable", detail="the audio stream has no timebase")
    return stream.time_base


def _seek(container: InputContainer, stream: AudioStream, time_s: Fraction) -> None:
    """Go to a packet well before a time, where that is far from the beginning."""
    target = time_s - _LEAD_S
    if target > 0:
        container.seek(int(target / _timebase(stream)), stream=stream)
