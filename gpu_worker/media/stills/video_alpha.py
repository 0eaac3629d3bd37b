"""The alpha of a video's frames, which renders have no use for and thumbnails keep.

VP8 and VP9 in WebM carry it as a second picture beside each packet, which ffmpeg's own
decoders pass over and libvpx's do not.
"""

from collections.abc import Iterator
from types import MappingProxyType
from typing import cast

import av
from av.codec.context import CodecContext
from av.container import InputContainer
from av.video.codeccontext import VideoCodecContext
from av.video.format import VideoFormat
from av.video.frame import VideoFrame
from av.video.stream import VideoStream

from gpu_worker.media.decoding.containers import MAX_PIXELS, demuxed, opened
from gpu_worker.media.decoding.footage import Source, VideoTrack
from gpu_worker.media.decoding.streams import video_stream
from gpu_worker.media.picture.planes import Array
from shared.errors import JobFailed
from shared.render.timebase import ConstantRate

_DECODERS_WITH_ALPHA = MappingProxyType({"vp8": "libvpx", "vp9": "libvpx-vp9"})


def has_alpha(source: Source) -> bool:
    """Whether the video says that its frames may be transparent."""
    if any(part.is_alpha for part in VideoFormat(source.look.pixel_format).components):
        return True
    if source.video.codec not in _DECODERS_WITH_ALPHA:
        return False
    with opened(source.path) as container:
        said = container.streams[source.video.index].metadata
    return any(name.lower() == "alpha_mode" and mode == "1" for name, mode in said.items())


def alpha_of(source: Source, number: int) -> Array:
    """The alpha of a frame of the constant-rate timeline: (rows, columns) as coded, uint8.

    The frame is found by the rule a `FrameReader` goes by. Raises `JobFailed` with
    `input_unreadable` where none can be decoded.
    """
    track = source.video
    clock = ConstantRate(track.rate, track.timebase)
    clock.add(track.origin)
    held: VideoFrame | None = None
    with opened(source.path) as container:
        for frame, stamp in _stamped(_decoded(container, source), track):
            span = clock.add(stamp, frame.duration)
            if span.stop > number:
                return _samples(held or frame)
            held = frame
    if held is None:
        raise JobFailed(
            "input_unreadable",
            "The transparency of the video cannot be decoded. Export it again and retry.",
        )
    return _samples(held)


def _samples(frame: VideoFrame) -> Array:
    samples: Array = frame.reformat(format="rgba").to_ndarray()[..., 3]
    return samples


def _stamped(
    frames: Iterator[VideoFrame], track: VideoTrack
) -> Iterator[tuple[VideoFrame, int]]:
    """Each frame with its time in ticks; without PTS, DTS tell how far they are apart."""
    latest, ahead = track.origin, None
    for frame in frames:
        stamp = frame.pts if track.stamped else None
        if stamp is None and frame.dts is not None:
            ahead = frame.dts - track.origin if ahead is None else ahead
            stamp = frame.dts - ahead
        latest = latest + (frame.duration or 1) if stamp is None else stamp
        yield frame, latest


def _decoded(container: InputContainer, source: Source) -> Iterator[VideoFrame]:
    stream = video_stream(container, source.video.index)
    decoder = _decoder(stream, source.video.codec)
    for packet in demuxed(container, stream):
        try:
            frames = decoder.decode(packet)
        except MemoryError:
            raise
        except av.FFmpegError:
            continue  # the reader has counted these
        yield from frames


def _decoder(stream: VideoStream, codec: str) -> VideoCodecContext:
    name = _DECODERS_WITH_ALPHA.get(codec)
    if name is None:
        return stream.codec_context
    decoder = cast(VideoCodecContext, CodecContext.create(name, "r"))
    decoder.extradata = stream.codec_context.extradata
    decoder.options = {"max_pixels": str(MAX_PIXELS)}
    return decoder
