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
from gpu_worker.media.decoding.footage import Source
from gpu_worker.media.decoding.probe import video_stream
from gpu_worker.media.picture.planes import Array
from shared.errors import JobFailed

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


def alpha_of(source: Source, frame: VideoFrame) -> Array:
    """The alpha of a frame that was decoded without: (rows, columns) as coded, uint8.

    Raises `JobFailed` with `input_unreadable` where the frame is not found again.
    """
    stamp = _stamp(frame)
    with opened(source.path) as container:
        for found in _decoded(container, source):
            if _stamp(found) == stamp:
                samples: Array = found.reformat(format="rgba").to_ndarray()[..., 3]
                return samples
    raise JobFailed(
        "input_unreadable",
        "The transparency of the video cannot be decoded. Export it again and retry.",
    )


def _stamp(frame: VideoFrame) -> int | None:
    return frame.dts if frame.pts is None else frame.pts


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
