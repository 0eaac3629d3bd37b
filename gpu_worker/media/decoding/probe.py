"""Look a video through before anything is rendered: what it is, how it is shown, how long.

Every packet is read once, none but the first frame's is decoded. That tells the frames of
the constant-rate timeline exactly, where frames decode alone, and whether the end is missing.
"""

from array import array
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from fractions import Fraction
from itertools import islice, pairwise
from pathlib import Path
from typing import cast

import av
from av.audio import AudioStream
from av.container import InputContainer
from av.packet import Packet
from av.sidedata.sidedata import SideData
from av.stream import Disposition, Stream
from av.video.frame import VideoFrame
from av.video.stream import VideoStream

from gpu_worker.media.decoding.containers import AVI, MAX_PIXELS, demuxed, opened
from gpu_worker.media.decoding.footage import (
    AUDIO_DROPPED,
    AudioTrack,
    Source,
    SyncSample,
    VideoTrack,
)
from gpu_worker.media.decoding.pictures import is_rgb
from gpu_worker.media.picture.colour import FULL, LIMITED, colours_of
from gpu_worker.media.picture.look import Look
from gpu_worker.media.picture.planes import Orientation
from shared.errors import JobFailed
from shared.render.cropping import Size, displayed_size
from shared.render.plan import Remark
from shared.render.timebase import ConstantRate, nominal_rate

_PACKETS_TO_FIRST_FRAME = 500
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
        video = _video_stream(container)
        _refuse_too_many_pixels(video.codec_context.width, video.codec_context.height)
        audio = _audio_stream(container)
        seen = _read_packets(container, video, audio)
        stated_s = _stated_s(container, video)
        track = _video_track(video, seen.video)
        heard = _audio_track(audio, seen.audio) if audio is not None else None
        name = container.format.name
        pixel_aspect = video.sample_aspect_ratio or Fraction(1)
    frame = _first_frame(path, track.index)
    look = _look(frame, pixel_aspect, track.codec)
    return Source(
        path=path,
        container=name,
        look=look,
        video=track,
        audio=heard,
        remarks=tuple(_remarks(seen, stated_s, audio is not None and heard is None)),
    )


def video_stream(container: InputContainer, index: int) -> VideoStream:
    """The video stream of this index, ready to decode; a frame over the pixel limit fails."""
    stream = container.streams[index]
    if not isinstance(stream, VideoStream):
        raise JobFailed("internal", detail=f"stream {index} is no video")
    stream.codec_context.options = {"max_pixels": str(MAX_PIXELS)}
    return stream


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


def _video_stream(container: InputContainer) -> VideoStream:
    for stream in container.streams.video:
        cover = stream.disposition & (Disposition.attached_pic | Disposition.timed_thumbnails)
        if not cover:
            if not _decodable(stream):
                raise JobFailed(
                    "input_unreadable",
                    "The video's codec is one we cannot decode. Export it as H.264 and retry.",
                )
            return stream
    if container.streams.audio:
        raise JobFailed(
            "input_unreadable", "The file has sound but no video. Choose a file with a picture."
        )
    raise JobFailed("input_unreadable", "The file has no video in it. Choose another file.")


def _audio_stream(container: InputContainer) -> AudioStream | None:
    """The sound a player would begin with: the one marked as default, else the first.

    One that cannot be decoded stands back behind one that can.
    """
    return min(
        container.streams.audio,
        key=lambda stream: (
            not _decodable(stream),
            not stream.disposition & Disposition.default,
        ),
        default=None,
    )


def _decodable(stream: Stream) -> bool:
    # The stubs promise a codec context; a stream without a known decoder has None.
    return getattr(stream, "codec_context", None) is not None


def _refuse_too_many_pixels(width_px: int, height_px: int) -> None:
    # ffmpeg, told the limit when the file was opened, leaves a size beyond it at 0.
    if not 0 < width_px * height_px <= MAX_PIXELS:
        raise JobFailed(
            "input_unreadable",
            "The picture is larger than we can read. Export it at 8192 × 4320 or smaller.",
            detail=f"{width_px} × {height_px}",
        )


def _read_packets(
    container: InputContainer, video: VideoStream, audio: AudioStream | None
) -> _Seen:
    stamped = container.format.name != AVI.name
    seen = {video.index: _Packets(_timebase(video), stamped)}
    if audio is not None:
        seen[audio.index] = _Packets(_timebase(audio), stamped)
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


def _timebase(stream: Stream) -> Fraction:
    if not stream.time_base:
        raise JobFailed("input_unreadable", detail=f"stream {stream.index} has no timebase")
    return stream.time_base


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
    if ends_at is None or not _decodable(stream) or not stream.codec_context.sample_rate:
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


def _first_frame(path: Path, index: int) -> VideoFrame:
    with opened(path) as container:
        stream = video_stream(container, index)
        for packet in islice(demuxed(container, stream), _PACKETS_TO_FIRST_FRAME):
            try:
                frames = packet.decode()
            except MemoryError:
                raise
            except av.FFmpegError:
                continue  # A damaged start; `decode` counts and reports what it skips.
            if frames and isinstance(frames[0], VideoFrame):
                return frames[0]
    raise JobFailed(
        "input_unreadable",
        "No frame of the video can be decoded. Export it as H.264 and upload that.",
    )


def _look(frame: VideoFrame, pixel_aspect: Fraction, codec: str) -> Look:
    # The stubs know of motion vectors alone.
    matrix = cast("Mapping[str, SideData]", frame.side_data).get("DISPLAYMATRIX")
    orientation = Orientation.of_matrix(bytes(matrix)) if matrix else Orientation()
    # RGB is brought to limited range, whatever range its own samples have.
    jpeg = frame.format.name.startswith("yuvj")
    stated = FULL if jpeg else frame.color_range
    return Look(
        displayed=displayed_size(
            Size(frame.width, frame.height), pixel_aspect, orientation.quarter_turns
        ),
        orientation=orientation,
        colours=colours_of(
            frame.colorspace,
            frame.color_primaries,
            frame.color_trc,
            LIMITED if is_rgb(frame.format) else stated,
            frame.height,
        ),
        pixel_format=frame.format.name,
        chroma_centred=codec in ("mjpeg", "mpeg1video"),
    )


def _remarks(seen: _Seen, stated_s: Fraction | None, audio_lost: bool) -> Iterator[Remark]:
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
    if audio_lost:
        yield AUDIO_DROPPED
