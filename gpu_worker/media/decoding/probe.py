"""Look a video through before anything is rendered: what it is, how it is shown, how long.

Every packet is read once, none but the first frame's is decoded. That tells the frames of
the constant-rate timeline exactly, where frames decode alone, and whether the end is missing.
"""

from array import array
from collections.abc import Iterator
from dataclasses import dataclass, field
from fractions import Fraction
from itertools import pairwise
from pathlib import Path

import av
from av.audio import AudioStream
from av.container import InputContainer
from av.packet import Packet
from av.stream import Stream
from av.video.stream import VideoStream

from gpu_worker.media.decoding.containers import AVI, demuxed, opened
from gpu_worker.media.decoding.footage import (
    AUDIO_DROPPED,
    HDR_TONE_MAPPED,
    TRANSPARENCY_LOST,
    AudioTrack,
    Source,
    SyncSample,
    VideoTrack,
)
from gpu_worker.media.decoding.lengths import refuse_too_long, refuse_too_many_packets
from gpu_worker.media.decoding.looks import first_frame, look_of
from gpu_worker.media.decoding.pictures import has_alpha
from gpu_worker.media.decoding.streams import (
    chosen_audio,
    chosen_video,
    decodable,
    refuse_too_many_pixels,
    timebase_of,
)
from gpu_worker.media.picture.look import Look
from shared.errors import JobFailed
from shared.render.plan import Remark
from shared.render.timebase import ConstantRate, nominal_rate

_MISSING_TAIL_S = Fraction(1, 4)  # containers round durations, and audio may end a little apart
# A stated average this far from the one counted is a guess from the first frames, as ffmpeg
# makes for Matroska.
_AVERAGE_TRUSTED = Fraction(5, 100)
# A still may last, but not so much longer than frames do: then the clock jumped. What follows
# from such times is hours of one picture, or a rate of one frame in minutes.
_LONGEST_STILL_S = 3600
_MEAN_OVER_MEDIAN = 10
_MANY_FRAMES, _HELD = 100_000, 10  # so many, and each packet shown so often: not footage


def probe(path: Path) -> Source:
    """Look a file through. Raises `JobFailed` with `input_unreadable`."""
    with opened(path) as container:
        video = chosen_video(container)
        refuse_too_many_pixels(video.codec_context.width, video.codec_context.height)
        audio = chosen_audio(container)
        seen = _read_packets(container, video, audio)
        stated_s = _stated_s(container, video)
        track = _video_track(video, seen.video)
        heard = _audio_track(audio, seen.audio) if audio is not None else None
        name = container.format.name
        pixel_aspect = video.sample_aspect_ratio or Fraction(1)
        tag = video.codec_context.codec_tag
        layered_alpha = video.metadata.get("alpha_mode") == "1"
    frame = first_frame(path, track.index)
    look = look_of(frame, pixel_aspect, track.codec, tag)
    found = _Found(
        look, layered_alpha or has_alpha(frame.format), audio is not None and not heard
    )
    return Source(
        path=path,
        container=name,
        look=look,
        video=track,
        audio=heard,
        remarks=tuple(_remarks(seen, stated_s, found)),
    )


@dataclass(slots=True)
class _Packets:
    """What one stream's packets say of time, in ticks of its timebase.

    `stamped`: whether the container holds PTS. AVI does not; those ffmpeg makes up lie late.
    """

    timebase: Fraction
    stamped: bool
    starts: "array[int]" = field(default_factory=lambda: array("q"))
    lasts: "array[int]" = field(default_factory=lambda: array("q"))
    sync_samples: list[SyncSample] = field(default_factory=list)

    def add(self, packet: "Packet[Stream]") -> None:
        """Take a packet's times. Raises `JobFailed` for one too many."""
        refuse_too_many_packets(len(self.starts) + 1)
        start = packet.pts if self.stamped and packet.pts is not None else packet.dts
        if start is None:
            start = self.starts[-1] + self.lasts[-1] if self.starts else 0
        if packet.is_keyframe:
            found_by = packet.dts if packet.dts is not None else start
            self.sync_samples.append(SyncSample(start, found_by))
        self.starts.append(start)
        self.lasts.append(packet.duration or 0)

    @property
    def ends_at(self) -> Fraction | None:
        """When the last packet ends, in seconds on the container's clock."""
        if not self.starts:
            return None
        ends = max(start + lasts for start, lasts in zip(self.starts, self.lasts, strict=True))
        return ends * self.timebase


@dataclass(frozen=True, slots=True)
class _Seen:
    video: _Packets
    audio: _Packets


def _read_packets(
    container: InputContainer, video: VideoStream, audio: AudioStream | None
) -> _Seen:
    stamped = container.format.name != AVI.name
    seen = {video.index: _Packets(timebase_of(video), stamped)}
    if audio is not None:
        seen[audio.index] = _Packets(timebase_of(audio), stamped)
    streams: list[Stream] = [video] if audio is None else [video, audio]
    for packet in demuxed(container, *streams):
        if packet.size and not packet.is_discard:
            seen[packet.stream_index].add(packet)
    return _Seen(
        video=seen[video.index],
        audio=seen[audio.index] if audio is not None else _Packets(Fraction(1), stamped),
    )


def _stated_s(container: InputContainer, video: VideoStream) -> Fraction | None:
    """How long the file says it is; None where it does not."""
    stated_s = container.duration / Fraction(av.time_base) if container.duration else None
    # Of an AVI without its index ffmpeg tells how much there is, not how much there was.
    if container.format.name == AVI.name and video.frames and video.base_rate:
        return max(stated_s or Fraction(0), video.frames / video.base_rate)
    return stated_s


def _video_track(stream: VideoStream, packets: _Packets) -> VideoTrack:
    if not packets.starts:
        raise JobFailed(
            "input_unreadable", "The video has no frames. Export it again and upload that."
        )
    order = sorted(range(len(packets.starts)), key=packets.starts.__getitem__)
    _refuse_jumps(packets, order)
    rate = _rate(stream, packets, order)
    clock = ConstantRate(rate, packets.timebase)
    for index in order:
        clock.add(packets.starts[index], packets.lasts[index])
    refuse_too_long(rate, clock)
    if clock.count > max(_MANY_FRAMES, _HELD * len(order)):
        raise JobFailed(
            "input_unreadable",
            "The video's clock makes it many times longer than it has pictures for. Export "
            "it again and upload that.",
            detail=f"{clock.count} frames of {len(order)} packets",
        )
    return VideoTrack(
        index=stream.index,
        codec=stream.codec_context.name,
        timebase=packets.timebase,
        origin=packets.starts[order[0]],
        rate=rate,
        frames=clock.count,
        duration=clock.duration,
        packets=len(order),
        sync_samples=tuple(sorted(packets.sync_samples, key=lambda sample: sample.pts)),
        stamped=packets.stamped,
        held_back=stream.codec_context.reorder_depth,
    )


def _refuse_jumps(packets: _Packets, order: list[int]) -> None:
    """Fail where one frame lasts for more than an hour and most last nowhere near as long."""
    times = [packets.starts[index] for index in order]
    lasts = [after - before for before, after in pairwise(times)]
    lasts.append(packets.lasts[order[-1]])
    usual = sorted(lasts)[len(lasts) // 2]
    mean = sum(lasts) / len(lasts)
    if max(lasts) * packets.timebase > _LONGEST_STILL_S and mean > _MEAN_OVER_MEDIAN * usual:
        hours = float(max(lasts) * packets.timebase / 3600)
        raise JobFailed(
            "input_unreadable",
            f"The video's clock jumps by {hours:.1f} hours between two frames. Export it "
            f"again, or cut the recording there, and upload that.",
        )


def _rate(stream: VideoStream, packets: _Packets, order: list[int]) -> Fraction:
    last = order[-1]
    ticks = packets.starts[last] + packets.lasts[last] - packets.starts[order[0]]
    counted = len(order) / (ticks * packets.timebase) if ticks > 0 else None
    average = stream.average_rate or counted
    far = average and counted and abs(average - counted) > counted * _AVERAGE_TRUSTED
    # AVI states one rate for all its frames; where packets are missing, frames are held.
    if far and packets.stamped:
        average = counted
    try:
        return nominal_rate(stream.base_rate, average)
    except ValueError as error:
        raise JobFailed(
            "input_unreadable",
            "The video does not say how fast its frames follow. Export it again and retry.",
            detail=str(error),
        ) from error


def _audio_track(stream: AudioStream, packets: _Packets) -> AudioTrack | None:
    ends_at = packets.ends_at
    if ends_at is None or not decodable(stream) or not stream.codec_context.sample_rate:
        return None
    return AudioTrack(
        index=stream.index,
        codec=stream.codec_context.name,
        timebase=packets.timebase,
        sample_rate=stream.codec_context.sample_rate,
        channels=stream.codec_context.channels,
        starts=array("q", sorted(packets.starts)),
        ends_at_tick=int(ends_at / packets.timebase),
    )


@dataclass(frozen=True, slots=True)
class _Found:
    """What of the input cannot be kept."""

    look: Look
    transparent: bool
    audio_lost: bool


def _remarks(seen: _Seen, stated_s: Fraction | None, found: _Found) -> Iterator[Remark]:
    if found.look.tone_map is not None:
        yield HDR_TONE_MAPPED
    if found.transparent:
        yield TRANSPARENCY_LOST
    ends = [end for end in (seen.video.ends_at, seen.audio.ends_at) if end is not None]
    if stated_s is not None and ends:
        # Some containers count from their first frame and some from 0; the later end of the
        # two is not held against the file.
        missing_s = stated_s - max(ends)
        if missing_s > _MISSING_TAIL_S:
            yield Remark(
                "input_truncated",
                f"The file says it is {float(stated_s):.1f} s long, but the last "
                f"{float(missing_s):.1f} s are missing. What is there was used.",
            )
    if found.audio_lost:
        yield AUDIO_DROPPED
