"""The sound of an export: copied where no cut falls inside a packet, else cut to the sample.

Either way it stays where it was against the picture. The video's first kept frame is time 0
of the output, and sound before it is left out.
"""

from collections import deque
from collections.abc import Iterator
from contextlib import ExitStack
from fractions import Fraction
from typing import Protocol

from av.audio.stream import AudioStream
from av.container import InputContainer, OutputContainer
from av.packet import Packet

from gpu_worker.media.decoding.containers import demuxed, opened
from gpu_worker.media.decoding.footage import AudioTrack, Source
from gpu_worker.media.encoding.aac import CODEC, set_up
from gpu_worker.media.encoding.cut_sound import Cut, CutSound, seek, timebase_of
from gpu_worker.media.encoding.levels import Level, levelled
from shared.errors import JobFailed
from shared.render.plan import Plan


class Sound(Protocol):
    """A way to bring the sound over: add a stream to the output, then pull its packets."""

    def join(self, output: OutputContainer) -> None:
        """Add the stream; before the output's first packet."""

    def until(self, time_s: Fraction) -> Iterator["Packet[AudioStream]"]:
        """Yield the packets that begin before a time of the output and were not yet."""


def can_copy(track: AudioTrack, cut: Cut, *, whole: bool) -> bool:
    """Whether packets can stay as they are: AAC, and no trim inside a packet."""
    if track.codec != CODEC:
        return False
    return whole or (track.begins_packet(cut.starts_at) and track.begins_packet(cut.ends_at))


def open_sound(
    source: Source, plan: Plan, opening: ExitStack, level: Level | None = None
) -> Sound | None:
    """The sound for a plan, its file closed with `opening`; None where there is none.

    With a level its samples change, so that none of its packets can stay as it is.
    """
    track = track_of(source, plan)
    if track is None:
        return None
    cut = Cut.of(source, plan)
    container, stream = open_track(source, track, opening)
    if level is None and can_copy(track, cut, whole=plan.whole):
        return CopiedSound(container, stream, cut)
    return EncodedSound(CutSound(container, stream, cut), level)


def track_of(source: Source, plan: Plan) -> AudioTrack | None:
    """The audio that sounds within a plan's cut; None where none does."""
    track, cut = source.audio, Cut.of(source, plan)
    if track is None or track.starts[0] * track.timebase >= cut.ends_at:
        return None
    return track if track.ends_at_tick * track.timebase > cut.starts_at else None


def open_track(
    source: Source, track: AudioTrack, opening: ExitStack
) -> tuple[InputContainer, AudioStream]:
    """The stream of a track in a file opened for it, closed with `opening`."""
    container = opening.enter_context(opened(source.path, unseen=source.video.index))
    stream = container.streams[track.index]
    if not isinstance(stream, AudioStream):
        raise JobFailed("internal", detail=f"stream {track.index} is no audio")
    return container, stream


class CopiedSound:
    """AAC packets as they are, moved in time.

    The packet before the cut comes along: AAC overlaps its packets, so the first kept one
    decodes wrongly alone. It lies before time 0, where the output's edit list hides it.
    """

    def __init__(self, container: InputContainer, stream: AudioStream, cut: Cut) -> None:
        self._stream = stream
        self._timebase = timebase_of(stream)
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
        seek(container, self._stream, self._shift * self._timebase)
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
    """Cut sound at its own level or another, encoded."""

    def __init__(self, sound: CutSound, level: Level | None = None) -> None:
        self._sound = sound
        pieces = sound.pieces()
        self._pieces = pieces if level is None else levelled(pieces, level)
        self._target: AudioStream | None = None
        self._pending: deque[Packet[AudioStream]] = deque()
        self._done = False

    def join(self, output: OutputContainer) -> None:
        """Add an AAC stream of the sound's rate and channels."""
        target = output.add_stream(CODEC, rate=self._sound.rate)
        set_up(target.codec_context, self._sound.rate, self._sound.layout)
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
